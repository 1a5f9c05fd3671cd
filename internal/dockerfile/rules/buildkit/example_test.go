package buildkit_test

import (
	"fmt"
	"slices"

	"github.com/drydock-dev/drydock/internal/dockerfile/rules/buildkit"
)

func Example() {
	for _, c := range buildkit.Checks() {
		if slices.Contains(c.Aliases, "MaintainerDeprecated") {
			fmt.Println(c.ID, c.Aliases)
		}
	}
	// Output: dockerfile/maintainer-deprecated [MaintainerDeprecated DL4000 DS022]
}
