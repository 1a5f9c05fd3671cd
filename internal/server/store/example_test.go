package store_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/server/store"
)

func Example() {
	dir, err := os.MkdirTemp("", "store")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ctx := context.Background()
	in := store.NewImage{Ref: "acme/web:1.4", Inventory: &sbom.Inventory{}}

	s, err := store.Open(ctx, store.Options{Dir: dir, Now: time.Now}) // or Options{URL: "postgres://…"}
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	err = s.Change(ctx, func(tx *store.Tx) error { // state and event: one transaction
		img, fresh, err := tx.PutImage(ctx, in)
		if err != nil || !fresh {
			return err
		}
		_, err = tx.Emit(ctx, store.Event{Kind: store.ImageAdded, Subject: img.ID}, store.Prompt)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	events, err := s.Events(ctx, 0, 100) // what happened since
	if err != nil {
		log.Fatal(err)
	}
	task, err := s.Claim(ctx, "worker", time.Minute) // what somebody has to do about it
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(events[0].Kind, task.Kind)
	// Output: image.added image.added
}
