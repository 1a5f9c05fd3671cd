package simulate_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"time"

	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/simulate"
	"github.com/drydock-dev/drydock/internal/server/store"
	"github.com/drydock-dev/drydock/internal/server/stream"
	"github.com/drydock-dev/drydock/internal/vuln/db"
)

func Example() {
	for img := range simulate.Fleet(3, 1) { // the same seed draws the same fleet
		fmt.Println(img.Ref)
	}
	// Output:
	// registry.example/team-0/app-0:1.0
	// registry.example/team-0/app-0:1.1
	// registry.example/team-0/app-0:1.2
}

func ExampleFill() {
	ctx := context.Background()
	st, err := store.Open(ctx, store.Options{Dir: "data", Now: time.Now})
	if err != nil {
		log.Fatal(err)
	}
	svc := &stream.Service{Store: st, Index: index.New(db.NewStack(), time.Now), Log: slog.Default()}
	last, err := simulate.Fill(ctx, svc, 10_000, 1)
	if err != nil {
		log.Fatal(err)
	}
	handler, change := http.NotFoundHandler(), func() error { return nil } // the service's, and something that changes
	pages, err := simulate.Pages(ctx, handler, simulate.Paths(svc.Index, last), 10, change)
	fmt.Println(pages, err)
}
