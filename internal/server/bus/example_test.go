package bus_test

import (
	"context"
	"log"
	"log/slog"

	"github.com/drydock-dev/drydock/internal/server/bus"
	"github.com/drydock-dev/drydock/internal/server/store"
)

// The stream needs a server of NATS.
func Example() {
	ctx := context.Background()
	st, err := store.Open(ctx, store.Options{URL: "postgres://db.example/drydock"})
	if err != nil {
		log.Fatal(err)
	}
	b, err := bus.Open(ctx, bus.Options{URL: "nats://nats.example", Store: st, Log: slog.Default()})
	if err != nil {
		log.Fatal(err)
	}
	// Run publishes what is committed, and makes a stream that was lost anew.
	go func() { _ = b.Run(ctx) }()
	given, err := b.Take(ctx) // the next tasks of this worker
	if err != nil {
		log.Fatal(err)
	}
	for i := range given {
		given[i].Done() // or Later
	}
}
