package packages_test

import (
	"fmt"
	"slices"

	"github.com/drydock-dev/drydock/internal/dockerfile/rules/packages"
)

func Example() {
	for _, c := range packages.Checks() {
		if slices.Contains(c.Aliases, "DL3008") {
			fmt.Println(c.ID, c.Aliases)
		}
	}
	// Output: dockerfile/apt-pinned [DL3008]
}
