package confine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
)

// ArtifactType is the media type of a profile that is attached to an image in its
// registry: an OCI artifact that refers to the image's manifest, with the profile's
// JSON as its one blob.
const ArtifactType = "application/vnd.drydock.profile.v1+json"

// Repository is a repository of a registry, as *image.Remote is one.
type Repository interface {
	Manifest(ctx context.Context, ref string) (b []byte, mediaType string, err error)
	Referrers(ctx context.Context, d finding.Digest) (index []byte, api bool, err error)
	Blob(ctx context.Context, d finding.Digest, limit int64) ([]byte, error)
	PutBlob(ctx context.Context, b []byte) (finding.Digest, error)
	PutManifest(ctx context.Context, ref, mediaType string, b []byte) error
}

// Attached reads the profile that is attached to an image, by the digest of its
// manifest or index; the newest, where there are several. One that is not there is
// an fs.ErrNotExist.
func Attached(ctx context.Context, r Repository, of finding.Digest) (*Profile, error) {
	index, _, err := referrers(ctx, r, of)
	if err != nil {
		return nil, err
	}
	all := slices.DeleteFunc(index.Manifests, func(d ocispec.Descriptor) bool { return d.ArtifactType != ArtifactType })
	if len(all) == 0 {
		return nil, fmt.Errorf("a profile of %s: %w", of.Short(), fs.ErrNotExist)
	}
	newest := slices.MaxFunc(all, func(a, b ocispec.Descriptor) int {
		return strings.Compare(a.Annotations[ocispec.AnnotationCreated], b.Annotations[ocispec.AnnotationCreated])
	})
	b, _, err := r.Manifest(ctx, string(newest.Digest))
	if err != nil {
		return nil, err
	}
	var m ocispec.Manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, fmt.Errorf("the profile attached to %s: %w", of.Short(), err)
	}
	if m.Subject == nil || m.Subject.Digest.String() != string(of) || len(m.Layers) != 1 || m.Layers[0].MediaType != ArtifactType {
		return nil, fmt.Errorf("the profile attached to %s is of another image, or none", of.Short())
	}
	if b, err = r.Blob(ctx, finding.Digest(m.Layers[0].Digest), MaxBytes); err != nil {
		return nil, err
	}
	return Read(b)
}

// referrers are what refers to an image. api: the registry finds them by itself.
func referrers(ctx context.Context, r Repository, of finding.Digest) (index ocispec.Index, api bool, err error) {
	b, api, err := r.Referrers(ctx, of)
	if errors.Is(err, fs.ErrNotExist) {
		return ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex}, false, nil
	}
	if err != nil {
		return index, false, err
	}
	if err := json.Unmarshal(b, &index); err != nil {
		return index, false, fmt.Errorf("what refers to %s: %w", of.Short(), err)
	}
	return index, api, nil
}

// Attach puts a profile beside an image in its registry, and returns the digest of the
// artifact.
func Attach(ctx context.Context, r Repository, of finding.Digest, p *Profile, now time.Time) (finding.Digest, error) {
	body, err := indented(p)
	if err != nil {
		return "", err
	}
	subject, mediaType, err := r.Manifest(ctx, string(of))
	if err != nil {
		return "", err
	}
	put := func(mediaType string, b []byte) (ocispec.Descriptor, error) {
		d, err := r.PutBlob(ctx, b)
		return ocispec.Descriptor{MediaType: mediaType, Digest: digest.Digest(d), Size: int64(len(b))}, err
	}
	layer, err := put(ArtifactType, body)
	if err != nil {
		return "", err
	}
	config, err := put(ArtifactType, []byte("{}")) // some registries go by the type of this
	if err != nil {
		return "", err
	}
	m := ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, ArtifactType: ArtifactType,
		Config: config, Layers: []ocispec.Descriptor{layer},
		Subject:     &ocispec.Descriptor{MediaType: mediaType, Digest: digest.Digest(of), Size: int64(len(subject))},
		Annotations: map[string]string{ocispec.AnnotationCreated: now.UTC().Format(time.RFC3339)},
	}
	b, err := json.Marshal(m)
	if err != nil {
		return "", err
	}
	d := finding.DigestOf(b)
	if err := r.PutManifest(ctx, string(d), m.MediaType, b); err != nil {
		return "", err
	}
	return d, list(ctx, r, of, ocispec.Descriptor{
		MediaType: m.MediaType, Digest: digest.Digest(d), Size: int64(len(b)), ArtifactType: ArtifactType, Annotations: m.Annotations,
	})
}

// list adds an artifact to what refers to an image, where the registry does not do
// that by itself.
func list(ctx context.Context, r Repository, of finding.Digest, artifact ocispec.Descriptor) error {
	index, api, err := referrers(ctx, r, of)
	if err != nil || api || slices.ContainsFunc(index.Manifests, func(d ocispec.Descriptor) bool { return d.Digest == artifact.Digest }) {
		return err
	}
	index.Manifests = append(index.Manifests, artifact)
	b, err := json.Marshal(index)
	if err != nil {
		return err
	}
	return r.PutManifest(ctx, image.FallbackTag(of), ocispec.MediaTypeImageIndex, b)
}
