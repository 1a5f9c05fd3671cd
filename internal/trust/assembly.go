package trust

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// Assembly is what a writer sees of a repository: all documents of each role, and
// not only those that the timestamp leads to, so that what a killed or a
// simultaneous writer left is not lost.
type Assembly struct {
	Repository string
	*Shelf

	now       time.Time
	root      *signed[metadata.RootType] // nil: there is none yet
	rootExtra extra
	next      []found[metadata.RootType] // of the next version, signed by too few
	roles     map[string]*roleDocs       // by TUF role
	snapshots []found[metadata.SnapshotType]
	times     []found[metadata.TimestampType]
}

// found is a document that enough keys of its role signed.
type found[T metadata.Roles] struct {
	Listed
	*signed[T]
	bytes []byte
}

// roleDocs are the documents of one role of targets.
type roleDocs struct {
	quorum
	signer    string
	valid     []claimed // newest first
	proposals []claimed // signed by too few, and saying what no valid one does
	merged    Claims    // of all that are valid
}

type claimed struct {
	found[metadata.TargetsType]
	claims Claims
	extra  extra
}

// Documents name those that they cover, so that nobody reads these again.
const (
	mergedLen = 16   // digits of a digest that stand for it
	maxMerged = 2048 // documents that one names
)

func (r *roleDocs) head() *claimed {
	if r == nil || len(r.valid) == 0 {
		return nil
	}
	return &r.valid[0]
}

// top is the highest version of any document that counts.
func (r *roleDocs) top() int64 {
	v := int64(0)
	for _, d := range append(r.valid, r.proposals...) {
		v = max(v, d.Version)
	}
	return v
}

// Assemble reads what a registry has of a repository's metadata, from a root that
// is trusted; nil: the repository has none yet.
func Assemble(ctx context.Context, repository string, root []byte, shelf *Shelf, now time.Time) (*Assembly, error) {
	a := &Assembly{Repository: repository, Shelf: shelf, now: now, roles: map[string]*roleDocs{}}
	if root == nil {
		return a, nil
	}
	c := &Client{State: State{Root: root}, Source: shelf, Now: now, Check: bound(&a.Repository), Shared: true}
	if err := c.begin(); err != nil {
		return nil, err
	}
	if err := c.updateRoot(ctx); err != nil && !errors.As(err, new(*ExpiredError)) {
		return nil, err
	}
	a.root = c.root
	if _, err := get(c.root.body.UnrecognizedFields, &a.rootExtra); err != nil {
		return nil, &FormatError{Root, err}
	}
	if err := a.proposedRoots(ctx); err != nil {
		return nil, err
	}
	return a, a.assemble(ctx)
}

// proposedRoots reads the documents of the next version of root that some of its
// keys signed, and not enough.
func (a *Assembly) proposedRoots(ctx context.Context) error {
	q, err := quorumOf(&a.root.body, Root)
	if err != nil {
		return err
	}
	for _, l := range a.of(Root) {
		if l.Version != a.root.body.Version+1 {
			continue
		}
		b, err := a.fetch(ctx, l)
		if err != nil {
			return err
		}
		m, err := decodeOnce[metadata.RootType](a.memo, l, b)
		if err != nil || len(q.signers(m.message, m.sigs)) == 0 || bound(&a.Repository)(Root, m.body.UnrecognizedFields) != nil {
			continue
		}
		a.next = append(a.next, found[metadata.RootType]{l, m, b})
	}
	return nil
}

func (a *Assembly) assemble(ctx context.Context) error {
	q, err := quorumOf(&a.root.body, Targets)
	if err != nil {
		return err
	}
	top, err := a.targets(ctx, "", q)
	if err != nil {
		return err
	}
	for name, s := range top.merged.Signers {
		if s.Revoked {
			continue
		}
		if _, err := a.targets(ctx, name, s.quorum(name)); err != nil {
			return err
		}
	}
	fields := func(s *metadata.SnapshotType) (int64, map[string]any) { return s.Version, s.UnrecognizedFields }
	if a.snapshots, err = newest(ctx, a, Snapshot, fields); err != nil {
		return err
	}
	a.times, err = newest(ctx, a, Timestamp, func(t *metadata.TimestampType) (int64, map[string]any) { return t.Version, t.UnrecognizedFields })
	return err
}

// targets reads the documents of one role, newest first. Those that a newer one
// covers are not fetched.
func (a *Assembly) targets(ctx context.Context, signer string, q quorum) (*roleDocs, error) {
	r := &roleDocs{quorum: q, signer: signer}
	covered := map[string]bool{}
	forged := 0
	for _, l := range a.of(q.role) {
		if covered[l.Digest.Hex()[:mergedLen]] {
			continue
		}
		b, err := a.fetch(ctx, l)
		if err != nil {
			return nil, err
		}
		if b == nil {
			continue
		}
		d, sigs := a.readClaims(l, q, b)
		switch {
		case d == nil || sigs == 0:
			if forged++; forged > maxForged {
				return nil, fmt.Errorf("%s: %w", q.role, ErrFlooded)
			}
		case sigs < q.threshold:
			r.proposals = append(r.proposals, *d)
		default:
			for _, m := range d.extra.Merged {
				covered[m] = true
			}
			r.valid = append(r.valid, *d)
			r.merged = r.merged.Merge(d.claims)
		}
	}
	r.proposals = slices.DeleteFunc(r.proposals, func(p claimed) bool { return r.merged.Covers(p.claims) })
	a.roles[q.role] = r
	return r, nil
}

// readClaims decodes a document of claims, and counts its signatures. nil: it is
// none of this role in this repository.
func (a *Assembly) readClaims(l Listed, q quorum, b []byte) (*claimed, int) {
	m, err := decodeOnce[metadata.TargetsType](a.memo, l, b)
	if err != nil || m.body.Version != l.Version {
		return nil, 0
	}
	claims, x, err := claimsOf(m.body)
	if err != nil || x.Repository != a.Repository {
		return nil, 0
	}
	return &claimed{found[metadata.TargetsType]{l, m, b}, claims, x}, len(q.signers(m.message, m.sigs))
}

// newest reads the documents of the snapshot or timestamp role: all of the highest
// version that a key of it signed.
func newest[T metadata.Roles](ctx context.Context, a *Assembly, role string, fields func(*T) (int64, map[string]any)) ([]found[T], error) {
	q, err := quorumOf(&a.root.body, role)
	if err != nil {
		return nil, err
	}
	var out []found[T]
	forged := 0
	for _, l := range a.of(role) {
		if len(out) > 0 && l.Version < out[0].Version {
			break
		}
		b, err := a.fetch(ctx, l)
		if err != nil {
			return nil, err
		}
		if b == nil {
			continue
		}
		m, err := decodeOnce[T](a.memo, l, b)
		if err == nil {
			err = q.check(m.message, m.sigs)
		}
		if err == nil {
			version, own := fields(&m.body)
			err = bound(&a.Repository)(role, own)
			if version != l.Version {
				err = &VersionError{role, l.Version, version}
			}
		}
		if err == nil {
			out = append(out, found[T]{l, m, b})
		} else if forged++; forged > maxForged {
			return nil, fmt.Errorf("%s: %w", role, ErrFlooded)
		}
	}
	return out, nil
}

// Begun reports whether the repository has a root.
func (a *Assembly) Begun() bool { return a.root != nil }

// Merged is what all of a signer's documents say together; of "", the top-level
// role's.
func (a *Assembly) Merged(signer string) Claims {
	for _, r := range a.roles {
		if r.signer == signer {
			return r.merged
		}
	}
	return Claims{}
}

// Next is a Seq for new claims, higher than any that there is.
func (a *Assembly) Next() int64 {
	var all []Claims
	for _, r := range a.roles {
		all = append(all, r.merged)
		for _, p := range r.proposals {
			all = append(all, p.claims)
		}
	}
	return Next(all...)
}

// Signers are those that the top level delegates to, by name.
func (a *Assembly) Signers() map[string]Delegate {
	out := map[string]Delegate{}
	maps.Copy(out, a.Merged("").Signers)
	maps.DeleteFunc(out, func(_ string, s Delegate) bool { return s.Revoked })
	return out
}

// NotBefore is an error where a client that trusts state has seen more than what
// lies here: to build on an old state would lose what came after it.
func (a *Assembly) NotBefore(state State) error {
	if a.root == nil {
		return nil
	}
	if t, ok := stillTrusted[metadata.TimestampType](a, Timestamp, state); ok {
		top := int64(0)
		if len(a.times) > 0 {
			top = a.times[0].body.Version
		}
		if top < t.body.Version {
			return &RollbackError{Timestamp, t.body.Version, top}
		}
	}
	s, ok := stillTrusted[metadata.SnapshotType](a, Snapshot, state)
	if !ok {
		return nil
	}
	for name, m := range s.body.Meta {
		role := strings.TrimSuffix(name, ".json")
		if r := a.roles[role]; r != nil && r.top() < m.Version {
			return &RollbackError{role, m.Version, r.top()}
		}
	}
	return nil
}

// stillTrusted is a document of state, if keys that root has today signed it.
func stillTrusted[T metadata.Roles](a *Assembly, role string, state State) (*signed[T], bool) {
	q, err := quorumOf(&a.root.body, role)
	if err != nil || state[role] == nil {
		return nil, false
	}
	m, err := decode[T](role, state[role])
	return m, err == nil && q.check(m.message, m.sigs) == nil
}
