package privilege_test

import (
	"fmt"
	"slices"

	"github.com/drydock-dev/drydock/internal/dockerfile/rules/privilege"
)

func Example() {
	for _, c := range privilege.Checks() {
		if slices.Contains(c.Aliases, "DL3002") {
			fmt.Println(c.ID, c.Aliases)
		}
	}
	// Output: dockerfile/root-user [DL3002 DS002 CIS-4.1 MissingUser CIS-DI-0001]
}
