package notary

import (
	"fmt"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/lazyregexp"
	"github.com/drydock-dev/drydock/internal/trust"
)

// maxSigner is how many bytes a signer's name has at most.
const maxSigner = 128

var signerName = lazyregexp.New(`^[a-z0-9][a-z0-9_-]*$`)

// AddSigner delegates to a signer, and lets his keys release.
func (d *Draft) AddSigner(name string, keys []trust.Key) error {
	role := trust.Targets + "/" + name
	if len(name) > maxSigner || !signerName.MatchString(name) || role == Releases {
		return fmt.Errorf("a signer of Notary v1 cannot be called %q: lower-case letters, digits, - and _", name)
	}
	t := d.roles[trust.Targets]
	for _, r := range []string{Releases, role} {
		x := d.delegate(r)
		if x == nil {
			t.Delegations.Roles = append(t.Delegations.Roles, delegate{roleKeys: roleKeys{KeyIDs: []string{}, Threshold: 1}, Name: r, Paths: []string{""}})
			x = d.delegate(r)
		}
		for _, k := range keys {
			w, err := newWireKey(k.Public())
			if err != nil {
				return err
			}
			id := w.id()
			t.Delegations.Keys[id] = w
			if !slices.Contains(x.KeyIDs, id) {
				x.KeyIDs = append(x.KeyIDs, id)
			}
		}
	}
	d.dirty[trust.Targets] = true
	return nil
}

// RemoveSigner ends the delegation to a signer. What he alone released is released no
// more: where another signer's key is here, [Releases] is signed anew with what the
// others signed too; else it counts for nothing until one of them signs, and left is
// true.
func (d *Draft) RemoveSigner(name string) (left bool, err error) {
	role := trust.Targets + "/" + name
	gone := d.delegate(role)
	if gone == nil || role == Releases {
		return false, fmt.Errorf("%s is not a signer of %s", name, d.GUN)
	}
	ids := slices.Clone(gone.KeyIDs)
	t := d.roles[trust.Targets]
	t.Delegations.Roles = slices.DeleteFunc(t.Delegations.Roles, func(x delegate) bool { return x.Name == role })
	delete(d.roles, role)
	delete(d.dirty, role)
	d.dirty[trust.Targets] = true
	others := map[string]bool{} // keys that another signer has too stay
	for _, x := range t.Delegations.Roles {
		for _, id := range x.KeyIDs {
			others[id] = others[id] || x.Name != Releases
		}
	}
	x := d.delegate(Releases)
	if x != nil {
		x.KeyIDs = slices.DeleteFunc(x.KeyIDs, func(id string) bool { return slices.Contains(ids, id) && !others[id] })
		if len(x.KeyIDs) == 0 {
			t.Delegations.Roles = slices.DeleteFunc(t.Delegations.Roles, func(x delegate) bool { return x.Name == Releases })
			delete(d.roles, Releases)
			delete(d.dirty, Releases)
			x = nil
		}
	}
	for _, id := range ids {
		if !others[id] {
			delete(t.Delegations.Keys, id)
		}
	}
	if x == nil || d.roles[Releases] == nil {
		return false, nil
	}
	for tag, f := range d.roles[Releases].Targets {
		if !d.vouched(tag, f) {
			delete(d.roles[Releases].Targets, tag)
		}
	}
	ok, err := d.able(Releases)
	if ok {
		d.dirty[Releases] = true
	}
	return !ok, err
}

// vouched reports whether a signer's own role names a tag so.
func (d *Draft) vouched(tag string, f fileMeta) bool {
	return slices.ContainsFunc(d.delegates(), func(x delegate) bool {
		own := d.roles[x.Name]
		return x.Name != Releases && own != nil && slices.Equal(own.Targets[tag].Hashes["sha256"], f.Hashes["sha256"])
	})
}

// Rotate replaces the keys of a role of the top level by one.
func (d *Draft) rotate(role string, k wireKey) {
	d.root.Keys[k.id()], d.root.Roles[role] = k, roleKeys{[]string{k.id()}, 1}
	used := map[string]bool{}
	for _, r := range d.root.Roles {
		for _, id := range r.KeyIDs {
			used[id] = true
		}
	}
	for id := range d.root.Keys {
		if !used[id] {
			delete(d.root.Keys, id)
		}
	}
	d.dirty[trust.Root] = true
	if role == trust.Targets {
		d.dirty[trust.Targets] = true
	}
}

// depth orders roles: a parent comes before its children.
func depth(a, b string) int {
	if n := strings.Count(a, "/") - strings.Count(b, "/"); n != 0 {
		return n
	}
	return strings.Compare(a, b)
}
