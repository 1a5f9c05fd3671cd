package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"github.com/drydock-dev/drydock/internal/ledger"
)

// Load gives the Engine an image, as `docker save` writes it, and returns the id that it
// has there. write is told the name that the image must have. It goes with what else was
// made, unless [Engine.Tag] gives it another name.
func (e *Engine) Load(ctx context.Context, write func(w io.Writer, tag string) error) (string, error) {
	m, err := e.mark(ctx, ledger.Image, importWithin)
	if err != nil {
		return "", err
	}
	name := m.Entry().Name + ":latest"
	r, w := io.Pipe()
	go func() { _ = w.CloseWithError(write(w, name)) }()
	defer r.Close() //nolint:errcheck // read only
	long, cancel := context.WithTimeout(context.WithoutCancel(ctx), importWithin)
	defer cancel()
	got, err := e.api.ImageLoad(long, r)
	if err == nil {
		err = errors.Join(loaded(got), got.Close())
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return "", errors.Join(fmt.Errorf("load the image: %w", err), e.unmake(long, m, true))
	}
	im, err := e.Inspect(ctx, name)
	if err != nil {
		return "", err
	}
	return im.ID, m.Made(im.ID)
}

// loaded reads what the Engine says while it loads an image.
func loaded(r io.Reader) error {
	for d := json.NewDecoder(io.LimitReader(r, 16<<20)); ; {
		var line struct {
			Error string `json:"error"`
		}
		if err := d.Decode(&line); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if line.Error != "" {
			return errors.New(line.Error)
		}
	}
}

// Has reports whether the Engine has an image of that name.
func (e *Engine) Has(ctx context.Context, ref string) (bool, error) {
	_, err := e.api.ImageInspect(ctx, ref)
	if errdefs.IsNotFound(err) {
		return false, nil
	}
	return err == nil, err
}

// Tag gives an image a name. One that has the name already loses it.
func (e *Engine) Tag(ctx context.Context, id, ref string) error {
	if _, err := e.api.ImageTag(ctx, client.ImageTagOptions{Source: id, Target: ref}); err != nil {
		return fmt.Errorf("tag the image as %s: %w", ref, err)
	}
	return nil
}
