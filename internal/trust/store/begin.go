package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/keyring"
)

// Begun is a repository that was begun: the keys that were made for it.
type Begun struct {
	Root, Targets, Online keyring.Entry
	Fresh                 []keyring.Entry // those that are new
}

// ErrBegun is a repository that has trust metadata already.
var ErrBegun = errors.New("the repository has trust metadata already")

// Begin gives a repository its first metadata, and pins it here. Its root key is
// the one that is here, for a user has one for all repositories, or a new one; its
// targets and online keys are new. days is how long documents hold, where that is
// not to be as usual.
func (s *Session) Begin(ctx context.Context, kind trust.KeyType, days map[string]int) (*Begun, error) {
	shelf, _, err := s.Shelf(ctx)
	if err != nil {
		return nil, err
	}
	pin, err := s.Pins.Load(s.Name)
	switch {
	case err != nil:
		return nil, err
	case !shelf.Empty():
		return nil, finding.WithHint(fmt.Errorf("%s: %w", s.Name, ErrBegun), "drydock trust inspect "+s.Name+" shows what it says")
	case pin != nil:
		return nil, finding.WithHint(&UnsignedError{s.Name, pin.Since}, "to begin anew on purpose: drydock trust forget "+s.Name)
	}
	b := &Begun{}
	if b.Root, err = s.rootKey(kind, b); err != nil {
		return nil, err
	}
	if b.Targets, err = s.newKey(keyring.Targets, kind, b); err != nil {
		return nil, err
	}
	if b.Online, err = s.newKey(keyring.Online, kind, b); err != nil {
		return nil, err
	}
	keys := map[keyring.Role]trust.Key{}
	for _, e := range []keyring.Entry{b.Root, b.Targets, b.Online} {
		if keys[e.Role], err = e.Key(); err != nil {
			return nil, err
		}
	}
	state := trust.State{}
	_, err = s.Commit(ctx, state, s.Ring, func(*trust.Assembly) (trust.Change, error) {
		return trust.Change{Days: days, Root: []trust.RootEdit{
			{Role: trust.Root, Add: []trust.Key{keys[keyring.Root]}},
			{Role: trust.Targets, Add: []trust.Key{keys[keyring.Targets]}},
			{Role: trust.Snapshot, Add: []trust.Key{keys[keyring.Online]}},
			{Role: trust.Timestamp, Add: []trust.Key{keys[keyring.Online]}},
		}}, nil
	})
	if err != nil {
		return nil, err
	}
	if shelf, _, err = s.Shelf(ctx); err != nil {
		return nil, err
	}
	if roots, err := shelf.FirstRoots(ctx, s.Name); err != nil || len(roots) != 1 {
		return nil, errors.Join(err, fmt.Errorf("somebody else began %s at the same time: %w", s.Name, ErrRoots))
	}
	if _, err := s.take(state[trust.Root], "init"); err != nil {
		return nil, err
	}
	_, err = s.View(ctx)
	return b, err
}

// rootKey is the root key that is here, or a new one.
func (s *Session) rootKey(kind trust.KeyType, b *Begun) (keyring.Entry, error) {
	all, err := s.Ring.List()
	if err != nil {
		return keyring.Entry{}, err
	}
	for _, e := range all {
		if e.Role == keyring.Root {
			return e, nil
		}
	}
	return s.newKey(keyring.Root, kind, b)
}

func (s *Session) newKey(role keyring.Role, kind trust.KeyType, b *Begun) (keyring.Entry, error) {
	p, err := trust.GenerateKey(kind)
	if err != nil {
		return keyring.Entry{}, err
	}
	e := keyring.Entry{Name: string(role), Role: role, Created: s.Now().UTC(), Locked: true}
	if role != keyring.Root {
		e.Repository = s.Name
	}
	if e, err = s.Ring.Add(p, e); err == nil {
		b.Fresh = append(b.Fresh, e)
	}
	return e, err
}
