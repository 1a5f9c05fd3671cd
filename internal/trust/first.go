package trust

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// Empty reports a shelf without any document.
func (s *Shelf) Empty() bool { return len(s.list) == 0 }

// FirstRoots are the documents that claim to be the first root of a repository and
// are signed as one must be. More than one is a repository that was begun twice,
// or that somebody wants to take over.
func (s *Shelf) FirstRoots(ctx context.Context, repository string) ([][]byte, error) {
	var out [][]byte
	var refused error
	tries := 0
	for _, l := range s.of(Root) {
		if l.Version != 1 {
			continue
		}
		if tries++; tries > maxForged {
			return nil, fmt.Errorf("%s: %w", Root, ErrFlooded)
		}
		b, err := s.fetch(ctx, l)
		if err != nil {
			return nil, err
		}
		name := repository
		c := &Client{State: State{Root: b}, Check: bound(&name)}
		switch err := c.begin(); {
		case b == nil:
		case err != nil:
			refused = err
		default:
			out = append(out, b)
		}
	}
	if len(out) == 0 {
		return nil, refused
	}
	return out, nil
}

// RootKeys are the keys of the root role.
func RootKeys(root []byte) ([]Key, error) {
	r, err := decode[metadata.RootType](Root, root)
	if err != nil {
		return nil, err
	}
	return keysOf(&r.body, Root)
}

// SameLine is an error where a root that the user names is not one that the root
// which is pinned already could have come from, or could lead to: keys of one
// signed the other.
func SameLine(pinned, named []byte) error {
	if bytes.Equal(pinned, named) {
		return nil
	}
	a, err := decode[metadata.RootType](Root, pinned)
	if err != nil {
		return err
	}
	b, err := decode[metadata.RootType](Root, named)
	if err != nil {
		return err
	}
	qa, erra := quorumOf(&a.body, Root)
	qb, errb := quorumOf(&b.body, Root)
	if err := errors.Join(erra, errb); err != nil {
		return err
	}
	if qa.check(b.message, b.sigs) == nil || qb.check(a.message, a.sigs) == nil {
		return nil
	}
	return &OtherRootError{}
}

// OtherRootError is a root that has nothing to do with the one that is pinned.
type OtherRootError struct{}

func (*OtherRootError) Error() string {
	return "another root is pinned here, and no key of it signed this one"
}

// Hint says what to do.
func (*OtherRootError) Hint() string {
	return "if the repository was begun anew on purpose, drydock trust forget REPOSITORY, and say --root again"
}

// Refused makes it a [Refusal].
func (*OtherRootError) Refused() string { return "other-root" }

// Roots are the documents that lead from the first root to a trusted one, that
// included: whoever has pinned any of them follows the rest.
func (s *Shelf) Roots(ctx context.Context, trusted []byte) ([][]byte, error) {
	out := [][]byte{trusted}
	next, err := decode[metadata.RootType](Root, trusted)
	if err != nil {
		return nil, err
	}
	for version := next.body.Version - 1; version > 0; version-- {
		found := false
		for _, l := range s.of(Root) {
			if l.Version != version || found {
				continue
			}
			b, err := s.fetch(ctx, l)
			if err != nil {
				return nil, err
			}
			r, err := decode[metadata.RootType](Root, b)
			if err != nil || r.body.Version != version {
				continue
			}
			if q, err := quorumOf(&r.body, Root); err != nil || q.check(next.message, next.sigs) != nil || q.check(r.message, r.sigs) != nil {
				continue
			}
			out, next, found = append([][]byte{b}, out...), r, true
		}
		if !found {
			break // whoever pinned what is missing cannot follow; others can
		}
	}
	return out, nil
}

// RootOf is the repository that a root is for, once it holds by its own keys.
func RootOf(root []byte) (string, error) {
	var repository string
	c := &Client{State: State{Root: root}, Check: bound(&repository)}
	if err := c.begin(); err != nil {
		return "", err
	}
	return repository, nil
}
