package notary

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/trust"
)

// Writer changes a repository on a Notary v1 server.
type Writer struct {
	*Client
	Web    *Web
	Keys   Keys   // with which it signs
	Folder Folder // where new keys are kept
}

const publishTries = 5

// Change puts a change through. Where somebody else publishes meanwhile, it is made
// again on what they published. A repository that is new is begun, if allowed.
func (w *Writer) Change(ctx context.Context, begin bool, change func(*Draft) error) (*Repository, error) {
	for try := 1; ; try++ {
		d, err := w.open(ctx, begin)
		if err != nil {
			return nil, err
		}
		d.after = int64(try-1) * 16
		if change != nil {
			if err := change(d); err != nil {
				return nil, err
			}
		}
		docs, err := d.docs()
		if err != nil {
			return nil, err
		}
		err = w.Web.publish(ctx, docs)
		var refused *RefusedError
		if errors.As(err, &refused) && refused.Conflict() && try < publishTries {
			continue
		}
		if err != nil {
			return nil, err
		}
		return w.Update(ctx)
	}
}

func (w *Writer) open(ctx context.Context, mayBegin bool) (*Draft, error) {
	r, err := w.Update(ctx)
	var unsigned *UnsignedError
	switch {
	case err == nil && r.Away:
		return nil, errors.New("the Notary server is not reached")
	case err == nil:
		return draft(r, w.Keys, w.Now), nil
	case !errors.As(err, &unsigned) || unsigned.Seen || !mayBegin:
		return nil, err
	}
	p, _, err := w.Folder.Root()
	if err != nil {
		return nil, err
	}
	root, err := rootKey(p, w.GUN, w.Now)
	if err != nil {
		return nil, err
	}
	var server [2]wireKey
	for i, role := range []string{trust.Snapshot, trust.Timestamp} {
		if server[i], err = w.Web.key(ctx, role, false); err != nil {
			return nil, err
		}
	}
	t, err := w.Folder.fresh(trust.Targets, w.GUN)
	if err != nil {
		return nil, err
	}
	targets, err := newWireKey(t.Key().Public())
	return begin(w.GUN, w.Keys, w.Now, root, targets, server[0], server[1]), err
}

// Rotate replaces the key of a role: of root and targets by a new one that is kept
// here, of snapshot and timestamp by a new one of the server's.
func (w *Writer) Rotate(ctx context.Context, role string) (*Repository, trust.Key, error) {
	var k wireKey
	var err error
	switch role {
	case trust.Root:
		var p trust.Private
		if p, err = w.Folder.fresh(trust.Root, ""); err == nil {
			k, err = rootKey(p, w.GUN, w.Now)
		}
	case trust.Targets:
		var p trust.Private
		if p, err = w.Folder.fresh(trust.Targets, w.GUN); err == nil {
			k, err = newWireKey(p.Key().Public())
		}
	case trust.Snapshot, trust.Timestamp:
		k, err = w.Web.key(ctx, role, true)
	default:
		err = fmt.Errorf("%q is no role whose keys are rotated", role)
	}
	if err != nil {
		return nil, trust.Key{}, err
	}
	r, err := w.Change(ctx, false, func(d *Draft) error {
		d.rotate(role, k)
		return nil
	})
	return r, k.key(k.id()), err
}

// docs signs what was changed.
func (d *Draft) docs() ([]Doc, error) {
	out := map[string][]byte{}
	if d.old != nil {
		out[trust.Root] = d.old.root.bytes
		for role, doc := range d.old.roles {
			out[role] = doc.bytes
		}
	}
	roles := slices.SortedFunc(maps.Keys(d.roles), depth)
	var docs []Doc
	put := func(role string, b []byte) {
		out[role] = b
		docs = append(docs, Doc{role, b})
	}
	if d.dirty[trust.Root] {
		b, err := d.signRoot()
		if err != nil {
			return nil, err
		}
		put(trust.Root, b)
	}
	for _, role := range roles {
		if !d.dirty[role] {
			continue
		}
		q, err := d.quorum(role)
		if err != nil {
			return nil, err
		}
		t := d.roles[role]
		t.Version, t.Expires = t.Version+1, d.now.UTC().Add(targetsHold)
		by, err := d.enough(q)
		if err != nil {
			return nil, err
		}
		doc, err := compose(role, *t, by)
		if err != nil {
			return nil, err
		}
		put(role, doc.bytes)
	}
	snapshot, err := d.signSnapshot(roles, out)
	if snapshot != nil {
		put(trust.Snapshot, snapshot)
	}
	return docs, err
}

// enough are the keys of a role that are here, if they are enough.
func (d *Draft) enough(q quorum) ([]signer, error) {
	by, err := d.signers(q)
	if err == nil && len(by) < max(q.threshold, 1) {
		err = finding.WithHint(fmt.Errorf("the %s metadata of %s needs %s, and %d is here", q.role, d.GUN, finding.Count(max(q.threshold, 1), "key"), len(by)),
			"docker trust key load FILE, or drydock trust key load FILE, takes a key in")
	}
	return by, err
}

// signRoot signs root with its own keys, and with those of the root before.
func (d *Draft) signRoot() ([]byte, error) {
	q, err := quorumOf(&d.root, trust.Root)
	if err != nil {
		return nil, err
	}
	by, err := d.enough(q)
	if err != nil {
		return nil, err
	}
	d.root.Version, d.root.Expires = d.root.Version+1, d.now.UTC().Add(rootHolds)
	if d.old != nil {
		before, err := quorumOf(&d.old.root.body, trust.Root)
		if err != nil {
			return nil, err
		}
		old, err := d.enough(before)
		if err != nil {
			return nil, err
		}
		for _, s := range old {
			if !slices.ContainsFunc(by, func(o signer) bool { return o.id == s.id }) {
				by = append(by, s)
			}
		}
	}
	doc, err := compose(trust.Root, d.root, by)
	if err != nil {
		return nil, err
	}
	return doc.bytes, nil
}

// signSnapshot signs a snapshot where its key is here; nil: the server does.
func (d *Draft) signSnapshot(roles []string, docs map[string][]byte) ([]byte, error) {
	q, err := quorumOf(&d.root, trust.Snapshot)
	if err != nil {
		return nil, err
	}
	by, err := d.signers(q)
	if err != nil || len(by) < max(q.threshold, 1) {
		return nil, err
	}
	s := metaBody{common: common{Type: typeOf(trust.Snapshot), Version: 1, Expires: d.now.UTC().Add(targetsHold)}, Meta: map[string]fileMeta{}}
	if d.old != nil {
		s.Version = d.old.snapshot.body.Version + 1
	}
	for _, role := range append([]string{trust.Root}, roles...) {
		s.Meta[role] = metaOf(docs[role])
	}
	doc, err := compose(trust.Snapshot, s, by)
	if err != nil {
		return nil, err
	}
	return doc.bytes, nil
}
