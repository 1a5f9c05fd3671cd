package store_test

import (
	"context"
	"fmt"
	"log"

	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/keyring"
	"github.com/drydock-dev/drydock/internal/trust/store"
)

func Example() {
	ctx := context.Background()
	ring := &keyring.Ring{Dir: "keys"}
	state, err := store.LoadState("trusted") // what was trusted so far
	if err != nil {
		log.Fatal(err)
	}
	r, err := store.Open(ctx, "127.0.0.1:5000/me/app", true, image.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	_, err = r.Commit(ctx, state, ring, func(*trust.Assembly) (trust.Change, error) {
		return trust.Change{}, nil // what is to be so, on what others have made of it meanwhile
	})
	if err != nil {
		log.Fatal(err)
	}
	view, err := r.View(ctx, state)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(view.Tags()))
}
