package observe_test

import (
	"context"
	"fmt"
	"log"

	"github.com/drydock-dev/drydock/internal/ledger"
	"github.com/drydock-dev/drydock/internal/runtime"
	"github.com/drydock-dev/drydock/internal/runtime/exercise"
	"github.com/drydock-dev/drydock/internal/runtime/observe"
)

// An observation needs a Docker Engine, and root or the user's consent.
func Example() {
	ctx := context.Background()
	var l *ledger.Ledger
	engine, err := runtime.Dial(ctx, runtime.Options{Ledger: l})
	if err != nil {
		log.Fatal(err)
	}
	o, err := observe.Run(ctx, observe.Options{
		Engine: engine, Ledger: l, Image: "nginx:1.29",
		Exercise: exercise.Exercise{Probes: []string{"http://localhost/"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(o.Status)
}
