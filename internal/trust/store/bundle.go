package store

import (
	"context"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/trust"
)

// Bundle collects what it takes to verify a signed tag, or digest, offline. The
// tag is bundled as it is signed, wherever the registry's points.
func (s *Session) Bundle(ctx context.Context, tag string, d finding.Digest) (*trust.Bundle, *trust.View, error) {
	v, err := s.View(ctx)
	if err != nil {
		return nil, nil, err
	}
	if tag != "" {
		st, ok := v.Tag(tag)
		if !ok || st.Revoked || d != "" && st.Digest != d {
			return nil, nil, &VerdictError{v.Judge(tag, d)}
		}
		d = st.Digest
	}
	verdict := v.Judge(tag, d)
	if verdict.Kind != "verified" {
		return nil, nil, &VerdictError{verdict}
	}
	b := &trust.Bundle{
		Schema: trust.BundleSchema, Repository: v.Repository, Tag: tag, Digest: d,
		Roles: map[string][]byte{}, Manifests: map[finding.Digest][]byte{},
	}
	for role, doc := range s.pin.State {
		if role != trust.Root {
			b.Roles[role] = doc
		}
	}
	shelf, _, err := s.Shelf(ctx)
	if err != nil {
		return nil, nil, err
	}
	if b.Roots, err = shelf.Roots(ctx, s.pin.State[trust.Root]); err != nil {
		return nil, nil, err
	}
	all, err := s.Remote.(*image.Remote).Resolve(ctx, string(d))
	if err != nil {
		return nil, nil, err
	}
	for _, m := range all {
		b.Manifests[m.Digest] = m.Bytes
	}
	return b, v, nil
}

// VerdictError is an image that is not to be trusted.
type VerdictError struct{ Verdict trust.Verdict }

func (e *VerdictError) Error() string { return e.Verdict.Text() }

// Refused makes it a [trust.Refusal].
func (e *VerdictError) Refused() string { return e.Verdict.Kind }
