package trust

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/drydock-dev/drydock/internal/finding"
)

// Keyring has the private keys that may sign.
type Keyring interface {
	Has(id string) bool
	Signer(id string) (Signer, error)
}

// Change is what a writer wants to be so. It is stated as what it comes to, so
// that it can be put through again on whatever others have made of the
// repository meanwhile.
type Change struct {
	Claims  map[string]Claims // by signer; "" is the top-level role
	Root    []RootEdit
	Renew   bool  // what soon expires is signed anew, and all that others left is made to count
	Propose bool  // too few signatures will do for now
	Skip    int64 // versions that the snapshot and timestamp leave out, so that writers in a crowd do not take the same
}

// RootEdit is a change of who may sign a top-level role.
type RootEdit struct {
	Role      string
	Add       []Key
	Remove    []string // key ids
	Threshold int      // 0: as it is
	Owner     string   // of added online keys: whose they are
	Renew     bool     // a new version in any case
}

// Step is a document to be put into the registry, before those that follow it.
type Step struct {
	Doc
	Key string // the id of a key that signed it
}

// Plan is what has to be written for a change to hold.
type Plan struct {
	Steps    []Step
	Settled  bool // nothing: the newest timestamp leads to all of it
	Waiting  bool // no online key is here: snapshot and timestamp wait for a refresh
	Proposed []string
	Backlog  int // documents that nothing leads to yet: as many writers may be about to see to that
}

// How long documents hold, by role, unless root says otherwise.
func days(x extra, role string) time.Duration {
	d, ok := x.Days[role]
	if !ok {
		if d, ok = DefaultDays()[role]; !ok {
			d = DefaultDays()["signers"]
		}
	}
	return time.Duration(d) * 24 * time.Hour
}

// DefaultDays is how many days each role's documents hold; "signers" stands for
// all that the top level delegates to.
func DefaultDays() map[string]int {
	return map[string]int{Root: 5 * 365, Targets: 3 * 365, "signers": 3 * 365, Snapshot: 30, Timestamp: 14}
}

// stale reports whether a document is due to be signed anew: a third of its time
// is left, or two thirds where that is asked for.
func (a *Assembly) stale(role string, expires time.Time, renew bool) bool {
	left, whole := expires.Sub(a.now), days(a.rootExtra, role)
	if renew {
		return left < whole*2/3
	}
	return left < whole/3
}

// ErrNoKey is a role that none of the keys here may sign.
type ErrNoKey struct {
	Role string // as people call it
	Ids  []string
}

func (e *ErrNoKey) Error() string {
	var ids []string
	for _, id := range e.Ids {
		ids = append(ids, short(id))
	}
	return fmt.Sprintf("no key here may sign for %s (it has %s)", e.Role, strings.Join(ids, ", "))
}

// Hint says where keys come from.
func (e *ErrNoKey) Hint() string {
	return "drydock trust key load FILE takes a key in; drydock trust key list shows those that are here"
}

// signers are the keys of a quorum that are here.
func (q quorum) signersIn(ring Keyring) ([]Signer, error) {
	var out []Signer
	for _, id := range q.ids {
		if !ring.Has(id) {
			continue
		}
		s, err := ring.Signer(id)
		if err != nil {
			return nil, err
		}
		if out = append(out, s); len(out) == q.threshold {
			break
		}
	}
	if len(out) == 0 {
		return nil, &ErrNoKey{q.role, q.ids}
	}
	return out, nil
}

// Plan works out what to write. Documents come in an order in which every
// beginning of it leaves a repository that verifies: roles before the snapshot
// that names them, and root last, for the keys that it takes away have signed
// what is there.
func (a *Assembly) Plan(ch Change, ring Keyring) (*Plan, error) {
	p := &Plan{}
	root, rootStep, err := a.planRoot(ch, ring)
	if err != nil {
		return nil, err
	}
	heads := map[string]Doc{}
	for _, name := range slices.Sorted(maps.Keys(ch.Claims)) {
		if name != "" && a.Signers()[name].Keys == nil && ch.Claims[""].Signers[name].Keys == nil {
			return nil, fmt.Errorf("%s is not a signer of %s", name, a.Repository)
		}
	}
	for _, r := range a.planRoles(root, ch) {
		step, head, err := a.planRole(r, ch, ring)
		if err != nil {
			return nil, err
		}
		if step != nil {
			p.Steps = append(p.Steps, *step)
		}
		if head.Bytes == nil && step != nil {
			p.Proposed = append(p.Proposed, r.role)
		}
		if head.Bytes != nil {
			heads[r.role] = head
		}
	}
	if heads[Targets].Bytes == nil {
		return p, nil // proposed, and nothing before it
	}
	online, waiting, err := a.online(root, ring)
	if err != nil {
		return nil, err
	}
	meta := a.meta(heads)
	p.Backlog = a.backlog(ch, meta)
	covered := a.leads(ch, meta, len(p.Steps) == 0)
	switch {
	case covered:
		p.Settled = len(p.Steps) == 0 && rootStep == nil
	case waiting:
		p.Waiting = true
	default:
		steps, err := a.planOnline(meta, online, ch.Skip)
		if errors.Is(err, errTopVersion) && rootStep != nil {
			steps, err = nil, nil // root first: it may take away the key that set the version there
		}
		if err != nil {
			return nil, err
		}
		p.Steps = append(p.Steps, steps...)
	}
	if rootStep != nil {
		p.Steps = append(p.Steps, *rootStep)
	}
	return p, nil
}

// planRoles are the roles of targets as they stand after the change: the top level
// first, then who it delegates to.
func (a *Assembly) planRoles(root *metadata.RootType, ch Change) []*roleDocs {
	top := a.roles[Targets]
	if top == nil {
		top = &roleDocs{}
	}
	next := *top
	if q, err := quorumOf(root, Targets); err == nil {
		next.quorum = q
	}
	out := []*roleDocs{&next}
	signers := next.merged.Merge(ch.Claims[""]).Signers
	for _, name := range slices.Sorted(maps.Keys(signers)) {
		s := signers[name]
		if s.Revoked {
			continue
		}
		r := a.roles[s.role(name)]
		if r == nil {
			r = &roleDocs{quorum: s.quorum(name), signer: name}
		}
		out = append(out, r)
	}
	return out
}

// planRole is the document that one role needs, if any, and the one that a
// snapshot is to name.
func (a *Assembly) planRole(r *roleDocs, ch Change, ring Keyring) (*Step, Doc, error) {
	want, merged := ch.Claims[r.signer], r.merged.Merge(ch.Claims[r.signer])
	kind := r.role
	if r.signer != "" {
		kind = "signers"
	}
	head := r.head()
	if head == nil {
		if len(want.Images) == 0 && r.signer != "" {
			return nil, Doc{}, nil // a signer who has signed nothing
		}
	} else {
		rekeyed := r.check(head.message, head.sigs) != nil // the change gives the role other keys
		tidy := a.stale(kind, head.body.Expires, ch.Renew) || !head.claims.Covers(merged)
		if head.claims.Covers(want) && !rekeyed && (!tidy || r.threshold != 1 || !slices.ContainsFunc(r.ids, ring.Has)) {
			return nil, head.doc(), nil
		}
	}
	by, err := r.signersIn(ring)
	if err != nil {
		return nil, Doc{}, err
	}
	if old := a.roles[r.role]; old != nil { // so that it holds before root has changed, and after
		if before, err := old.signersIn(ring); err == nil {
			by = append(by, before...)
		}
	}
	doc, err := claimsDoc(merged, r.top()+1, a.now.Add(days(a.rootExtra, kind)), extra{Repository: a.Repository, Merged: r.names()})
	if err != nil {
		return nil, Doc{}, err
	}
	if err := doc.sign(by...); err != nil {
		return nil, Doc{}, err
	}
	out, err := doc.encode(r.role, r.top()+1)
	step := &Step{out, by[0].Key().ID()}
	if short := r.check(doc.message, doc.sigs); short != nil {
		if !ch.Propose {
			return nil, Doc{}, finding.WithHint(short, "say --propose, and let the holders of its other keys sign what is proposed")
		}
		if head != nil {
			return step, head.doc(), err
		}
		return step, Doc{}, err
	}
	return step, out, err
}

func (c *claimed) doc() Doc { return Doc{c.Role, c.Version, c.bytes} }

// names are the documents that one which merges all of them covers.
func (r *roleDocs) names() []string {
	var out []string
	add := func(s string) {
		if len(out) < maxMerged && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	for _, d := range r.valid {
		add(d.Digest.Hex()[:mergedLen])
	}
	for _, d := range r.valid {
		for _, s := range d.extra.Merged {
			add(s)
		}
	}
	slices.Sort(out)
	return out
}

// meta is what a snapshot has to name: the newest document of each role, and what
// the last one named of roles that are gone, which may not leave it.
func (a *Assembly) meta(heads map[string]Doc) map[string]*metadata.MetaFiles {
	out := map[string]*metadata.MetaFiles{}
	for _, s := range a.snapshots {
		for name, m := range s.body.Meta {
			if old := out[name]; old == nil || m.Version > old.Version {
				out[name] = m
			}
		}
	}
	for role, d := range heads {
		sum, _ := hexBytes(d.Digest())
		out[role+".json"] = &metadata.MetaFiles{Version: d.Version, Length: int64(len(d.Bytes)), Hashes: metadata.Hashes{"sha256": sum}}
	}
	return out
}

func hexBytes(d finding.Digest) (metadata.HexBytes, error) {
	var h metadata.HexBytes
	err := h.UnmarshalJSON([]byte(`"` + d.Hex() + `"`))
	return h, err
}

// leads reports whether the newest timestamp, alone of its version, leads to what
// the change is about, and neither it nor its snapshot is due. A refresh wants it
// to lead to all that there is; other writers see to their own, so that a crowd
// comes to rest.
func (a *Assembly) leads(ch Change, meta map[string]*metadata.MetaFiles, untouched bool) bool {
	if !untouched || len(a.times) != 1 || a.stale(Timestamp, a.times[0].body.Expires, ch.Renew) {
		return false
	}
	named := a.times[0].body.Meta[Snapshot+".json"]
	i := slices.IndexFunc(a.snapshots, func(s found[metadata.SnapshotType]) bool {
		return named != nil && named.Version == s.body.Version && matches(Snapshot, named, s.bytes) == nil
	})
	if i < 0 || a.stale(Snapshot, a.snapshots[i].body.Expires, ch.Renew) {
		return false
	}
	has := a.snapshots[i].body.Meta
	if ch.Renew {
		return maps.EqualFunc(meta, has, same)
	}
	for _, r := range a.roles {
		want, asked := ch.Claims[r.signer]
		named := has[r.role+".json"]
		if !asked {
			continue
		}
		if !slices.ContainsFunc(r.valid, func(d claimed) bool {
			return named != nil && named.Version == d.body.Version && matches(r.role, named, d.bytes) == nil && d.claims.Covers(want)
		}) {
			return false
		}
	}
	return has[Targets+".json"] != nil
}

// backlog counts the documents of the change's roles that none covers, and the
// roles whose newest document the newest snapshot does not name.
func (a *Assembly) backlog(ch Change, meta map[string]*metadata.MetaFiles) int {
	n := 0
	for _, r := range a.roles {
		if _, asked := ch.Claims[r.signer]; asked {
			n += max(0, len(r.valid)-1)
		}
	}
	for name, m := range meta {
		if !slices.ContainsFunc(a.snapshots, func(s found[metadata.SnapshotType]) bool {
			had := s.body.Meta[name]
			return had != nil && same(m, had)
		}) {
			n++
		}
	}
	return n
}

func same(x, y *metadata.MetaFiles) bool {
	return x.Version == y.Version && x.Length == y.Length && string(x.Hashes["sha256"]) == string(y.Hashes["sha256"])
}

// online is a key that may sign the snapshot and the timestamp before and after
// the change; failing that, one that may after it. waiting: none is here.
func (a *Assembly) online(next *metadata.RootType, ring Keyring) (by Signer, waiting bool, err error) {
	after := next.Roles[Snapshot].KeyIDs
	best := ""
	for _, id := range after {
		if !ring.Has(id) || !slices.Contains(next.Roles[Timestamp].KeyIDs, id) {
			continue
		}
		both := a.root == nil || slices.Contains(a.root.body.Roles[Timestamp].KeyIDs, id) && slices.Contains(a.root.body.Roles[Snapshot].KeyIDs, id)
		if both {
			best = id
			break
		}
		if best == "" {
			best = id
		}
	}
	if best == "" {
		return nil, true, nil
	}
	by, err = ring.Signer(best)
	return by, false, err
}

// planOnline is a snapshot and a timestamp above all that there are.
func (a *Assembly) planOnline(meta map[string]*metadata.MetaFiles, by Signer, skip int64) ([]Step, error) {
	var steps []Step
	add := func(d Doc, err error) error {
		steps = append(steps, Step{d, by.Key().ID()})
		return err
	}
	sv, tv := int64(1), int64(1)
	for _, s := range a.snapshots {
		sv = max(sv, s.body.Version+1)
	}
	for _, t := range a.times {
		tv = max(tv, t.body.Version+1)
		if m := t.body.Meta[Snapshot+".json"]; m != nil {
			sv = max(sv, m.Version+1)
		}
	}
	sv, tv = sv+skip, tv+skip
	if sv > maxVersion || tv > maxVersion {
		return nil, finding.WithHint(errTopVersion, "somebody set it there on purpose: revoke the signer whose online key it was, or drydock trust rotate online")
	}
	x := extra{Repository: a.Repository, Signed: stamp(a.now)}
	s := metadata.Snapshot(a.now.Add(days(a.rootExtra, Snapshot)).UTC().Truncate(time.Second)).Signed
	s.Version, s.Meta = sv, meta
	if err := put(&s.UnrecognizedFields, x); err != nil {
		return nil, err
	}
	if err := add(seal(Snapshot, sv, s, by)); err != nil {
		return nil, err
	}
	snapshot := steps[0].Doc
	sum, err := hexBytes(snapshot.Digest())
	if err != nil {
		return nil, err
	}
	t := metadata.Timestamp(a.now.Add(days(a.rootExtra, Timestamp)).UTC().Truncate(time.Second)).Signed
	t.Version = tv
	t.Meta = map[string]*metadata.MetaFiles{
		Snapshot + ".json": {Version: sv, Length: int64(len(snapshot.Bytes)), Hashes: metadata.Hashes{"sha256": sum}},
	}
	if err := put(&t.UnrecognizedFields, x); err != nil {
		return nil, err
	}
	return steps, add(seal(Timestamp, tv, t, by))
}

var errTopVersion = errors.New("the version of the snapshot or timestamp is as high as it can be")

// seal signs a new document.
func seal[T metadata.Roles](role string, version int64, body T, by ...Signer) (Doc, error) {
	m, err := compose(body)
	if err != nil {
		return Doc{}, err
	}
	if err := m.sign(by...); err != nil {
		return Doc{}, err
	}
	return m.encode(role, version)
}
