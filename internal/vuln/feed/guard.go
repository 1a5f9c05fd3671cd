package feed

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Limits of the parsers. Real upstreams stay an order of magnitude below each.
const (
	// maxRecord limits the bytes of one advisory record: one JSON value.
	maxRecord = 32 << 20
	// maxDocument limits the bytes of one uncompressed advisory document.
	maxDocument = 8 << 30
	// maxRecords limits the records of one advisory document.
	maxRecords  = 5_000_000
	maxAffected = 200_000 // affected entries of one record
	maxEvents   = 200_000 // range events and listed versions of one affected entry
	maxID       = 256     // bytes of an identifier or a version
	maxName     = 1024    // bytes of a package's name or an address
)

// ErrLimit is the reason when a document exceeds what this package reads.
var ErrLimit = errors.New("larger than the limit")

// guard bounds a reader as a whole and between two calls of next, so that one
// value of a streamed document cannot fill the memory.
type guard struct {
	r      io.Reader
	total  int64
	window int64
}

func newGuard(r io.Reader) *guard {
	return &guard{r: r, total: maxDocument, window: maxRecord}
}

func (g *guard) next() { g.window = maxRecord }

func (g *guard) Read(p []byte) (int, error) {
	if g.total <= 0 || g.window <= 0 {
		return 0, ErrLimit
	}
	if int64(len(p)) > g.window {
		p = p[:g.window]
	}
	n, err := g.r.Read(p)
	g.total -= int64(n)
	g.window -= int64(n)
	return n, err
}

// stream is a JSON document read member by member.
type stream struct {
	dec *json.Decoder
	g   *guard
}

func newStream(r io.Reader) *stream {
	g := newGuard(r)
	return &stream{dec: json.NewDecoder(g), g: g}
}

// value decodes the next value into v.
func (s *stream) value(v any) error {
	err := s.dec.Decode(v)
	s.g.next()
	return err
}

// object calls member with each key of the object that comes next; member
// consumes the value, for instance with skip. Nothing may follow the object.
func (s *stream) object(member func(key string) error) error {
	if err := s.delim('{'); err != nil {
		return err
	}
	for s.dec.More() {
		t, err := s.dec.Token()
		if err != nil {
			return err
		}
		key, ok := t.(string)
		if !ok {
			return fmt.Errorf("expected a key, found %v", t)
		}
		if err := member(key); err != nil {
			return err
		}
		s.g.next()
	}
	if err := s.delim('}'); err != nil {
		return err
	}
	return s.end()
}

// end makes sure that nothing follows.
func (s *stream) end() error {
	if _, err := s.dec.Token(); !errors.Is(err, io.EOF) {
		if err == nil {
			err = errors.New("something follows the document")
		}
		return err
	}
	return nil
}

// array calls element for each element of the array that comes next; element
// consumes it. A null is an empty array.
func (s *stream) array(element func() error) error {
	t, err := s.dec.Token()
	if err != nil {
		return err
	}
	if t == nil {
		return nil
	}
	if t != json.Delim('[') {
		return fmt.Errorf("expected an array, found %v", t)
	}
	for n := 0; s.dec.More(); n++ {
		if n >= maxRecords {
			return fmt.Errorf("%d elements: %w", n, ErrLimit)
		}
		if err := element(); err != nil {
			return err
		}
		s.g.next()
	}
	return s.delim(']')
}

func (s *stream) skip() error {
	var raw json.RawMessage
	return s.value(&raw)
}

func (s *stream) delim(want json.Delim) error {
	t, err := s.dec.Token()
	if err != nil {
		return err
	}
	if t != want {
		return fmt.Errorf("expected %v, found %v", want, t)
	}
	return nil
}

// cut turns an end in the middle of a document into an error that says so.
func cut(err error) error {
	if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
