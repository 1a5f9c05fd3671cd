package image

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/drydock-dev/drydock/internal/layer"
)

// Each calls f for what is in one layer of the image: see [layer.Each].
func (im *Image) Each(ctx context.Context, i int, f func(path string, h *tar.Header, body io.Reader) error) error {
	l := &im.Layers[i]
	if l.root != "" {
		return fmt.Errorf("%s is a folder, which has no layers", im.Name)
	}
	r, err := l.content.open(ctx)
	if err != nil {
		return err
	}
	want := layer.Want{Name: fmt.Sprintf("layer %d", i+1), Blob: l.Blob, DiffID: l.DiffID}
	err = layer.Each(ctx, r, want, layer.Limits{}, f)
	return errors.Join(err, r.Close())
}

// Plain writes the uncompressed tar of one layer, and holds it to its digests.
func (im *Image) Plain(ctx context.Context, i int, w io.Writer) error {
	l := &im.Layers[i]
	if l.root != "" {
		return fmt.Errorf("%s is a folder, which has no layers", im.Name)
	}
	r, err := l.content.open(ctx)
	if err != nil {
		return err
	}
	want := layer.Want{Name: fmt.Sprintf("layer %d", i+1), Blob: l.Blob, DiffID: l.DiffID}
	err = layer.Plain(ctx, r, want, layer.Limits{}, w)
	return errors.Join(err, r.Close())
}
