package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/report"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/scheme"
	"github.com/drydock-dev/drydock/internal/trust/store"
)

// verifyBy verifies an image by another scheme. Where the repository's root is pinned it
// must verify by that too: a scheme without freshness and revocation never stands in for it.
func (t *trustFlags) verifyBy(ctx context.Context, s *store.Session, n image.Name, who scheme.Who) error {
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
	found, err := s.Marks(ctx, d, who)
	if err != nil {
		return err
	}
	verdict := trust.Verdict{Kind: "unsigned", Now: d, Standing: trust.Standing{Digest: d, Reason: fmt.Sprintf("no signature of %s by %s", d, who.Whose())}}
	if len(found.By) > 0 {
		verdict.Kind, verdict.Signers = "verified", []string{found.By[0].Name}
		if pin != nil {
			if lacks := found.By[0].Lacks; lacks != "" {
				fmt.Fprintf(t.env.Stderr, "note: %s\n", foreign(lacks))
			}
			return nil // said already
		}
		return t.write(func(to sink) error {
			return report.SchemeVerdict(to, to.format, n.String(), verdict, cmp.Or(found.By[0].Lacks, who.Caveat()), t.page(to))
		})
	}
	for _, why := range found.Why {
		verdict.Reason += "; " + why.Error()
	}
	perr := t.write(func(to sink) error { return report.Refusal(to, to.format, n.String(), verdict, "", t.page(to)) })
	return errors.Join(perr, exitError(2))
}
