package trust

import (
	"slices"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
)

// Admins are the ids of the keys of the top-level targets role.
func (a *Assembly) Admins() []string {
	if a.root == nil {
		return nil
	}
	return slices.Clone(a.root.body.Roles[Targets].KeyIDs)
}

// OnlineOf are the ids of a signer's online keys; "*": of all.
func (a *Assembly) OnlineOf(signer string) []string {
	var out []string
	if a.root == nil {
		return nil
	}
	for _, id := range a.root.body.Roles[Timestamp].KeyIDs {
		if signer == "*" || owns(a.rootExtra.Online[id], signer) {
			out = append(out, id)
		}
	}
	return out
}

// CanSign reports whether the keys that a ring has are enough for a signer's
// threshold, alone or with those that signed a proposal of the same.
func (a *Assembly) CanSign(name string, ring Keyring, tag string, d finding.Digest) bool {
	s := a.Signers()[name]
	n := 0
	for _, k := range s.Keys {
		if ring.Has(k.ID()) {
			n++
		}
	}
	_, proposed := a.Proposed(name, tag, d)
	return n > 0 && (n >= s.Threshold || proposed)
}

// OnlineHere are the ids of the online keys that a ring has.
func (a *Assembly) OnlineHere(ring Keyring) []string {
	return slices.DeleteFunc(a.OnlineOf("*"), func(id string) bool { return !ring.Has(id) })
}

// Revocation is what takes a tag or a digest back in a signer's name; in the
// administrator's, it takes it back for all. False: there is nothing to take back.
func (a *Assembly) Revocation(name, tag string, d finding.Digest, at time.Time, reason string) (Claims, bool) {
	own := a.Merged(name)
	all := own
	if name == "" {
		for _, r := range a.roles {
			all = all.Merge(r.merged)
		}
	}
	if tag != "" {
		c, ok := all.Images[tag]
		if !ok || c.Revoked {
			return Claims{}, false
		}
		return all.RevokeTag(tag, at, reason), true
	}
	signed := false
	for _, c := range all.Images {
		signed = signed || !c.Revoked && (c.Digest == d || slices.ContainsFunc(c.Manifests, func(m Manifest) bool { return m.Digest == d }))
	}
	if !signed {
		return Claims{}, false
	}
	return all.RevokeDigest(d, at, reason), true
}

// TopKeys are the ids of the keys of a role of the top level; of snapshot and
// timestamp those that are no signer's.
func (a *Assembly) TopKeys(role string) []string {
	if a.root == nil || a.root.body.Roles[role] == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(a.root.body.Roles[role].KeyIDs), func(id string) bool {
		return role != Root && role != Targets && a.rootExtra.Online[id] != ""
	})
}

// RootDue reports whether root was signed before a time, so that one who renews it
// knows when that is done.
func (a *Assembly) RootDue(now time.Time) bool {
	return a.root != nil && a.root.body.Expires.Before(now.Add(days(a.rootExtra, Root)).Add(-time.Hour))
}
