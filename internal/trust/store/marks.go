package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/scheme"
)

// maxReasons is how many are kept of why signatures do not count.
const maxReasons = 8

// Marks holds what the registry has beside a manifest to those whose signatures count.
func (s *Session) Marks(ctx context.Context, d finding.Digest, who scheme.Who) (scheme.Marks, error) {
	var out scheme.Marks
	judge := func(a scheme.Attached) {
		by, err := who.Judge(a, d, s.Now())
		for _, m := range by {
			if err == nil && !slices.ContainsFunc(out.By, func(o scheme.Mark) bool { return o.Entry == m.Entry }) {
				out.By = append(out.By, m)
			}
		}
		if err != nil && !scheme.IsOther(err) && len(out.Why) < maxReasons {
			out.Why = append(out.Why, err)
		}
	}
	list, _, err := s.referring(ctx, d)
	if err != nil {
		return out, err
	}
	for _, e := range list {
		switch t := e.ArtifactType; {
		case t == "" || t == ocispec.MediaTypeEmptyJSON:
		case who.Store != nil && t != scheme.NotationType, who.Store == nil && !trust.IsSigstore(t):
			continue
		}
		if err := s.layers(ctx, string(e.Digest), d, judge); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return out, err
		}
	}
	if !who.SigTags {
		return out, nil
	}
	err = s.layers(ctx, image.FallbackTag(d)+".sig", "", judge)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return out, err
}

// layers gives the signatures that an artifact holds. One that names a subject must name of.
func (s *Session) layers(ctx context.Context, ref string, of finding.Digest, give func(scheme.Attached)) error {
	b, _, err := s.Manifest(ctx, ref)
	if err != nil {
		return err
	}
	var m ocispec.Manifest
	if json.Unmarshal(b, &m) != nil || of != "" && (m.Subject == nil || finding.Digest(m.Subject.Digest) != of) {
		return nil // another's word about another image
	}
	if len(m.Layers) > maxReferrers {
		return fmt.Errorf("%s has more than %d signatures", ref, maxReferrers)
	}
	for _, l := range m.Layers {
		limit := int64(trust.MaxStatement)
		switch {
		case l.MediaType == scheme.SimpleSigning:
			limit = scheme.MaxSimple
		case scheme.IsNotation(l.MediaType):
			limit = scheme.MaxEnvelope
		case !trust.IsSigstore(l.MediaType):
			continue
		}
		if l.Size > limit {
			continue
		}
		raw, err := s.Blob(ctx, finding.Digest(l.Digest), limit)
		if err != nil {
			return err
		}
		give(scheme.Attached{MediaType: l.MediaType, Annotations: l.Annotations, Bytes: raw})
	}
	return nil
}
