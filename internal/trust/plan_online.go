package trust

import (
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/drydock-dev/drydock/internal/finding"
)

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
		if !asked && r.signer != "" {
			continue
		}
		if !slices.ContainsFunc(r.valid, func(d claimed) bool {
			return named != nil && named.Version == d.body.Version && matches(r.role, named, d.bytes) == nil && d.claims.Covers(want)
		}) {
			return false
		}
	}
	return true
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
