// Package store keeps the metadata of package trust as OCI artifacts in the
// registry that has the images: no server stands beside it.
//
// A registry has no compare-and-swap, so nothing is ever replaced: each document
// has a tag of its own, tuf-ROLE.VERSION.KEY.DIGEST, and a manifest of its own,
// for a deletion by digest takes every tag of a manifest with it. [Repository.Commit]
// puts a change through until the newest timestamp, alone of its version, leads
// to it twice in a row.
//
//	r, err := store.Open(ctx, "127.0.0.1:5000/me/app", true, opt)
//	defer r.Close()
//	_, err = r.Commit(ctx, state, ring, func(a *trust.Assembly) (trust.Change, error) { … })
//	view, err := r.View(ctx, state)
package store
