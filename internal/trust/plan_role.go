package trust

import (
	"cmp"
	"maps"
	"slices"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

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
// snapshot is to name. proposed: it needs signatures of others still.
func (a *Assembly) planRole(r *roleDocs, ch Change, ring Keyring) (step *Step, head Doc, proposed bool, err error) {
	want, mine := ch.Claims[r.signer], slices.ContainsFunc(r.ids, ring.Has)
	if ch.Cosign && mine && len(r.proposals) > 0 {
		want = want.Merge(r.proposals[0].claims)
	}
	kind := r.role
	if r.signer != "" {
		kind = "signers"
	}
	merged := r.merged.Merge(want)
	newest := r.head()
	switch {
	case newest != nil:
		head = newest.doc()
		rekeyed := r.check(newest.message, newest.sigs) != nil // the change gives the role other keys
		tidy := a.stale(kind, newest.body.Expires, ch.Renew) || !newest.claims.Covers(merged)
		if newest.claims.Covers(want) && !rekeyed && (!tidy || r.threshold != 1 || !mine) {
			return nil, head, false, nil
		}
	case len(want.Images) == 0 && r.signer != "": // who has signed nothing
		return nil, Doc{}, false, nil
	}
	by, err := r.signersIn(ring)
	if err != nil {
		return nil, Doc{}, false, err
	}
	if old := a.roles[r.role]; old != nil { // so that it holds before root has changed, and after
		if before, err := old.signersIn(ring); err == nil {
			by = append(by, before...)
		}
	}
	draft, version, err := a.draft(r, merged, kind)
	if err != nil {
		return nil, Doc{}, false, err
	}
	signed := len(draft.sigs)
	if err := draft.sign(by...); err != nil {
		return nil, Doc{}, false, err
	}
	out, err := draft.encode(r.role, version)
	if err != nil {
		return nil, Doc{}, false, err
	}
	step = &Step{out, by[0].Key().ID()}
	lack := r.check(draft.message, draft.sigs)
	switch {
	case lack == nil:
		return step, out, false, nil
	case !ch.Propose && !ch.Cosign:
		return nil, Doc{}, false, tooFew(cmp.Or(r.signer, r.role), lack)
	case signed == len(draft.sigs):
		step = nil // it was signed here before
	}
	return step, head, true, nil
}

// draft is the document that is to be signed: one that others propose, if it says
// just that, else a new one.
func (a *Assembly) draft(r *roleDocs, merged Claims, kind string) (*signed[metadata.TargetsType], int64, error) {
	for _, p := range r.proposals {
		if p.Version > r.newest() && p.claims.Covers(merged) && merged.Covers(p.claims) {
			d := *p.signed
			d.sigs = slices.Clone(d.sigs)
			return &d, p.Version, nil
		}
	}
	version := r.top() + 1
	x := extra{Repository: a.Repository, Merged: r.names()}
	d, err := claimsDoc(merged, version, a.now.Add(days(a.rootExtra, kind)), x)
	return d, version, err
}

// newest is the version of the newest document that counts.
func (r *roleDocs) newest() int64 {
	if h := r.head(); h != nil {
		return h.Version
	}
	return 0
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
