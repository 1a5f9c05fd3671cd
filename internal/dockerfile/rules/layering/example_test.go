package layering_test

import (
	"fmt"
	"slices"

	"github.com/drydock-dev/drydock/internal/dockerfile/rules/layering"
)

func Example() {
	for _, c := range layering.Checks() {
		if slices.Contains(c.Aliases, "DL3059") {
			fmt.Println(c.ID, c.Aliases)
		}
	}
	// Output: dockerfile/consecutive-run [DL3059]
}
