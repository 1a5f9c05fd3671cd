package image

import (
	"bytes"
	"context"
	"io"
	"sync"

	"github.com/drydock-dev/drydock/internal/finding"
)

// inFlight is how many layers of a registry are fetched at once, whatever the number of
// processors: what they mostly do is wait.
const inFlight = 8

// waiting is how many layers of a registry there are for each that is fetched: those
// whose bytes are all here wait for a processor, and the next is fetched meanwhile.
const waiting = 2

// slots bound how many layers are computed on at once.
type slots chan struct{}

// slot is one layer's place among them: held while there is something to compute, and
// let go while its next bytes are waited for.
type slot struct {
	of   slots
	mu   sync.Mutex
	held bool
}

func (s *slot) take(ctx context.Context) error {
	select {
	case s.of <- struct{}{}:
		s.mu.Lock()
		s.held = true
		s.mu.Unlock()
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// free lets the slot go if it is held.
func (s *slot) free() {
	s.mu.Lock()
	held := s.held
	s.held = false
	s.mu.Unlock()
	if held {
		<-s.of
	}
}

// distant is a stream from far away, whose reader has a slot only while it computes,
// and a line only until the last byte came.
type distant struct {
	io.ReadCloser
	ctx  context.Context
	slot *slot
	line *slot
	left int64 // bytes to come; negative: not known
}

func (d *distant) Read(p []byte) (int, error) {
	d.slot.free()
	n, err := d.ReadCloser.Read(p)
	if d.left -= int64(n); err != nil || d.left == 0 {
		d.line.free()
	}
	if taken := d.slot.take(d.ctx); taken != nil {
		return n, taken
	}
	return n, err
}

// emptyLayer returns the bytes of the layer without files that old Docker Engines and
// BuildKit put into an image for each instruction that changed none: its digest says
// what they are, so no registry is asked for them.
func emptyLayer(blob finding.Digest) []byte {
	for _, mtime := range []string{"\x00\x09\x6e\x88", "\x00\x00\x00\x00"} { // the Engine's, BuildKit's
		b := append([]byte("\x1f\x8b\x08\x00"+mtime+"\x00\xff"), 0x62, 0x18, 5, 0xa3, 0x60, 0x14, 0x8c, 0x58, 0, 8, 0, 0, 255, 255, 0x2e, 0xaf, 0xb5, 0xef, 0, 4, 0, 0)
		if finding.DigestOf(b) == blob {
			return b
		}
	}
	return nil
}

// contentOf is a blob that lies in memory.
func contentOf(b []byte) content {
	return content{
		size: int64(len(b)),
		open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil },
	}
}
