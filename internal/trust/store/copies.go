package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/trust"
)

const (
	maxReferrers = 1024 // of one manifest that are looked at
	copyTries    = 30   // to put a copy into an index that others write to
)

// Stored is a bundle that a registry has beside a manifest.
type Stored struct {
	Artifact  finding.Digest // of the manifest that holds it
	Statement trust.Statement
	By        []trust.Key // those of the keys asked for that signed it
	Bundle    []byte
}

// referring are the registry's artifacts that refer to a manifest, as its index has them.
// Old libraries write indexes without types and annotations: what one of those is, its
// manifest says.
func (s *Session) referring(ctx context.Context, d finding.Digest) (list []ocispec.Descriptor, api bool, err error) {
	m, ok := s.Remote.(*image.Remote)
	if !ok {
		return nil, false, errors.New("no referrers here")
	}
	raw, api, err := m.Referrers(ctx, d)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, api, nil
	}
	if err != nil {
		return nil, api, err
	}
	var index ocispec.Index
	if err := json.Unmarshal(raw, &index); err != nil {
		return nil, api, fmt.Errorf("referrers of %s: %w", d.Short(), err)
	}
	if len(index.Manifests) > maxReferrers {
		return nil, api, fmt.Errorf("%s has more than %d referrers", d.Short(), maxReferrers)
	}
	return index.Manifests, api, nil
}

// referrers are the bundles that refer to a manifest. One that is not a bundle, or that
// none of the keys signed, is passed over.
func (s *Session) referrers(ctx context.Context, d finding.Digest, keys []trust.Key) (out []Stored, api bool, err error) {
	list, api, err := s.referring(ctx, d)
	if err != nil {
		return nil, api, err
	}
	for _, e := range list {
		if e.ArtifactType != "" && !trust.IsSigstore(e.ArtifactType) && e.ArtifactType != ocispec.MediaTypeEmptyJSON {
			continue
		}
		found, err := s.stored(ctx, d, finding.Digest(e.Digest), keys)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, api, err
		}
		out = append(out, found...)
	}
	return out, api, nil
}

// stored reads the bundles of one artifact.
func (s *Session) stored(ctx context.Context, of, artifact finding.Digest, keys []trust.Key) ([]Stored, error) {
	b, _, err := s.Manifest(ctx, string(artifact))
	if err != nil {
		return nil, err
	}
	var m ocispec.Manifest
	if json.Unmarshal(b, &m) != nil || m.Subject == nil || finding.Digest(m.Subject.Digest) != of {
		return nil, nil // another's word about another image
	}
	var out []Stored
	for _, l := range m.Layers {
		if !trust.IsSigstore(l.MediaType) || l.Size > trust.MaxStatement {
			continue
		}
		raw, err := s.Blob(ctx, finding.Digest(l.Digest), trust.MaxStatement)
		if err != nil {
			return nil, err
		}
		st, by, err := trust.VerifyStatement(raw, keys)
		if err != nil || !st.About(of) {
			continue
		}
		out = append(out, Stored{artifact, st, by, raw})
	}
	return out, nil
}

// Copy writes a signature of each manifest as cosign reads it, with each of the
// keys, where there is none yet.
func (s *Session) Copy(ctx context.Context, all []image.Resolved, keys []trust.Signer) error {
	for _, m := range all {
		for _, k := range keys {
			have, api, err := s.referrers(ctx, m.Digest, []trust.Key{k.Key()})
			if err != nil {
				return err
			}
			if slices.ContainsFunc(have, func(st Stored) bool { return st.Statement.Predicate == trust.CosignSign }) {
				continue
			}
			b, err := trust.SignStatement(trust.Statement{Subjects: []finding.Digest{m.Digest}, Predicate: trust.CosignSign}, k)
			if err != nil {
				return err
			}
			if _, err := s.attach(ctx, m, b, trust.CosignSign, api); err != nil {
				return err
			}
		}
	}
	return nil
}

// CopyAll writes the copies that are missing, of all tags as they are signed, with
// the signers' keys that are here: writers of other tools may have lost them.
func (s *Session) CopyAll(ctx context.Context) error {
	v, err := s.View(ctx)
	if err != nil {
		return err
	}
	a, err := s.Assemble(ctx, s.pin.State)
	if err != nil {
		return err
	}
	for _, st := range v.Tags() {
		if st.Revoked {
			continue
		}
		var names []string
		for _, name := range st.Signers {
			if name == trust.Admin {
				name = ""
			}
			names = append(names, name)
		}
		keys, err := s.Keys(a, names)
		if err != nil {
			return err
		}
		if len(keys) == 0 {
			continue
		}
		all, err := s.Remote.(*image.Remote).Resolve(ctx, string(st.Digest))
		if errors.Is(err, fs.ErrNotExist) {
			continue // the image itself is gone
		}
		if err == nil {
			err = s.Copy(ctx, all, keys)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// attach stores a bundle as an artifact that refers to a manifest, and gives its
// descriptor.
func (s *Session) attach(ctx context.Context, to image.Resolved, bundle []byte, predicate string, api bool) (ocispec.Descriptor, error) {
	config := []byte("{}")
	m := ocispec.Manifest{
		MediaType: ocispec.MediaTypeImageManifest, ArtifactType: trust.SigstoreMediaType,
		Config: ocispec.Descriptor{MediaType: ocispec.MediaTypeEmptyJSON, Digest: ociDigest(finding.DigestOf(config)), Size: int64(len(config))},
		Layers: []ocispec.Descriptor{{
			MediaType: trust.SigstoreMediaType, Digest: ociDigest(finding.DigestOf(bundle)), Size: int64(len(bundle)),
		}},
		Subject: &ocispec.Descriptor{MediaType: to.MediaType, Digest: ociDigest(to.Digest), Size: int64(len(to.Bytes))},
		Annotations: map[string]string{
			"dev.sigstore.bundle.content":       "dsse-envelope",
			"dev.sigstore.bundle.predicateType": predicate,
			ocispec.AnnotationCreated:           s.Now().UTC().Format(time.RFC3339),
		},
	}
	m.SchemaVersion = 2
	b, err := json.Marshal(m)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	d := ocispec.Descriptor{
		MediaType: m.MediaType, Digest: ociDigest(finding.DigestOf(b)), Size: int64(len(b)), ArtifactType: m.ArtifactType, Annotations: m.Annotations,
	}
	if err := s.persist(ctx, string(d.Digest), b, config, bundle); err != nil {
		return d, err
	}
	if api {
		return d, nil
	}
	return d, s.index(ctx, to.Digest, func(all []ocispec.Descriptor) ([]ocispec.Descriptor, bool) {
		if slices.ContainsFunc(all, func(e ocispec.Descriptor) bool { return e.Digest == d.Digest }) {
			return all, false
		}
		return append(all, d), true
	})
}

// index changes the index that stands in for the referrers API. Nobody serialises
// its writers: what was written is read again, and written again where another's
// write took it away.
func (s *Session) index(ctx context.Context, of finding.Digest, change func([]ocispec.Descriptor) ([]ocispec.Descriptor, bool)) error {
	tag := image.FallbackTag(of)
	calm := 0
	for try := 1; try <= copyTries; try++ {
		index := ocispec.Index{MediaType: ocispec.MediaTypeImageIndex}
		index.SchemaVersion = 2
		raw, _, err := s.Manifest(ctx, tag)
		if err == nil {
			err = json.Unmarshal(raw, &index)
		} else if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		if err != nil {
			return err
		}
		next, changed := change(index.Manifests)
		if !changed {
			if calm++; calm == calmRounds {
				return nil
			}
		} else {
			calm = 0
			index.Manifests = next
			b, err := json.Marshal(index)
			if err != nil {
				return err
			}
			if err := s.PutManifest(ctx, tag, ocispec.MediaTypeImageIndex, b); err != nil && !image.Passing(err) {
				return err
			}
		}
		if err := s.pause(ctx, jitter(try)); err != nil {
			return err
		}
	}
	return fmt.Errorf("index %s: %w", tag, ErrCrowded)
}

// Uncopy removes what cosign would still take for a signature of a manifest by these
// keys, and gives how many could not be: cosign knows no revocation.
func (s *Session) Uncopy(ctx context.Context, of finding.Digest, keys []trust.Key) (left int, err error) {
	have, api, err := s.referrers(ctx, of, keys)
	if err != nil {
		return 0, err
	}
	gone := map[string]bool{}
	for _, st := range have {
		if st.Statement.Predicate != trust.CosignSign {
			continue
		}
		if err := s.DeleteManifest(ctx, st.Artifact); err != nil && !errors.Is(err, fs.ErrNotExist) {
			left++
		}
		gone[string(st.Artifact)] = true
	}
	if api || len(gone) == 0 {
		return left, nil
	}
	return left, s.index(ctx, of, func(all []ocispec.Descriptor) ([]ocispec.Descriptor, bool) {
		next := slices.DeleteFunc(slices.Clone(all), func(e ocispec.Descriptor) bool { return gone[string(e.Digest)] })
		return next, len(next) < len(all)
	})
}
