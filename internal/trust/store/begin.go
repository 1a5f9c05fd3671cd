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
	if err := s.unbegun(ctx); err != nil {
		return nil, err
	}
	b := &Begun{}
	var err error
	if b.Root, err = s.rootKey(kind, b); err != nil {
		return nil, err
	}
	key, err := b.Root.Key()
	if err != nil {
		return nil, err
	}
	edits, err := s.firstRoles(kind, b, []trust.Key{key}, 1)
	if err != nil {
		return nil, err
	}
	return b, s.begin(ctx, trust.Change{Days: days, Root: edits})
}

// Draft is the first root of a repository for several root keys, signed with those that
// are here. Nothing of it is in the registry; the keys of its other roles are made here.
func (s *Session) Draft(ctx context.Context, kind trust.KeyType, days map[string]int, keys []trust.Key, threshold int) (*Begun, trust.RootDraft, error) {
	var none trust.RootDraft
	if err := s.unbegun(ctx); err != nil {
		return nil, none, err
	}
	b := &Begun{}
	edits, err := s.firstRoles(kind, b, keys, threshold)
	if err != nil {
		return nil, none, err
	}
	d, err := trust.DraftRoot(s.Name, trust.Change{Days: days, Root: edits}, s.Now())
	if err != nil {
		return nil, none, err
	}
	signed, err := d.Sign(s.Ring)
	if errors.As(err, new(*trust.ErrNoKey)) {
		return b, d, nil // all of them are others'
	}
	return b, signed, err
}

// BeginWith gives a repository its first metadata under a root that its keys signed.
func (s *Session) BeginWith(ctx context.Context, root []byte) error {
	d, err := trust.ReadRootDraft(root)
	if err != nil {
		return err
	}
	if !d.Complete() {
		return finding.WithHint(&trust.SignatureError{Role: trust.Root, Got: len(d.Signed), Want: d.Threshold}, "another signs it: drydock trust root sign FILE")
	}
	if err := s.unbegun(ctx); err != nil {
		return err
	}
	return s.begin(ctx, trust.Change{First: root})
}

// unbegun is an error where the repository has metadata, or had.
func (s *Session) unbegun(ctx context.Context) error {
	shelf, _, err := s.Shelf(ctx)
	if err != nil {
		return err
	}
	pin, err := s.Pins.Load(s.Name)
	switch {
	case err != nil:
		return err
	case !shelf.Empty():
		return finding.WithHint(fmt.Errorf("%s: %w", s.Name, ErrBegun), "drydock trust inspect "+s.Name+" shows what it says")
	case pin != nil:
		return finding.WithHint(&UnsignedError{s.Name, pin.Since}, "to begin anew on purpose: drydock trust forget "+s.Name)
	}
	return nil
}

// firstRoles are the keys of a first root: those of its own role, and new ones.
func (s *Session) firstRoles(kind trust.KeyType, b *Begun, root []trust.Key, threshold int) ([]trust.RootEdit, error) {
	var err error
	if b.Targets, err = s.newKey(keyring.Targets, kind, b); err != nil {
		return nil, err
	}
	if b.Online, err = s.newKey(keyring.Online, kind, b); err != nil {
		return nil, err
	}
	targets, err := b.Targets.Key()
	if err != nil {
		return nil, err
	}
	online, err := b.Online.Key()
	if err != nil {
		return nil, err
	}
	return []trust.RootEdit{
		{Role: trust.Root, Add: root, Threshold: threshold},
		{Role: trust.Targets, Add: []trust.Key{targets}},
		{Role: trust.Snapshot, Add: []trust.Key{online}},
		{Role: trust.Timestamp, Add: []trust.Key{online}},
	}, nil
}

// begin puts the first metadata through, and pins them.
func (s *Session) begin(ctx context.Context, ch trust.Change) error {
	state := trust.State{}
	if _, err := s.Commit(ctx, state, s.Ring, func(*trust.Assembly) (trust.Change, error) { return ch, nil }); err != nil {
		return err
	}
	shelf, _, err := s.Shelf(ctx)
	if err != nil {
		return err
	}
	if roots, err := shelf.FirstRoots(ctx, s.Name); err != nil || len(roots) != 1 {
		return errors.Join(err, fmt.Errorf("somebody else began %s at the same time: %w", s.Name, ErrRoots))
	}
	if _, err := s.take(state[trust.Root], "init"); err != nil {
		return err
	}
	_, err = s.View(ctx)
	return err
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
