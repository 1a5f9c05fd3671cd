package trust

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/drydock-dev/drydock/internal/finding"
)

// planRoot is root as it stands after the change, and the document for it, if it
// needs one. proposed: it needs signatures of others, and root stands as it did.
func (a *Assembly) planRoot(ch Change, ring Keyring) (root *metadata.RootType, step *Step, proposed bool, err error) {
	if a.root == nil && ch.First != nil {
		root, step, err := a.planFirst(ch.First)
		return root, step, false, err
	}
	x := extra{Repository: a.Repository, Days: DefaultDays()}
	next := metadata.Root(a.now).Signed
	var now *metadata.RootType
	if a.root != nil {
		x, now = a.rootExtra, &a.root.body
		x.Online = maps.Clone(x.Online)
		if next, err = clone(a.root.body); err != nil {
			return nil, nil, false, err
		}
	} else {
		maps.Copy(x.Days, ch.Days)
		a.rootExtra = x
	}
	draft, err := a.draftRoot(&next, &x, ch)
	if err != nil || draft == nil {
		return now, nil, false, err
	}
	signed := len(draft.sigs)
	by, lack, err := signRoot(draft, now, ring)
	if err != nil {
		return nil, nil, false, err
	}
	doc, err := draft.encode(Root, draft.body.Version)
	if err != nil {
		return nil, nil, false, err
	}
	step = &Step{doc, by}
	switch {
	case lack == nil:
		return &draft.body, step, false, nil
	case !ch.Propose && !ch.Cosign:
		return nil, nil, false, tooFew(Root, lack)
	case signed == len(draft.sigs):
		step = nil // it was signed here before
	}
	return now, step, true, nil
}

// draftRoot is the next root to be signed: what others propose, if it is just that,
// else a new one. nil: root is as it is to be.
func (a *Assembly) draftRoot(next *metadata.RootType, x *extra, ch Change) (*signed[metadata.RootType], error) {
	changed := edited(next, x, ch.Root)
	if a.root != nil && !changed && (!ch.Cosign || len(a.next) == 0) {
		return nil, nil
	}
	for _, p := range a.next {
		if !changed || bytes.Equal(encoded([]any{p.body.Keys, p.body.Roles}), encoded([]any{next.Keys, next.Roles})) {
			d := *p.signed
			d.sigs = slices.Clone(d.sigs)
			return &d, nil
		}
	}
	for name, role := range next.Roles {
		if role.Threshold < 1 || len(role.KeyIDs) < role.Threshold {
			return nil, fmt.Errorf("root would have a threshold of %d for %s, and %s", role.Threshold, name, finding.Count(len(role.KeyIDs), "key"))
		}
	}
	if a.root != nil {
		next.Version++
	}
	next.Expires = a.now.Add(days(*x, Root)).UTC().Truncate(time.Second)
	if err := put(&next.UnrecognizedFields, *x); err != nil {
		return nil, err
	}
	return compose(*next)
}

// signRoot signs a root with the keys here that it names and that the one before it
// names. by is one of them; lack is what it needs beside.
func signRoot(draft *signed[metadata.RootType], before *metadata.RootType, ring Keyring) (by string, lack, err error) {
	var none *ErrNoKey
	for _, r := range []*metadata.RootType{before, &draft.body} {
		if r == nil {
			continue
		}
		q, err := quorumOf(r, Root)
		if err != nil {
			return "", nil, err
		}
		have, err := q.signersIn(ring)
		if err != nil && !errors.As(err, &none) {
			return "", nil, err
		}
		if err == nil {
			by, err = have[0].Key().ID(), draft.sign(have...)
			if err != nil {
				return "", nil, err
			}
		}
		if short := q.check(draft.message, draft.sigs); short != nil {
			lack = short
		}
	}
	if by == "" {
		return "", nil, none
	}
	return by, lack, nil
}

func clone(r metadata.RootType) (out metadata.RootType, err error) {
	b, err := json.Marshal(r)
	if err != nil {
		return out, err
	}
	return out, json.Unmarshal(b, &out)
}

// owns reports whether a signer is among the owners of an online key.
func owns(owners, signer string) bool { return slices.Contains(strings.Fields(owners), signer) }

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
			if e.Owner != "" && !owns(x.Online[k.ID()], e.Owner) {
				if x.Online == nil {
					x.Online = map[string]string{}
				}
				x.Online[k.ID()] = strings.TrimPrefix(x.Online[k.ID()]+" "+e.Owner, " ")
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
