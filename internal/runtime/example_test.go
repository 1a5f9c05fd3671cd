package runtime_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/ledger"
	"github.com/drydock-dev/drydock/internal/runtime"
)

// What is made needs a Docker Engine.
func Example() {
	ctx := context.Background()
	l := ledger.Open("data", disk.Caller(os.Getenv), func(what string) { fmt.Println(what) })

	e, err := runtime.Dial(ctx, runtime.Options{Ledger: l}) // DOCKER_HOST or the current context
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = e.Clear(ctx) }() // whatever was made through e
	b, err := e.Build(ctx, runtime.Build{Context: ".", Dockerfile: "Dockerfile"})
	if err != nil {
		log.Fatal(err)
	}
	cached, all := b.Cached() // of the steps that the builder could keep
	fmt.Println(cached, all)
	network, err := e.Network(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	c, err := e.Start(ctx, runtime.Run{Image: b.ID, Network: network, Publish: []uint16{8080}})
	if err != nil {
		log.Fatal(err)
	}
	code, out, err := c.Exec(ctx, []string{"/bin/sh", "-c", "nginx -t"})
	fmt.Println(code, out, err)
}
