package layer

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

const (
	storedBuffer = 256 << 10
	// zstdWindow is what the zstd command takes by default; the decoder
	// allocates a window of the size that a frame asks for.
	zstdWindow = 128 << 20
)

// stored reads the bytes of a layer as they are kept: it counts and hashes
// them, and stops when the context does.
type stored struct {
	ctx   context.Context
	r     io.Reader
	sum   hash.Hash
	n     int64
	limit int64
	err   error // what the source itself said, io.EOF aside
}

func (s *stored) Read(p []byte) (int, error) {
	for range 100 {
		if err := s.ctx.Err(); err != nil {
			s.err = err
			return 0, err
		}
		n, err := s.r.Read(p)
		if err != nil && err != io.EOF { //nolint:errorlint // only the bare one is an end
			if errors.Is(err, io.EOF) { // a connection's end is not the content's
				err = fmt.Errorf("%w: %s", io.ErrUnexpectedEOF, err.Error())
			}
			s.err = err
		}
		if n > 0 {
			s.sum.Write(p[:n])
			if s.n += int64(n); s.n > s.limit {
				s.err = over(s.limit, "stored bytes")
				return n, s.err
			}
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
	s.err = io.ErrNoProgress
	return 0, s.err
}

// tarStream is the uncompressed tar: hashed and counted as it goes by.
type tarStream struct {
	stored *stored
	br     *bufio.Reader // over stored
	r      io.Reader     // what the decompressor gives, or br
	close  func()
	gzip   bool
	sum    hash.Hash // nil for a plain tar, where it is the stored bytes'
	limit  int64
	ratio  int64

	buf    []byte
	lo, hi int
	n      int64 // bytes taken from r
	err    error
}

// openTar finds out how the stored bytes are compressed from how they begin.
// The caller closes the stream.
func openTar(ctx context.Context, r io.Reader, lim Limits) (*tarStream, error) {
	st := &stored{ctx: ctx, r: r, sum: sha256.New(), limit: lim.Bytes}
	t := &tarStream{
		stored: st,
		br:     bufio.NewReaderSize(st, storedBuffer),
		close:  func() {},
		limit:  lim.Bytes,
		ratio:  lim.Ratio,
	}
	magic, err := t.br.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return t, err
	}
	t.r = t.br
	size := storedBuffer
	switch {
	case len(magic) >= 2 && magic[0] == 0x1f && magic[1] == 0x8b:
		z, err := gzip.NewReader(t.br)
		if err != nil {
			return t, cut(err)
		}
		t.r, t.sum, t.gzip = z, sha256.New(), true
		size = 64 << 10
	case len(magic) == 4 && isZstd(magic):
		z, err := zstd.NewReader(t.br, zstd.WithDecoderConcurrency(1),
			zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(zstdWindow),
			zstd.WithDecoderMaxMemory(uint64(lim.Bytes)+1))
		if err != nil {
			return t, err
		}
		t.r, t.sum, t.close = z, sha256.New(), z.Close
		size = 128 << 10
	}
	t.buf = make([]byte, size)
	return t, nil
}

// isZstd knows a zstd frame, and a skippable one, with which zstd:chunked may
// begin (RFC 8878, 3.1).
func isZstd(m []byte) bool {
	return m[0] == 0x28 && m[1] == 0xb5 && m[2] == 0x2f && m[3] == 0xfd ||
		m[0]&0xf0 == 0x50 && m[1] == 0x2a && m[2] == 0x4d && m[3] == 0x18
}

// cut makes an end where none may be an unexpected one.
func cut(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Read gives what is at hand, never more than the buffer holds.
func (t *tarStream) Read(p []byte) (int, error) {
	if t.lo == t.hi {
		if err := t.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, t.buf[t.lo:t.hi])
	t.lo += n
	return n, nil
}

// window gives up to n of the next bytes where they lie: they are valid until
// the next read.
func (t *tarStream) window(n int64) ([]byte, error) {
	if t.lo == t.hi {
		if err := t.fill(); err != nil {
			return nil, err
		}
	}
	b := t.buf[t.lo:min(int64(t.hi), int64(t.lo)+n)]
	t.lo += len(b)
	return b, nil
}

// piece reads len(scrap) bytes, into scrap if they are not in one piece.
func (t *tarStream) piece(scrap []byte) ([]byte, error) {
	if t.hi-t.lo >= len(scrap) {
		b := t.buf[t.lo : t.lo+len(scrap)]
		t.lo += len(scrap)
		return b, nil
	}
	_, err := io.ReadFull(t, scrap)
	return scrap, err
}

func (t *tarStream) skip(n int64) error {
	for n > 0 {
		b, err := t.window(n)
		if err != nil {
			return err
		}
		n -= int64(len(b))
	}
	return nil
}

func (t *tarStream) fill() error {
	t.lo, t.hi = 0, 0
	for range 100 {
		if t.err != nil {
			return t.err
		}
		if t.err = t.stored.ctx.Err(); t.err != nil {
			return t.err
		}
		n, err := t.r.Read(t.buf)
		t.err = err
		if n == 0 {
			continue
		}
		if t.sum != nil {
			t.sum.Write(t.buf[:n])
		}
		t.n += int64(n)
		switch {
		case t.n > t.limit:
			t.err = over(t.limit, "uncompressed bytes")
			return t.err
		case t.n > ratioFrom && t.n/t.ratio > t.stored.n:
			t.err = fmt.Errorf("unpacks to more than %d times its size: %w", t.ratio, ErrLimit)
			return t.err
		}
		t.hi = n
		return nil
	}
	if t.err == nil {
		t.err = io.ErrNoProgress
	}
	return t.err
}

// offset is the place in the uncompressed tar up to which was read.
func (t *tarStream) offset() int64 { return t.n - int64(t.hi-t.lo) }

// drain reads both streams to their ends.
func (t *tarStream) drain() error {
	for {
		if err := t.fill(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
	}
	return t.drainStored()
}

func (t *tarStream) drainStored() error {
	for {
		n := t.br.Buffered()
		if n == 0 {
			if _, err := t.br.Peek(1); err == io.EOF {
				return nil
			} else if err != nil {
				return err
			}
			continue
		}
		if _, err := t.br.Discard(n); err != nil {
			return err
		}
	}
}

// digests are those of all that was read.
func (t *tarStream) digests() (blob, diffID Digest) {
	blob = digest(t.stored.sum)
	if t.sum == nil {
		return blob, blob
	}
	return blob, digest(t.sum)
}

func digest(h hash.Hash) Digest {
	return Digest("sha256:" + hex.EncodeToString(h.Sum(nil)))
}

func (w Want) verify(blob, diffID Digest) error {
	if w.Blob != "" && w.Blob != blob {
		return &MismatchError{What: "blob", Want: w.Blob, Got: blob}
	}
	if w.DiffID != "" && w.DiffID != diffID {
		return &MismatchError{What: "diffID", Want: w.DiffID, Got: diffID}
	}
	return nil
}

// blame says why the stream could not be read: bytes that are not what their
// digest says are the reason for whatever was wrong with them. A source that
// failed, a limit and a cancelled context are reasons of their own.
func (t *tarStream) blame(want Want, err error) error {
	if t.stored.err != nil {
		return t.stored.err
	}
	plain := t.sum == nil
	known := want.Blob != "" || plain && want.DiffID != ""
	if !known || errors.Is(err, ErrLimit) || t.stored.ctx.Err() != nil {
		return err
	}
	if t.drainStored() != nil {
		return err
	}
	if !plain {
		want.DiffID = ""
	}
	if mismatch := want.verify(t.digests()); mismatch != nil {
		return fmt.Errorf("%w (%w)", mismatch, err)
	}
	return err
}
