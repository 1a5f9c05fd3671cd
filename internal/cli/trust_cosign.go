package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/report"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/store"
)

// copies writes what was signed as cosign reads it. It is signed without that too,
// so that trouble is told and fails nothing.
func (t *trustFlags) copies(ctx context.Context, s *store.Session, a *trust.Assembly, by []string, all []image.Resolved) {
	keys, err := s.Keys(a, by)
	if err == nil {
		err = s.Copy(ctx, all, keys)
	}
	if err != nil {
		t.warn("it is signed, and the copy for cosign is not written: "+err.Error(), err)
	}
}

// uncopy removes the copies of what was revoked, and says what cosign makes of it.
func (t *trustFlags) uncopy(ctx context.Context, s *store.Session, digests []finding.Digest, keys []trust.Key) {
	left := 0
	for _, d := range digests {
		n, err := s.Uncopy(ctx, d, keys)
		if err != nil {
			t.warn("the copies for cosign are not removed: "+err.Error(), err)
			return
		}
		left += n
	}
	if left > 0 {
		t.warn(fmt.Sprintf("the registry does not remove %s: cosign knows no revocation, and still takes them for signatures", finding.Count(left, "copy")), nil)
	}
}

// verifyByKey verifies that a key signed an image, by a bundle of cosign's or of
// ours. Where the repository's root is pinned it must verify by that too: a scheme
// without freshness and revocation never stands in for it.
func (t *trustFlags) verifyByKey(ctx context.Context, s *store.Session, n image.Name, file string) error {
	b, err := readSmall(file, 64<<10)
	if err != nil {
		return err
	}
	keys, err := trust.PublicKeys(b)
	if err != nil {
		return fmt.Errorf("--key %s: %w", file, err)
	}
	pin, err := s.Pins.Load(s.Name)
	if err != nil {
		return err
	}
	if pin != nil {
		if err := t.verify(ctx, s, n, verifyFlags{}); err != nil {
			return err
		}
	}
	d := n.Digest
	if d == "" {
		m, _, err := s.Manifest(ctx, n.Tag)
		if err != nil {
			return err
		}
		d = finding.DigestOf(m)
	}
	found, err := s.Signatures(ctx, d, keys[:1])
	if err != nil {
		return err
	}
	verdict := trust.Verdict{Kind: "unsigned", Now: d, Standing: trust.Standing{Digest: d, Reason: fmt.Sprintf("no signature of %s by key %s", d, keys[0].ID())}}
	if slices.ContainsFunc(found, func(st store.Stored) bool { return len(st.By) > 0 }) {
		verdict.Kind, verdict.Signers = "verified", []string{"key " + keys[0].ID()[:12]}
		if pin != nil {
			return nil // said already
		}
		return t.write(func(to sink) error { return report.KeyVerdict(to, to.format, n.String(), verdict, t.page(to)) })
	}
	perr := t.write(func(to sink) error { return report.Refusal(to, to.format, n.String(), verdict, "", t.page(to)) })
	return errors.Join(perr, exitError(2))
}
