package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/keyring"
)

// Session is one user's work on the trust of one repository: with the keys that
// are here, and from what was pinned here.
type Session struct {
	*Repository
	Ring *keyring.Ring
	Pins keyring.Pins

	// Pinned hears of a repository that is trusted from now on because this is its
	// first use.
	Pinned func(p *keyring.Pin, rootKeys []trust.Key)

	pin *keyring.Pin
}

// UnsignedError is a repository without trust metadata.
type UnsignedError struct {
	Repository string
	Since      time.Time // it had some: it was pinned then. Zero: it was never seen
}

func (e *UnsignedError) Error() string {
	if e.Since.IsZero() {
		return e.Repository + " has no trust metadata: nothing in it is signed"
	}
	return fmt.Sprintf("%s is pinned since %s, and its trust metadata is gone from the registry", e.Repository, e.Since.Format("2 January 2006"))
}

// Hint says what to do.
func (e *UnsignedError) Hint() string {
	if e.Since.IsZero() {
		return "its owner begins with drydock trust init " + e.Repository
	}
	return "do not use its images: a signed repository was stripped of its signatures; ask its owner"
}

// Refused makes it a [trust.Refusal].
func (e *UnsignedError) Refused() string {
	if e.Since.IsZero() {
		return "unsigned"
	}
	return "stripped"
}

// ErrRoots is a repository that was begun twice.
var ErrRoots = errors.New("several roots claim to be the first of the repository")

// Pin gives what is trusted of the repository; nil, and no error: it has no trust
// metadata, and none was ever seen. On first use that is its own first root.
func (s *Session) Pin(ctx context.Context) (*keyring.Pin, error) {
	if s.pin != nil {
		return s.pin, nil
	}
	pin, err := s.Pins.Load(s.Name)
	if err != nil || pin != nil {
		s.pin = pin
		return pin, err
	}
	shelf, _, err := s.Shelf(ctx)
	if err != nil {
		return nil, err
	}
	roots, err := shelf.FirstRoots(ctx, s.Name)
	switch {
	case err != nil:
		return nil, err
	case len(roots) == 0:
		return nil, nil
	case len(roots) > 1:
		return nil, finding.WithHint(fmt.Errorf("%s: %w", s.Name, ErrRoots), "ask its owner for the root, and say --root FILE")
	}
	return s.take(roots[0], "first use")
}

// Take pins a root that the user vouches for.
func (s *Session) Take(root []byte) error {
	pin, err := s.Pins.Load(s.Name)
	if err != nil {
		return err
	}
	if pin != nil {
		if err := trust.SameLine(pin.State[trust.Root], root); err != nil {
			return err
		}
		s.pin = pin
		return nil
	}
	_, err = s.take(root, "file")
	return err
}

func (s *Session) take(root []byte, how string) (*keyring.Pin, error) {
	keys, err := trust.RootKeys(root)
	if err != nil {
		return nil, err
	}
	s.pin = &keyring.Pin{Repository: s.Name, Since: s.Now().UTC().Truncate(time.Second), How: how, State: trust.State{trust.Root: root}}
	if s.Pinned != nil && how == "first use" {
		s.Pinned(s.pin, keys)
	}
	return s.pin, nil
}

// View reads what the repository says, and remembers what it came to trust.
func (s *Session) View(ctx context.Context) (*trust.View, error) {
	pin, err := s.Pin(ctx)
	if err != nil {
		return nil, err
	}
	if pin == nil {
		return nil, &UnsignedError{Repository: s.Name}
	}
	v, err := s.Repository.View(ctx, pin.State)
	if kind, _ := trust.Refused(err); kind == "missing" {
		if shelf, _, lerr := s.Shelf(ctx); lerr == nil && shelf.Empty() {
			return nil, &UnsignedError{s.Name, pin.Since}
		}
	}
	return v, errors.Join(err, s.save(err))
}

// save keeps the pin. One that was taken on first use is kept only when it led to
// something that holds.
func (s *Session) save(err error) error {
	if err != nil && s.pin.How == "first use" && len(s.pin.State) == 1 {
		return nil
	}
	return s.Pins.Save(s.pin)
}

// commit puts a change through on what is pinned.
func (s *Session) commit(ctx context.Context, change func(*trust.Assembly) (trust.Change, error)) (*Outcome, error) {
	pin, err := s.Pin(ctx)
	if err != nil {
		return nil, err
	}
	if pin == nil {
		return nil, &UnsignedError{Repository: s.Name}
	}
	out, err := s.Commit(ctx, pin.State, s.Ring, change)
	if err != nil {
		return nil, err
	}
	_, err = s.View(ctx)
	if kind, refused := trust.Refused(err); err == nil || refused && (out.Waiting || kind == "expired" || kind == "missing") {
		return out, nil // it will verify when who has the keys has signed
	}
	return out, fmt.Errorf("it was written, and does not verify: %w", err)
}
