package trust

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/drydock-dev/drydock/internal/finding"
)

// RoleStatus is one role as it stands, with what it waits for.
type RoleStatus struct {
	RoleView
	Here      []string   // ids of its keys that are here
	Named     bool       // the newest snapshot names its newest document; of root and timestamp always
	Apart     int        // documents whose writers were killed: the key's holder's next one covers them
	Due       bool       // it is to be signed anew: less than a third of its time is left
	Proposals []Proposal // signed by too few
}

// Proposal is a document that needs signatures still.
type Proposal struct {
	Version int64
	Signed  []string // ids of the keys that signed
	Lacks   int      // signatures
	Changes []string // what it would change
}

// Status is how a repository stands, for those who keep it.
func (a *Assembly) Status(ring Keyring) ([]RoleStatus, error) {
	var out []RoleStatus
	for _, role := range []string{Root, Targets, Snapshot, Timestamp} {
		keys, err := keysOf(&a.root.body, role)
		if err != nil {
			return nil, &FormatError{Root, err}
		}
		s := RoleStatus{RoleView: RoleView{Role: role, Keys: keys, Threshold: a.root.body.Roles[role].Threshold, Owners: a.rootExtra.Online}, Named: true}
		switch role {
		case Root:
			s.Version, s.Expires, s.Proposals = a.root.body.Version, a.root.body.Expires, a.rootProposals()
		case Snapshot:
			if i := a.current(); i >= 0 {
				s.Version, s.Expires = a.snapshots[i].body.Version, a.snapshots[i].body.Expires
			}
		case Timestamp:
			if len(a.times) > 0 {
				s.Version, s.Expires = a.times[0].body.Version, a.times[0].body.Expires
			}
		default:
			a.describe(&s, a.roles[role])
		}
		out = append(out, s)
	}
	signers := a.Signers()
	for _, name := range slices.Sorted(maps.Keys(signers)) {
		d := signers[name]
		s := RoleStatus{RoleView: RoleView{Role: d.role(name), Signer: name, Keys: d.Keys, Threshold: d.Threshold}}
		a.describe(&s, a.roles[s.Role])
		out = append(out, s)
	}
	for i := range out {
		s := &out[i]
		kind := s.Role
		if s.Signer != "" {
			kind = "signers"
		}
		s.Due = !s.Expires.IsZero() && a.stale(kind, s.Expires, false)
		for _, k := range s.Keys {
			if ring.Has(k.ID()) {
				s.Here = append(s.Here, k.ID())
			}
		}
	}
	return out, nil
}

// current is the snapshot that the newest timestamp leads to; negative: none.
func (a *Assembly) current() int {
	if len(a.times) == 0 {
		return -1
	}
	named := a.times[0].body.Meta[Snapshot+".json"]
	return slices.IndexFunc(a.snapshots, func(s found[metadata.SnapshotType]) bool {
		return named != nil && named.Version == s.body.Version && matches(Snapshot, named, s.bytes) == nil
	})
}

func (a *Assembly) describe(s *RoleStatus, r *roleDocs) {
	if r == nil {
		return
	}
	if h := r.head(); h != nil {
		s.Version, s.Expires = h.body.Version, h.body.Expires
		s.Apart = 0
		for _, d := range r.valid {
			if !h.claims.Covers(d.claims) {
				s.Apart++
			}
		}
		if i := a.current(); i >= 0 {
			named := a.snapshots[i].body.Meta[s.Role+".json"]
			s.Named = named != nil && matches(s.Role, named, h.bytes) == nil
		}
	}
	for _, p := range r.proposals {
		signed := r.signers(p.message, p.sigs)
		s.Proposals = append(s.Proposals, Proposal{p.body.Version, signed, max(0, r.threshold-len(signed)), r.merged.Changes(p.claims)})
	}
}

func (a *Assembly) rootProposals() []Proposal {
	var out []Proposal
	for _, n := range a.next {
		p := Proposal{Version: n.body.Version, Changes: rootChanges(&a.root.body, &n.body)}
		for _, r := range []*metadata.RootType{&a.root.body, &n.body} {
			if q, err := quorumOf(r, Root); err == nil {
				signed := q.signers(n.message, n.sigs)
				p.Lacks = max(p.Lacks, q.threshold-len(signed))
				for _, id := range signed {
					if !slices.Contains(p.Signed, id) {
						p.Signed = append(p.Signed, id)
					}
				}
			}
		}
		out = append(out, p)
	}
	return out
}

// Changes says what putting d to c would change, a line each.
func (c Claims) Changes(d Claims) []string {
	var out []string
	for _, path := range slices.Sorted(maps.Keys(d.Images)) {
		v := d.Images[path]
		old, had := c.Images[path]
		if had && !v.over(old) {
			continue
		}
		of, isDigest := digestOfPath(path)
		switch {
		case v.Revoked && isDigest:
			out = append(out, fmt.Sprintf("revoke %s", of))
		case v.Revoked:
			out = append(out, fmt.Sprintf("revoke %s", path))
		case !isDigest:
			out = append(out, fmt.Sprintf("sign %s as %s", path, v.Digest))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.Signers)) {
		s := d.Signers[name]
		if old, had := c.Signers[name]; had && !s.over(old) {
			continue
		}
		if s.Revoked {
			out = append(out, "remove signer "+name)
			continue
		}
		line := fmt.Sprintf("signer %s: %d of %s", name, s.Threshold, finding.Count(len(s.Keys), "key"))
		for _, k := range s.Keys {
			line += " " + short(k.ID())
		}
		out = append(out, line)
	}
	return out
}

func rootChanges(old, next *metadata.RootType) []string {
	var out []string
	for _, role := range []string{Root, Targets, Snapshot, Timestamp} {
		a, b := old.Roles[role], next.Roles[role]
		if a == nil || b == nil {
			continue
		}
		for _, id := range b.KeyIDs {
			if !slices.Contains(a.KeyIDs, id) {
				out = append(out, fmt.Sprintf("%s: add key %s", role, short(id)))
			}
		}
		for _, id := range a.KeyIDs {
			if !slices.Contains(b.KeyIDs, id) {
				out = append(out, fmt.Sprintf("%s: remove key %s", role, short(id)))
			}
		}
		if a.Threshold != b.Threshold {
			out = append(out, fmt.Sprintf("%s: %d signatures instead of %d", role, b.Threshold, a.Threshold))
		}
	}
	if len(out) == 0 {
		out = append(out, "renew root until "+next.Expires.Format(time.DateOnly))
	}
	return out
}

// Superseded are the documents that nobody needs any more: what newer ones cover,
// what the last two timestamps do not lead to, and what no key of its role signed.
// Roots stay, for whoever pinned an old one follows them.
func (a *Assembly) Superseded() []Listed {
	keep := map[finding.Digest]bool{}
	for _, r := range a.roles {
		for _, d := range append(slices.Clone(r.valid), r.proposals...) {
			keep[d.Digest] = true
		}
		if h := r.head(); h != nil {
			for _, d := range r.valid[1:] {
				keep[d.Digest] = !h.claims.Covers(d.claims)
			}
		}
	}
	for _, s := range a.snapshots {
		keep[s.Digest] = true
		for _, m := range s.body.Meta {
			keep[finding.Digest("sha256:"+m.Hashes["sha256"].String())] = true
		}
	}
	for _, t := range a.times {
		keep[t.Digest] = true
	}
	var out []Listed
	for _, l := range a.list {
		if l.Role != Root && !keep[l.Digest] {
			out = append(out, l)
		}
	}
	return out
}

// Proposed is what others propose to sign in a signer's name for a tag.
func (a *Assembly) Proposed(name, tag string, d finding.Digest) (Claims, bool) {
	for _, r := range a.roles {
		if r.signer != name {
			continue
		}
		for _, p := range r.proposals {
			if c := p.claims.Images[tag]; tag != "" && !c.Revoked && c.Digest == d && c.over(r.merged.Images[tag]) {
				return Claims{Images: map[string]Claim{tag: c, DigestPath(d): p.claims.Images[DigestPath(d)]}}, true
			}
		}
	}
	return Claims{}, false
}
