package image

import (
	"context"
	"io"
	"sync"

	"github.com/drydock-dev/drydock/internal/cache"
	"github.com/drydock-dev/drydock/internal/finding"
)

// memo is what is remembered of an image that costs much to open: one that has
// to be saved by the Engine, or decompressed as a whole. Its key names bytes
// that cannot have changed, and its layers are still held to their digests.
type memo struct {
	Kind     string
	Digest   finding.Digest
	Tags     []string
	Config   []byte
	Manifest []byte
	Attested bool
	Attests  []descriptor
	Layers   []memoLayer
}

type memoLayer struct {
	Blob      finding.Digest
	Size      int64
	MediaType string
	Key       string // of the memory of what was verified
}

func memoKey(key string) cache.Key[memo] { return cache.KeyOf[memo]("image", 1, key) }

// keep remembers an open image under key.
func keep(im *Image, c *cache.Cache, key string) error {
	if c == nil || key == "" {
		return nil
	}
	m := memo{Kind: im.Kind, Digest: im.Digest, Tags: im.Tags, Config: im.RawConfig, Manifest: im.Manifest, Attested: im.Attested, Attests: im.attests}
	for _, l := range im.Layers {
		m.Layers = append(m.Layers, memoLayer{Blob: l.Blob, Size: l.Size, MediaType: l.MediaType, Key: l.content.memory()})
	}
	return cache.Put(c, memoKey(key), &m)
}

// recall is the image that was kept under key. It is opened for good, by
// reopen, when one of its layers is read.
func recall(c *cache.Cache, key string, reopen func(context.Context) (*Image, error)) (*Image, bool) {
	if c == nil || key == "" {
		return nil, false
	}
	m, ok := cache.Get(c, memoKey(key))
	if !ok {
		return nil, false
	}
	im := &Image{Kind: m.Kind, Digest: m.Digest, Attested: m.Attested, Manifest: m.Manifest, Tags: m.Tags}
	if m.Manifest != nil {
		parsed, err := parseManifest(m.Manifest)
		if err != nil {
			return nil, false
		}
		im.Annotations = parsed.Annotations
	}
	again := &reopened{open: reopen}
	im.attests, im.fetch = m.Attests, again.fetch
	for i, l := range m.Layers {
		im.Layers = append(im.Layers, Layer{Blob: l.Blob, Size: l.Size, MediaType: l.MediaType, Step: -1, content: content{
			size: l.Size,
			open: func(ctx context.Context) (io.ReadCloser, error) { return again.layer(ctx, i) },
			key:  func() string { return l.Key },
		}})
	}
	if im.describe(m.Config) != nil {
		return nil, false
	}
	im.closers = append(im.closers, again.close)
	return im, true
}

// reopened opens the real image once, for whoever needs its bytes first.
type reopened struct {
	open func(context.Context) (*Image, error)
	mu   sync.Mutex
	im   *Image
}

func (r *reopened) layer(ctx context.Context, i int) (io.ReadCloser, error) {
	im, err := r.real(ctx)
	if err != nil {
		return nil, err
	}
	if i >= len(im.Layers) {
		return nil, errChanged
	}
	return im.Layers[i].content.open(ctx)
}

func (r *reopened) fetch(ctx context.Context, kind string, d finding.Digest, limit int64) ([]byte, error) {
	im, err := r.real(ctx)
	if err != nil {
		return nil, err
	}
	if im.fetch == nil {
		return nil, errChanged
	}
	return im.fetch(ctx, kind, d, limit)
}

func (r *reopened) real(ctx context.Context) (*Image, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.im != nil {
		return r.im, nil
	}
	im, err := r.open(ctx)
	if err != nil {
		return nil, err
	}
	r.im = im
	return im, nil
}

func (r *reopened) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.im == nil {
		return nil
	}
	return r.im.Close()
}
