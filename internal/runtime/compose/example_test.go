package compose_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/drydock-dev/drydock/internal/ledger"
	"github.com/drydock-dev/drydock/internal/runtime"
	"github.com/drydock-dev/drydock/internal/runtime/compose"
)

// What is brought up needs a Docker Engine.
func Example() {
	ctx := context.Background()
	var l *ledger.Ledger
	engine, err := runtime.Dial(ctx, runtime.Options{Ledger: l})
	if err != nil {
		log.Fatal(err)
	}
	p, err := compose.Load(ctx, compose.Options{Files: []string{"compose.yaml"}, Environ: os.Environ()})
	if err != nil {
		log.Fatal(err)
	}
	up, err := p.Plan(ctx, engine, l, nil, compose.Hooks{})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = up.Remove() }() // its folders; what is in the Engine goes with Clear
	defer func() { _ = engine.Clear(ctx) }()
	if err := up.Start(ctx); err != nil {
		log.Fatal(err)
	}
	for _, s := range up.Services {
		fmt.Println(s.Name, s.Container.ID)
	}
}
