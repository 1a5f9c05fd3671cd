package minify_test

import (
	"context"
	"fmt"
	"log"

	"github.com/drydock-dev/drydock/internal/ledger"
	"github.com/drydock-dev/drydock/internal/minify"
	"github.com/drydock-dev/drydock/internal/runtime"
	"github.com/drydock-dev/drydock/internal/runtime/exercise"
)

// What is tried and proved runs in a Docker Engine.
func Example() {
	ctx := context.Background()
	var l *ledger.Ledger
	engine, err := runtime.Dial(ctx, runtime.Options{Ledger: l})
	if err != nil {
		log.Fatal(err)
	}
	other, err := runtime.Dial(ctx, runtime.Options{Ledger: l})
	if err != nil {
		log.Fatal(err)
	}
	x := exercise.Exercise{Probes: []string{"http://localhost/"}}
	res, err := minify.Run(ctx, minify.Options{
		Engine: engine, Images: other, Ledger: l, Image: "nginx:1.29", Exercise: x, Tag: "nginx:small",
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range res.Removed { // what is not there any more, of which package, how large, and why
		fmt.Println(f)
	}
	fmt.Println(res.Proof) // how far it was proved
}
