package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/drydock-dev/drydock/internal/egress"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/trust"
)

// Media types of what is stored.
const (
	artifactType = "application/vnd.tuf.metadata+json"
	configType   = "application/vnd.drydock.tuf.tag.v1+json"
)

// Remote is a repository of a registry, as far as it is needed here;
// [image.Remote] is one.
type Remote interface {
	AllTags(ctx context.Context) ([]string, error)
	Blob(ctx context.Context, d finding.Digest, limit int64) ([]byte, error)
	Manifest(ctx context.Context, ref string) (b []byte, mediaType string, err error)
	PutBlob(ctx context.Context, b []byte) (finding.Digest, error)
	PutManifest(ctx context.Context, ref, mediaType string, b []byte) error
	DeleteManifest(ctx context.Context, d finding.Digest) error
	DeleteTag(ctx context.Context, tag string) error
	Close()
}

// Repository is the trust metadata of a repository of images.
type Repository struct {
	Name string // with its registry: "127.0.0.1:5000/me/app"
	Remote

	Now    func() time.Time
	Pause  func(ctx context.Context, d time.Duration) error // nil: the clock's
	Settle time.Duration                                    // between two looks at least: for registries whose lists of tags lag

	memo *trust.Memo
}

// Open connects to a repository; to write, if asked for.
func Open(ctx context.Context, name string, write bool, opt image.Options) (*Repository, error) {
	m, err := image.Connect(ctx, name, write, opt)
	if err != nil {
		return nil, err
	}
	now := opt.Now
	if now == nil {
		now = time.Now
	}
	return &Repository{Name: name, Remote: m, Now: now}, nil
}

// Shelf lists the documents that there are now.
func (r *Repository) Shelf(ctx context.Context) (*trust.Shelf, []trust.Listed, error) {
	tags, err := r.AllTags(ctx)
	if err != nil {
		return nil, nil, err
	}
	if r.memo == nil {
		r.memo = trust.NewMemo()
	}
	list := listed(tags)
	return trust.NewShelf(list, r.get, r.memo), list, nil
}

func (r *Repository) get(ctx context.Context, l trust.Listed) ([]byte, error) {
	return r.Blob(ctx, l.Digest, trust.Limit(l.Role))
}

// View reads what the repository's metadata says, from what is trusted so far, and
// updates that.
func (r *Repository) View(ctx context.Context, state trust.State) (*trust.View, error) {
	for try := 1; ; try++ {
		shelf, _, err := r.Shelf(ctx)
		if err != nil {
			return nil, err
		}
		v, err := trust.Open(ctx, state, shelf, r.Now())
		if kind, _ := trust.Refused(err); err == nil || try == viewTries || kind != "missing" && kind != "rollback" {
			return v, err
		}
		// What was listed a moment ago is gone, or a list lags behind: look again.
		if err := r.pause(ctx, time.Duration(try)*firstPause); err != nil {
			return nil, err
		}
	}
}

const (
	viewTries  = 3
	putTries   = 8
	firstPause = 100 * time.Millisecond
)

func (r *Repository) pause(ctx context.Context, d time.Duration) error {
	d = max(d, r.Settle)
	if r.Pause != nil {
		return r.Pause(ctx, d)
	}
	return egress.Pause(ctx, d)
}

// put stores a document under its tag. The configuration names the tag, so that
// no two manifests are the same; no two writers upload the same blob but those
// who write the same document, and of these some registries refuse one: then all
// of it is done again.
func (r *Repository) put(ctx context.Context, s trust.Step) error {
	name := tagOf(s.Doc, s.Key)
	config, err := json.Marshal(map[string]string{"tag": name})
	if err != nil {
		return err
	}
	m := ocispec.Manifest{
		MediaType: ocispec.MediaTypeImageManifest, ArtifactType: artifactType,
		Config: ocispec.Descriptor{MediaType: configType, Digest: ociDigest(finding.DigestOf(config)), Size: int64(len(config))},
		Layers: []ocispec.Descriptor{{
			MediaType: artifactType, Digest: ociDigest(s.Digest()), Size: int64(len(s.Bytes)),
			Annotations: map[string]string{"tuf.io/filename": fmt.Sprintf("%d.%s.json", s.Version, s.Role)},
		}},
	}
	m.SchemaVersion = 2
	manifest, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return r.persist(ctx, name, manifest, config, s.Bytes)
}

// persist uploads blobs and a manifest of them, and all of it again where another's
// upload of the same bytes got in the way.
func (r *Repository) persist(ctx context.Context, ref string, manifest []byte, blobs ...[]byte) error {
	for try := 1; ; try++ {
		err := r.upload(ctx, ref, manifest, blobs...)
		if err == nil || try == putTries || !image.Passing(err) {
			return err
		}
		if err := r.pause(ctx, jitter(try)); err != nil {
			return err
		}
	}
}

func (r *Repository) upload(ctx context.Context, tag string, manifest []byte, blobs ...[]byte) error {
	for _, b := range blobs {
		if _, err := r.PutBlob(ctx, b); err != nil {
			return err
		}
	}
	return r.PutManifest(ctx, tag, ocispec.MediaTypeImageManifest, manifest)
}
