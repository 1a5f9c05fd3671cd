package trust

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"strings"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// Listed is a document that lies in a registry, as its name tells.
type Listed struct {
	Role    string
	Version int64
	Key     string // of a key that its writer signed it with, shortened
	Digest  finding.Digest
}

// newer orders documents of one role: by version, then in any order that all
// agree on.
func newer(a, b Listed) int {
	return cmp.Or(cmp.Compare(b.Version, a.Version), strings.Compare(string(b.Digest), string(a.Digest)))
}

// maxForged is how many documents of a role that are not its keys' are read
// before it is given up.
const maxForged = 256

// ErrFlooded is a role with more documents that nobody vouches for than are read.
var ErrFlooded = errors.New("too many documents that no key of their role signed")

// Getter reads a document that is listed; fs.ErrNotExist: it is gone.
type Getter func(context.Context, Listed) ([]byte, error)

// Memo is documents that were read and decoded. They never change, so that one
// look at a repository after another shares it. It is not for concurrent use.
type Memo struct {
	read    map[finding.Digest][]byte
	decoded map[finding.Digest]any
}

// NewMemo is a memo with nothing in it.
func NewMemo() *Memo { return &Memo{map[finding.Digest][]byte{}, map[finding.Digest]any{}} }

// decodeOnce is decode, remembered.
func decodeOnce[T metadata.Roles](m *Memo, l Listed, b []byte) (*signed[T], error) {
	if d, ok := m.decoded[l.Digest].(*signed[T]); ok {
		return d, nil
	}
	d, err := decode[T](l.Role, b)
	if err == nil {
		m.decoded[l.Digest] = d
	}
	return d, err
}

// Shelf is a [Source] of the documents that a registry lists. Each is read once.
type Shelf struct {
	list []Listed
	get  Getter
	memo *Memo
	gone map[finding.Digest]bool
}

// NewShelf is a shelf with these documents.
func NewShelf(list []Listed, get Getter, memo *Memo) *Shelf {
	s := &Shelf{slices.Clone(list), get, memo, map[finding.Digest]bool{}}
	sorting.By(s.list, newer)
	return s
}

// Len is how many documents there are.
func (s *Shelf) Len() int { return len(s.list) }

// of are the documents of a role, newest first.
func (s *Shelf) of(role string) []Listed {
	return slices.DeleteFunc(slices.Clone(s.list), func(l Listed) bool { return l.Role != role || l.Version < 1 || l.Version > maxVersion })
}

// fetch reads a document. nil: it was listed, and is gone by now.
func (s *Shelf) fetch(ctx context.Context, l Listed) ([]byte, error) {
	if b, ok := s.memo.read[l.Digest]; ok || s.gone[l.Digest] {
		return b, nil
	}
	b, err := s.get(ctx, l)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.gone[l.Digest] = true
		return nil, nil
	case err != nil:
		return nil, err
	}
	s.memo.read[l.Digest] = b
	return b, nil
}

// Fetch implements [Source]. Of a document that other metadata names by its digest
// there is one; of others there may be several, and the newest comes first.
func (s *Shelf) Fetch(ctx context.Context, f File) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		if f.Meta != nil {
			h, ok := f.Meta.Hashes["sha256"]
			if !ok {
				yield(nil, &FormatError{f.Role, errors.New("it is named without a digest")})
				return
			}
			l := Listed{Role: f.Role, Version: f.Version, Digest: finding.Digest("sha256:" + h.String())}
			if b, err := s.fetch(ctx, l); err != nil || b != nil {
				yield(b, err)
			}
			return
		}
		tries := 0
		for _, l := range s.of(f.Role) {
			if f.Version != 0 && l.Version != f.Version {
				continue
			}
			if tries++; tries > maxForged {
				yield(nil, fmt.Errorf("%s: %w", f.Role, ErrFlooded))
				return
			}
			b, err := s.fetch(ctx, l)
			if err == nil && b == nil {
				continue
			}
			if !yield(b, err) || err != nil {
				return
			}
		}
	}
}
