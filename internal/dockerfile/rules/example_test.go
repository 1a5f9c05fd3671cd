package rules_test

import (
	"context"
	"fmt"
	"log"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules"
)

func Example() {
	b := []byte("FROM alpine:3.20\nMAINTAINER me@example.com\nUSER 1000\nENTRYPOINT [\"/bin/true\"]\n")
	f, err := dockerfile.Parse("Dockerfile", b)
	if err != nil {
		log.Fatal(err)
	}
	in := inspect.New(f, inspect.Options{}) // Base and Context, where they are known
	found, unknown := rules.Run(context.Background(), in, rules.Checks())
	for _, f := range found {
		fmt.Println(f.Line(), f.Rule, f.Aliases)
	}
	fmt.Println(len(unknown), "unknown")
	// Output:
	// 1 dockerfile/healthcheck-missing [DL3057 DS026 CIS-4.6 CIS-DI-0006]
	// 1 dockerfile/unpinned-base []
	// 2 dockerfile/maintainer-deprecated [MaintainerDeprecated DL4000 DS022]
	// 0 unknown
}
