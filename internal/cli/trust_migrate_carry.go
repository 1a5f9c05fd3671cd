package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/notary"
	"github.com/drydock-dev/drydock/internal/trust/store"
)

// migration carries a repository over.
type migration struct {
	*trustFlags
	*store.Session
	old    *notary.Repository
	docker notary.Folder

	keys, signers, tags []string
	left                []string // what is not carried, and why
}

func (m *migration) run(ctx context.Context) error {
	if err := m.carryKeys(); err != nil {
		return err
	}
	v, err := m.View(ctx)
	if kind, _ := trust.Refused(err); kind == "unsigned" {
		if _, err = m.Begin(ctx, trust.ECDSA, nil); err == nil {
			v, err = m.View(ctx)
		}
	}
	if err != nil {
		return err
	}
	for _, d := range m.old.Signers() {
		if err := m.carrySigner(ctx, v, d); err != nil {
			return err
		}
	}
	for _, tag := range m.old.Tags() {
		if err := m.carryTag(ctx, v, tag); err != nil {
			return err
		}
	}
	if _, err := m.View(ctx); err != nil {
		return fmt.Errorf("what was carried over does not verify: %w", err)
	}
	lines := []string{fmt.Sprintf("%s is carried over: %s, %s, %s", m.Name, finding.Count(len(m.tags), "tag"), finding.Count(len(m.signers), "signer"),
		finding.Count(len(m.keys), "private key"))}
	for _, l := range m.left {
		lines = append(lines, "not carried over: "+l)
	}
	facts := map[string]any{"repository": m.Name, "tags": m.tags, "signers": m.signers, "keys": m.keys, "left": m.left}
	if err := m.say(facts, "%s", strings.Join(lines, "\n")); err != nil || len(m.left) == 0 {
		return err
	}
	return exitError(1)
}

func (m *migration) carrySigner(ctx context.Context, v *trust.View, d notary.Delegate) error {
	if _, there := v.Role(d.Name); there {
		return nil
	}
	if d.Unusable > 0 {
		m.left = append(m.left, fmt.Sprintf("%s of %s, of a kind that Drydock does not sign with", finding.Count(d.Unusable, "key"), d.Name))
	}
	if len(d.Keys) == 0 {
		return nil
	}
	n := store.NewSigner{Name: d.Name, Keys: d.Keys, Threshold: max(1, min(d.Threshold, len(d.Keys)))}
	if _, err := m.AddSigner(ctx, n, false); err != nil {
		return err
	}
	m.signers = append(m.signers, d.Name)
	return nil
}

// carryTag signs a tag as it was signed, by those of its signers whose keys are here,
// else by the administrator.
func (m *migration) carryTag(ctx context.Context, v *trust.View, tag notary.Tag) error {
	if st, ok := v.Tag(tag.Name); ok {
		if st.Digest != tag.Digest || st.Revoked {
			m.left = append(m.left, fmt.Sprintf("tag %s: it is signed, or was revoked, in the newer form otherwise", tag.Name))
		}
		return nil
	}
	all, err := m.Remote.(*image.Remote).Resolve(ctx, string(tag.Digest))
	if errors.Is(err, fs.ErrNotExist) {
		m.left = append(m.left, fmt.Sprintf("tag %s: the registry does not have %s any more", tag.Name, tag.Digest))
		return nil
	}
	if err != nil {
		return err
	}
	im := store.Image{Tag: tag.Name, Size: tag.Size, Manifests: manifests(all)}
	var by []string
	for _, d := range m.old.Signers() {
		if slices.Contains(tag.Signers, d.Name) && slices.ContainsFunc(d.Keys, func(k trust.Key) bool { return m.Ring.Has(k.ID()) }) {
			by = append(by, d.Name)
		}
	}
	if len(by) == 0 {
		by = []string{trust.Admin}
	}
	for _, name := range by {
		if _, _, err := m.Sign(ctx, im, store.SignOptions{Signer: name}); err != nil {
			return fmt.Errorf("tag %s: %w", tag.Name, err)
		}
	}
	m.tags = append(m.tags, tag.Name)
	return nil
}
