package notary

import (
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/trust"
)

// How long documents hold that are signed now, as docker has it.
const (
	rootHolds      = 10 * 365 * 24 * time.Hour
	targetsHold    = 3 * 365 * 24 * time.Hour
	timestampHolds = 14 * 24 * time.Hour
)

// Draft is a repository's metadata while it is changed.
type Draft struct {
	GUN string

	now   time.Time
	keys  Keys
	old   *Repository // nil: the repository is new
	root  rootBody
	roles map[string]*targetsBody
	dirty map[string]bool
	after int64 // the version that a role's first document comes after: a server may remember one that was removed
}

// draft begins to change a repository.
func draft(r *Repository, keys Keys, now time.Time) *Draft {
	d := &Draft{GUN: r.GUN, now: now, keys: keys, old: r, root: r.root.body, roles: map[string]*targetsBody{}, dirty: map[string]bool{}}
	d.root.Keys, d.root.Roles = maps.Clone(d.root.Keys), maps.Clone(d.root.Roles)
	for role, doc := range r.roles {
		b := doc.body
		b.Targets, b.Delegations.Keys = maps.Clone(b.Targets), maps.Clone(b.Delegations.Keys)
		b.Delegations.Roles = slices.Clone(b.Delegations.Roles)
		for i := range b.Delegations.Roles {
			b.Delegations.Roles[i].KeyIDs = slices.Clone(b.Delegations.Roles[i].KeyIDs)
		}
		d.roles[role] = &b
	}
	return d
}

// begin is the draft of a new repository.
func begin(gun string, keys Keys, now time.Time, root, targets, snapshot, timestamp wireKey) *Draft {
	d := &Draft{GUN: gun, now: now, keys: keys, roles: map[string]*targetsBody{}, dirty: map[string]bool{trust.Root: true, trust.Targets: true}}
	d.root = rootBody{common: common{Type: typeOf(trust.Root)}, Keys: map[string]wireKey{}, Roles: map[string]roleKeys{}}
	for role, k := range map[string]wireKey{trust.Root: root, trust.Targets: targets, trust.Snapshot: snapshot, trust.Timestamp: timestamp} {
		d.root.Keys[k.id()], d.root.Roles[role] = k, roleKeys{[]string{k.id()}, 1}
	}
	d.roles[trust.Targets] = newTargets()
	return d
}

func newTargets() *targetsBody {
	return &targetsBody{
		common: common{Type: typeOf(trust.Targets)}, Targets: map[string]fileMeta{},
		Delegations: delegations{Keys: map[string]wireKey{}, Roles: []delegate{}},
	}
}

func (d *Draft) delegates() []delegate { return d.roles[trust.Targets].Delegations.Roles }

func (d *Draft) delegate(role string) *delegate {
	all := d.delegates()
	if i := slices.IndexFunc(all, func(x delegate) bool { return x.Name == role }); i >= 0 {
		return &all[i]
	}
	return nil
}

// holds reports whether enough keys of a role are here.
func (d *Draft) holds(q quorum) (bool, error) {
	by, err := d.signers(q)
	return len(by) >= max(q.threshold, 1), err
}

// signers are the keys of a role that are here.
func (d *Draft) signers(q quorum) ([]signer, error) {
	var out []signer
	for _, id := range q.ids {
		k, ok := q.keys[id]
		if !ok {
			continue
		}
		s, err := d.keys.Signer(k.key(id), q.role)
		if err != nil {
			return nil, err
		}
		if s != nil {
			out = append(out, signer{id, s})
		}
	}
	return out, nil
}

// Signable are the roles in which an image is signed with the keys that are here: the
// signers' own, with [Releases]; the targets role where there are no signers.
func (d *Draft) Signable(only string) ([]string, error) {
	var out, names []string
	for _, x := range d.delegates() {
		name := strings.TrimPrefix(x.Name, trust.Targets+"/")
		if x.Name != Releases {
			names = append(names, name)
		}
		if x.Name == Releases || only != "" && name != only {
			continue
		}
		ok, err := d.holds(d.roles[trust.Targets].quorum(x))
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, x.Name)
		}
	}
	if len(names) == 0 && only == "" {
		return []string{trust.Targets}, nil
	}
	if len(out) == 0 {
		return nil, finding.WithHint(fmt.Errorf("no key of a signer of %s is here (signers: %s)", d.GUN, strings.Join(names, ", ")),
			"docker trust key load FILE, or drydock trust key load FILE, takes one in")
	}
	return append(out, Releases), nil
}

// Sign signs a tag in these roles.
func (d *Draft) Sign(tag string, digest finding.Digest, size int64, roles []string) error {
	sum, err := hexBytes(digest)
	if err != nil {
		return err
	}
	for _, role := range roles {
		if x := d.delegate(role); role != trust.Targets && (x == nil || !x.within(tag)) {
			return fmt.Errorf("%s may not sign %s", role, tag)
		}
		if d.roles[role] == nil {
			d.roles[role] = newTargets()
			d.roles[role].Version = d.after
			if d.old != nil {
				d.roles[role].Version = max(d.after, d.old.floor[role])
			}
		}
		d.roles[role].Targets[tag] = fileMeta{Hashes: map[string][]byte{"sha256": sum}, Length: size}
		d.dirty[role] = true
	}
	return nil
}

// Unsign takes a tag out of every role whose keys are here; of "" all tags. It is an
// error where what releases it stays.
func (d *Draft) Unsign(tag string) error {
	found := false
	for _, role := range slices.Sorted(maps.Keys(d.roles)) {
		var gone []string
		for name := range d.roles[role].Targets {
			if tag == "" || name == tag {
				gone = append(gone, name)
			}
		}
		if len(gone) == 0 {
			continue
		}
		found = true
		ok, err := d.able(role)
		switch {
		case err != nil:
			return err
		case !ok && (role == Releases || role == trust.Targets):
			return fmt.Errorf("%s is released by the role %s of %s, and no key of it is here", strings.Join(gone, ", "), role, d.GUN)
		case !ok:
			continue // another signer's word, which releases nothing
		}
		for _, name := range gone {
			delete(d.roles[role].Targets, name)
		}
		d.dirty[role] = true
	}
	if !found {
		return fmt.Errorf("%s is not signed in %s", tag, d.GUN)
	}
	return nil
}

// able reports whether a role can be signed with the keys that are here.
func (d *Draft) able(role string) (bool, error) {
	q, err := d.quorum(role)
	if err != nil {
		return false, err
	}
	return d.holds(q)
}

func (d *Draft) quorum(role string) (quorum, error) {
	if !strings.HasPrefix(role, trust.Targets+"/") {
		return quorumOf(&d.root, role)
	}
	parent := d.roles[role[:strings.LastIndexByte(role, '/')]]
	if parent != nil {
		for _, x := range parent.Delegations.Roles {
			if x.Name == role {
				return parent.quorum(x), nil
			}
		}
	}
	return quorum{}, fmt.Errorf("%s of %s is delegated to nobody", role, d.GUN)
}

func hexBytes(d finding.Digest) ([]byte, error) {
	if !d.IsSHA256() {
		return nil, errors.New("only sha256 digests are signed in Notary v1")
	}
	return hex.DecodeString(d.Hex())
}
