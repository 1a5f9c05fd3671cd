package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/keyring"
)

// Rotation is a change of the keys of a role of the top level.
type Rotation struct {
	Role      keyring.Role // Root, Targets or Online
	Add       []trust.Key  // none: a new key is made here
	Remove    []string     // ids; none: all that the role has, but those added
	Keep      bool         // nothing is removed
	Threshold int          // 0: as it is
	Renew     bool         // no key changes: the role is signed anew
	Propose   bool
	Type      trust.KeyType
}

// RolesOf are the roles of the top level that keys of a kind sign, by TUF name; nil: none.
func RolesOf(of keyring.Role) []string {
	switch of {
	case keyring.Root:
		return []string{trust.Root}
	case keyring.Targets:
		return []string{trust.Targets}
	case keyring.Online:
		return []string{trust.Snapshot, trust.Timestamp}
	}
	return nil
}

// Rotate changes the keys of a role. It takes the root key. Of the online keys,
// those of signers stay unless they are named.
func (s *Session) Rotate(ctx context.Context, r Rotation) (*Outcome, []trust.Key, error) {
	roles := RolesOf(r.Role)
	if roles == nil {
		return nil, nil, finding.WithHint(fmt.Errorf("%q is no role of the top level", r.Role), "root, targets or online; a signer's keys are replaced with signer add")
	}
	add := r.Add
	if len(add) == 0 && !r.Renew && len(r.Remove) == 0 && r.Threshold == 0 {
		e, err := s.newKey(r.Role, r.Type, &Begun{})
		if err != nil {
			return nil, nil, err
		}
		k, err := e.Key()
		if err != nil {
			return nil, nil, err
		}
		add = []trust.Key{k}
	}
	var remove []string
	settled := false
	out, err := s.commit(ctx, func(a *trust.Assembly) (trust.Change, error) {
		if !settled {
			settled = true
			if remove = r.Remove; len(remove) == 0 && !r.Keep && len(add) > 0 {
				remove = a.TopKeys(roles[0])
			}
			remove = slices.DeleteFunc(slices.Clone(remove), func(id string) bool {
				return slices.ContainsFunc(add, func(k trust.Key) bool { return k.ID() == id })
			})
		}
		ch := trust.Change{Propose: r.Propose, Renew: r.Renew && r.Role != keyring.Root}
		for _, role := range roles {
			e := trust.RootEdit{Role: role, Add: add, Remove: remove, Threshold: r.Threshold}
			if e.Renew = r.Renew && r.Role == keyring.Root && a.RootDue(s.Now()); r.Role == keyring.Online {
				e.Threshold = 0
			}
			ch.Root = append(ch.Root, e)
		}
		return ch, nil
	})
	return out, add, err
}

// Status is how the repository stands.
func (s *Session) Status(ctx context.Context) (*trust.Assembly, []trust.RoleStatus, error) {
	pin, err := s.Pin(ctx)
	if err != nil {
		return nil, nil, err
	}
	if pin == nil {
		return nil, nil, &UnsignedError{Repository: s.Name}
	}
	a, err := s.Assemble(ctx, pin.State)
	if err != nil {
		return nil, nil, err
	}
	roles, err := a.Status(s.Ring)
	return a, roles, err
}
