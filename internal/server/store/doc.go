// Package store keeps the state of the service in a database: SQLite in a folder,
// or PostgreSQL by address, with one schema. It is the truth; everything else is
// rebuilt from it.
//
//	s, err := store.Open(ctx, store.Options{Dir: dir})           // or Options{URL: "postgres://…"}
//	err = s.Change(ctx, func(tx *store.Tx) error {               // state and event: one transaction
//		img, fresh, err := tx.PutImage(ctx, in)
//		…
//		_, err = tx.Emit(ctx, store.Event{Kind: store.ImageAdded, Subject: img.ID}, store.Prompt)
//		return err
//	})
//	events, err := s.Events(ctx, after, 100)                     // what happened since
//	task, err := s.Claim(ctx, worker, lease)                     // what somebody has to do about it
//
// An inventory is stored as the parts that are matched by themselves
// ([vuln.Part]), each part once however many images have it and wherever they have
// it, and a finding once a part. Where packages lie is a [Content]: what one layer
// brought, stored once a layer. An event is a pointer and never a document. A task is done when it is
// taken off the list in the transaction that holds its effects, so that each
// effect comes once, whoever is killed when.
package store
