package notary

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/trust"
)

// InvalidError is an update that a server does not take.
type InvalidError struct {
	Code string // "INVALID_UPDATE", "VERSION", "INVALID_ROLE"
	Kind string // what the stock client calls it: "ErrBadRoot"
	Why  string
}

func (e *InvalidError) Error() string { return e.Why }

func invalid(kind string, err error) error { return &InvalidError{"INVALID_UPDATE", kind, err.Error()} }

func versionError(role string, have, got int64) error {
	return &InvalidError{"VERSION", "ErrValidation", fmt.Sprintf("version %d of %s comes after version %d", got, role, have)}
}

// maxSkip is how many versions of a targets role an update may pass over: one who
// signs a version so high that no other can follow would own the role.
const maxSkip = 64

// Update is what is to be published of a repository: what there is, and what comes.
type Update struct {
	GUN string
	Old State // none: the repository is new
	New State
	Now time.Time

	// Sign signs with the server's own keys, those of these; nil: it has none of them.
	Sign func(role string, keys map[string]wireKey, ids []string) ([]signer, error)
}

// Validate holds an update to what was there, and gives the whole repository as it is
// afterwards, with the server's snapshot and timestamp.
func (u *Update) Validate() (State, error) {
	next := maps.Clone(u.Old)
	if next == nil {
		next = State{}
	}
	for role, b := range u.New {
		if !ValidRole(role) || role == trust.Timestamp {
			return nil, &InvalidError{"INVALID_ROLE", "ErrInvalidRole", fmt.Sprintf("%q is not published", role)}
		}
		if string(u.Old[role]) == string(b) {
			delete(u.New, role)
		}
	}
	root, err := u.root(next)
	if err != nil {
		return nil, err
	}
	roles, err := u.targets(root, next)
	if err != nil {
		return nil, err
	}
	if err := u.snapshot(root, roles, next); err != nil {
		return nil, err
	}
	return next, u.timestamp(root, next)
}

func (u *Update) root(next State) (*document[rootBody], error) {
	b, comes := u.New[trust.Root]
	var old *document[rootBody]
	var err error
	if u.Old[trust.Root] != nil {
		if old, err = readRoot(u.Old[trust.Root], u.GUN, time.Time{}); err != nil {
			return nil, fmt.Errorf("the stored root: %w", err)
		}
	}
	switch {
	case !comes && old == nil:
		return nil, &InvalidError{"INVALID_UPDATE", "ErrValidation", "no root, and none was there before"}
	case !comes:
		return old, nil
	}
	d, err := readRoot(b, u.GUN, u.Now)
	if err == nil {
		err = d.expired(u.Now)
	}
	if err == nil && old != nil {
		err = follows(old, d, u.GUN)
	}
	if err != nil {
		return nil, invalid("ErrBadRoot", err)
	}
	switch v := d.body.Version; {
	case old == nil && v > 2: // a client that rotated a key before it published has two
		return nil, versionError(trust.Root, 0, v)
	case old != nil && v != old.body.Version+1:
		return nil, versionError(trust.Root, old.body.Version, v)
	}
	for _, role := range []string{trust.Root, trust.Targets, trust.Snapshot, trust.Timestamp} {
		q, err := quorumOf(&d.body, role)
		if err != nil {
			return nil, invalid("ErrBadRoot", err)
		}
		if q.threshold < 1 || q.threshold > len(q.ids) {
			return nil, invalid("ErrBadRoot", fmt.Errorf("the threshold of %s is %d, with %d keys", role, q.threshold, len(q.ids)))
		}
		for _, id := range q.ids {
			if k, ok := q.keys[id]; !ok || k.id() != id {
				return nil, invalid("ErrBadRoot", fmt.Errorf("key %.12s of %s is missing, or has another's id", id, role))
			}
		}
	}
	next[trust.Root] = b
	return d, nil
}

// targets holds the targets roles of an update to who may sign them, the parents
// before the children.
func (u *Update) targets(root *document[rootBody], next State) (map[string]*document[targetsBody], error) {
	q, err := quorumOf(&root.body, trust.Targets)
	if err != nil {
		return nil, invalid("ErrBadRoot", err)
	}
	roles := map[string]*document[targetsBody]{}
	allowed := map[string]quorum{trust.Targets: q}
	for list := []string{trust.Targets}; len(list) > 0; list = list[1:] {
		role := list[0]
		d, err := u.role(role, allowed[role], next)
		if err != nil {
			return nil, err
		}
		if d == nil {
			continue
		}
		roles[role] = d
		children, err := d.body.delegated(role)
		if err != nil {
			return nil, invalid("ErrBadTargets", err)
		}
		for _, c := range children {
			allowed[c.Name] = d.body.quorum(c)
			list = append(list, c.Name)
		}
		if len(allowed) > maxDelegations {
			return nil, invalid("ErrBadTargets", fmt.Errorf("more than %d delegations", maxDelegations))
		}
	}
	for role := range u.New {
		if _, ok := allowed[role]; !ok && strings.HasPrefix(role, trust.Targets) {
			return nil, invalid("ErrBadTargets", fmt.Errorf("%s is delegated to nobody", role))
		}
	}
	for role := range next { // what is no longer delegated is gone
		if _, ok := allowed[role]; !ok && strings.HasPrefix(role, trust.Targets+"/") {
			delete(next, role)
		}
	}
	return roles, nil
}

// role is one role's document, as it comes or as it was; nil: it has none that counts.
func (u *Update) role(role string, q quorum, next State) (*document[targetsBody], error) {
	b, comes := u.New[role]
	if !comes {
		d, err := verified[targetsBody](role, u.Old[role], q, time.Time{})
		if err != nil && role == trust.Targets {
			return nil, invalid("ErrBadTargets", err) // its keys changed, and nobody signed it with the new ones
		}
		if err != nil {
			return nil, nil //nolint:nilerr // a signer's keys were taken away: clients pass it over
		}
		return d, nil
	}
	d, err := verified[targetsBody](role, b, q, u.Now)
	if err != nil {
		return nil, invalid("ErrBadTargets", err)
	}
	have := int64(0)
	if old, err := decode[targetsBody](role, u.Old[role]); err == nil {
		have = old.body.Version
	}
	if v := d.body.Version; v <= have || v > have+maxSkip {
		return nil, versionError(role, have, v)
	}
	for name, f := range d.body.Targets {
		if len(f.Hashes["sha256"]) != 32 || f.Length < 0 || name == "" {
			return nil, invalid("ErrBadTargets", fmt.Errorf("%s names %q without a sha256 hash", role, name))
		}
	}
	next[role] = b
	return d, nil
}

// snapshot is the one that comes, which must name what is there then; or the server's.
func (u *Update) snapshot(root *document[rootBody], roles map[string]*document[targetsBody], next State) error {
	q, err := quorumOf(&root.body, trust.Snapshot)
	if err != nil {
		return invalid("ErrBadRoot", err)
	}
	have := int64(0)
	if old, err := decode[metaBody](trust.Snapshot, u.Old[trust.Snapshot]); err == nil {
		have = old.body.Version
	}
	if b, comes := u.New[trust.Snapshot]; comes {
		d, err := verified[metaBody](trust.Snapshot, b, q, u.Now)
		if err == nil {
			err = covers(d.body.Meta, roles, next)
		}
		if err != nil {
			return invalid("ErrBadSnapshot", err)
		}
		if v := d.body.Version; v <= have || v > have+maxSkip {
			return versionError(trust.Snapshot, have, v)
		}
		next[trust.Snapshot] = b
		return nil
	}
	by, err := u.Sign(trust.Snapshot, q.keys, q.ids)
	if err != nil {
		return err
	}
	if len(by) < q.threshold {
		return &InvalidError{"INVALID_UPDATE", "ErrBadHierarchy", "no snapshot comes, and the server has no snapshot key that root names"}
	}
	s := metaBody{common: common{Type: typeOf(trust.Snapshot), Version: have + 1, Expires: u.Now.UTC().Add(targetsHold)}, Meta: map[string]fileMeta{}}
	for role, b := range next {
		if role == trust.Root || strings.HasPrefix(role, trust.Targets) {
			s.Meta[role] = metaOf(b)
		}
	}
	d, err := compose(trust.Snapshot, s, by)
	if err != nil {
		return err
	}
	next[trust.Snapshot] = d.bytes
	return nil
}

// covers is nil where a snapshot names root and each role that counts, as they are.
func covers(meta map[string]fileMeta, roles map[string]*document[targetsBody], next State) error {
	for role, m := range meta {
		if role == trust.Root || roles[role] != nil {
			if err := matches(role, m, next[role]); err != nil {
				return err
			}
		}
	}
	for _, role := range append(slices.Sorted(maps.Keys(roles)), trust.Root) {
		if _, ok := meta[role]; !ok {
			return errors.New("it does not name " + role)
		}
	}
	return nil
}

// timestamp signs a timestamp of the snapshot.
func (u *Update) timestamp(root *document[rootBody], next State) error {
	q, err := quorumOf(&root.body, trust.Timestamp)
	if err != nil {
		return invalid("ErrBadRoot", err)
	}
	by, err := u.Sign(trust.Timestamp, q.keys, q.ids)
	if err != nil {
		return err
	}
	if len(by) < q.threshold {
		return &InvalidError{"INVALID_UPDATE", "ErrBadRoot", "root names a timestamp key that the server does not have"}
	}
	t := metaBody{common: common{Type: typeOf(trust.Timestamp), Version: 1, Expires: u.Now.UTC().Add(timestampHolds)}}
	t.Meta = map[string]fileMeta{trust.Snapshot: metaOf(next[trust.Snapshot])}
	if old, err := decode[metaBody](trust.Timestamp, u.Old[trust.Timestamp]); err == nil {
		t.Version = old.body.Version + 1
	}
	d, err := compose(trust.Timestamp, t, by)
	if err != nil {
		return err
	}
	next[trust.Timestamp] = d.bytes
	return nil
}

// due reports whether the server's documents are to be signed anew: half of the
// timestamp's time is over, or a year of the snapshot's is left.
func due(st State, now time.Time) (timestamp, snapshot bool) {
	t, err := decode[metaBody](trust.Timestamp, st[trust.Timestamp])
	s, serr := decode[metaBody](trust.Snapshot, st[trust.Snapshot])
	snapshot = serr == nil && s.body.Expires.Before(now.Add(targetsHold/3))
	return err == nil && t.body.Expires.Before(now.Add(timestampHolds/2)) || snapshot, snapshot
}
