package explore_test

import (
	"context"
	"log"
	"os"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/explore"
)

// The streams are a terminal's.
func Example() {
	var target check.Target // of a scan with its layers
	if err := explore.Run(context.Background(), os.Stdin, os.Stdout, target); err != nil {
		log.Fatal(err)
	}
}
