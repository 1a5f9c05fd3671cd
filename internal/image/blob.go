package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/drydock-dev/drydock/internal/egress"
	"github.com/drydock-dev/drydock/internal/finding"
)

const (
	blobTries    = 5       // times a blob is taken up again after it was cut off
	blobProgress = 8 << 20 // bytes after which the tries are counted anew
)

// blob opens one blob. When the connection breaks on the way, the rest is asked
// for from where it broke.
func (r *registry) blob(ctx context.Context, d finding.Digest, size int64) (io.ReadCloser, error) {
	// One account of waiting for all of it, however often it is taken up again.
	what := fmt.Sprintf("the layer %s of %s", d.Short(), r.repo.RepositoryStr())
	ctx = egress.With(ctx, egress.Ask{What: what, Max: max(size, 1), Rate: egress.BlobRate})
	b := &blobReader{ctx: ctx, registry: r, digest: d, size: size}
	if err := b.connect(); err != nil {
		return nil, advise(fmt.Errorf("fetch %s: %w", d, err), r.repo.RegistryStr())
	}
	return b, nil
}

type blobReader struct {
	ctx      context.Context
	registry *registry
	digest   finding.Digest
	size     int64 // as the manifest says
	at       int64 // bytes read
	broke    int64 // where it was cut off last
	tries    int
	stalled  bool // nothing came since it stalled
	body     io.ReadCloser
}

func (b *blobReader) connect() error {
	resp, err := b.registry.get(b.ctx, "blobs", string(b.digest), b.at)
	if err != nil {
		return err
	}
	if b.at > 0 && resp.StatusCode == http.StatusOK {
		// A registry without ranges: what was read already is read again.
		if _, err := io.CopyN(io.Discard, resp.Body, b.at); err != nil {
			return errors.Join(err, resp.Body.Close())
		}
	}
	b.body = resp.Body
	return nil
}

func (b *blobReader) Read(p []byte) (int, error) {
	for {
		if b.body == nil {
			if err := b.connect(); err != nil {
				return 0, b.broken(err)
			}
		}
		n, err := b.body.Read(p)
		b.at += int64(n)
		var over *egress.LimitError
		if b.at > b.size || errors.As(err, &over) {
			return 0, fmt.Errorf("fetch %s: more than the %d bytes that the manifest says", b.digest, b.size)
		}
		if err == io.EOF && b.at < b.size {
			err = io.ErrUnexpectedEOF
		}
		if err == nil || err == io.EOF {
			return n, err
		}
		b.drop()
		var late *egress.TimeoutError
		if errors.As(err, &late) {
			// Once more on another connection; not again where that brings nothing.
			if again := late.Phase == egress.Stalled && (n > 0 || b.at > b.broke || !b.stalled); !again {
				return n, b.broken(err)
			}
			b.stalled = true
		}
		if b.ctx.Err() != nil {
			return n, b.ctx.Err()
		}
		if b.at-b.broke >= blobProgress {
			b.tries = 0
		}
		b.broke = b.at
		if b.tries++; b.tries > blobTries {
			return n, b.broken(err)
		}
		b.registry.opt.log().Warn("layer was cut off, taking it up again", "layer", b.digest.Short(), "at", b.at, "error", err)
		if n > 0 {
			return n, nil
		}
		if err := egress.Pause(b.ctx, egress.Backoff(egress.Limits{Pause: b.registry.opt.Backoff}, b.tries)); err != nil {
			return 0, err
		}
	}
}

func (b *blobReader) broken(err error) error {
	if b.ctx.Err() != nil {
		return b.ctx.Err()
	}
	host := b.registry.repo.RegistryStr()
	err = fmt.Errorf("fetch %s: broke off after %d of %d bytes: %w", b.digest, b.at, b.size, err)
	err = advise(err, host)
	if finding.HintOf(err) != "" {
		return err
	}
	return hint(err, "a proxy or the registry at "+host+" cuts the connection: try again, or save the image to a file")
}

func (b *blobReader) drop() {
	if b.body != nil {
		_ = b.body.Close() // given up
		b.body = nil
	}
}

// Close gives the connection up.
func (b *blobReader) Close() error {
	b.drop()
	return nil
}
