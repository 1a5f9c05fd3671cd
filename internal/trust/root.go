package trust

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/drydock-dev/drydock/internal/finding"
)

// planRoot is root as it stands after the change, and the document for it, if it
// needs one.
func (a *Assembly) planRoot(ch Change, ring Keyring) (*metadata.RootType, *Step, error) {
	if a.root == nil {
		next := metadata.Root(a.now).Signed
		x := extra{Repository: a.Repository, Days: DefaultDays()}
		return a.sealRoot(&next, x, nil, ch, ring)
	}
	next, err := clone(a.root.body)
	if err != nil {
		return nil, nil, err
	}
	x := a.rootExtra
	x.Online = maps.Clone(x.Online)
	if !edited(&next, &x, ch.Root) {
		return &a.root.body, nil, nil
	}
	next.Version++
	return a.sealRoot(&next, x, &a.root.body, ch, ring)
}

func clone(r metadata.RootType) (out metadata.RootType, err error) {
	b, err := json.Marshal(r)
	if err != nil {
		return out, err
	}
	return out, json.Unmarshal(b, &out)
}

// edited makes root what the edits say, and reports whether it was not that yet.
func edited(r *metadata.RootType, x *extra, edits []RootEdit) bool {
	changed := false
	for _, e := range edits {
		role := r.Roles[e.Role]
		if role == nil {
			continue
		}
		changed = changed || e.Renew
		for _, k := range e.Add {
			if !slices.Contains(role.KeyIDs, k.ID()) {
				tuf := k.tuf
				r.Keys[k.ID()] = &tuf
				role.KeyIDs = append(role.KeyIDs, k.ID())
				changed = true
			}
			if e.Owner != "" && x.Online[k.ID()] != e.Owner {
				if x.Online == nil {
					x.Online = map[string]string{}
				}
				x.Online[k.ID()] = e.Owner
				changed = true
			}
		}
		for _, id := range e.Remove {
			if i := slices.Index(role.KeyIDs, id); i >= 0 {
				role.KeyIDs = slices.Delete(role.KeyIDs, i, i+1)
				changed = true
			}
		}
		if e.Threshold > 0 && role.Threshold != e.Threshold {
			role.Threshold = e.Threshold
			changed = true
		}
		slices.Sort(role.KeyIDs)
	}
	for id := range r.Keys {
		used := false
		for _, role := range r.Roles {
			used = used || slices.Contains(role.KeyIDs, id)
		}
		if !used {
			delete(r.Keys, id)
			delete(x.Online, id)
		}
	}
	return changed
}

// sealRoot signs root with the keys that it names, and with those that the one
// before it names.
func (a *Assembly) sealRoot(next *metadata.RootType, x extra, before *metadata.RootType, ch Change, ring Keyring) (*metadata.RootType, *Step, error) {
	if before == nil {
		edited(next, &x, ch.Root)
	}
	for name, role := range next.Roles {
		if role.Threshold < 1 || len(role.KeyIDs) < role.Threshold {
			return nil, nil, fmt.Errorf("root would have a threshold of %d for %s, and %s", role.Threshold, name, finding.Count(len(role.KeyIDs), "key"))
		}
	}
	next.Expires = a.now.Add(days(x, Root)).UTC().Truncate(time.Second)
	if err := put(&next.UnrecognizedFields, x); err != nil {
		return nil, nil, err
	}
	var by []Signer
	for _, r := range []*metadata.RootType{before, next} {
		if r == nil {
			continue
		}
		q, err := quorumOf(r, Root)
		if err != nil {
			return nil, nil, err
		}
		have, err := q.signersIn(ring)
		if err != nil {
			return nil, nil, err
		}
		for _, s := range have {
			if !slices.ContainsFunc(by, func(b Signer) bool { return b.Key().ID() == s.Key().ID() }) {
				by = append(by, s)
			}
		}
	}
	doc, err := seal(Root, next.Version, *next, by...)
	if err != nil {
		return nil, nil, err
	}
	return next, &Step{doc, by[0].Key().ID()}, nil
}
