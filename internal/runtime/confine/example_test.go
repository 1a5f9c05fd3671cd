package confine_test

import (
	"context"
	"log"
	"os"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/runtime/confine"
	"github.com/drydock-dev/drydock/internal/runtime/exercise"
	"github.com/drydock-dev/drydock/internal/runtime/observe"
)

// A proof needs a Docker Engine: [confine.Proving.Engine].
func Example() {
	b, err := os.ReadFile("observation.json")
	if err != nil {
		log.Fatal(err)
	}
	o, err := observe.Read(b)
	if err != nil {
		log.Fatal(err)
	}
	draft, err := confine.Draft(o, confine.Options{}) // what was seen, and nothing more
	if err != nil {
		log.Fatal(err)
	}
	// Run again under it, smaller and smaller.
	p, proof, err := confine.Prove(context.Background(), draft, confine.Proving{
		Exercise: exercise.Exercise{Probes: []string{"http://localhost/"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	const dir = "profile"
	docs, err := p.Documents(dir, proof, o.Files) // for Docker, compose, Kubernetes, systemd …
	if err != nil {
		log.Fatal(err)
	}
	if err := confine.Write(dir, docs, disk.Options{}); err != nil {
		log.Fatal(err)
	}
}
