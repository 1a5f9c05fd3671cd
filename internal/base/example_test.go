package base_test

import (
	"fmt"
	"log"
	"time"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/image"
)

func Example() {
	now := time.Date(2024, 6, 1, 0, 0, 0, 0, time.UTC)
	const ref = "node:21.6-alpine3.18"
	if b, ok := base.Identify(&image.Image{}, []string{ref}); ok {
		fmt.Println(b.Ref)
	}
	if o, ok := base.Find(ref); ok { // what the image holds, as facts
		fmt.Println(o.Distro.ID, len(base.Aged(o.Inventory(), now)) > 0)
	}
	for _, f := range base.CheckRef(ref, now) { // as a Dockerfile names it
		fmt.Println(f.Rule)
	}
	if facts := base.FactsOf(ref); facts != nil { // user, CMD, accounts; nil: not known
		fmt.Println(facts.Cmd)
	}
	to, why, ok := base.Slimmest("jre 17", now) // what to run a build's result on
	fmt.Println(to, why != "", ok)
	// Output:
	// node:21.6-alpine3.18
	// alpine true
	// base/unsupported-tag
	// [node]
	// eclipse-temurin:17-jre true true
}

func ExampleAdvise() {
	now := time.Date(2024, 6, 1, 0, 0, 0, 0, time.UTC)
	a, err := base.Advise(base.Question{Ref: "nginx:1.20", Now: now})
	if err != nil {
		log.Fatal(err)
	}
	// What the base holds, and each of the options, where it is known.
	a.Seen = &base.Seen{Size: 142 << 20, Compressed: 56 << 20, Packages: 143, From: "the example"}
	for i := range a.Options {
		a.Options[i].Seen = &base.Seen{Size: 40 << 20, Compressed: 16 << 20, Packages: 60, From: "the example"}
	}
	a.Judge() // which of them are recommended, and why not the others
	if best := a.Best(base.Slim); best != nil {
		fmt.Println(best.Ref, best.Recommended)
	}
	// Output:
}
