package instruction_test

import (
	"fmt"
	"slices"

	"github.com/drydock-dev/drydock/internal/dockerfile/rules/instruction"
)

func Example() {
	for _, c := range instruction.Checks(nil) {
		if slices.Contains(c.Aliases, "DL3020") {
			fmt.Println(c.ID, c.Aliases)
		}
	}
	// Output: dockerfile/add-instead-of-copy [DL3020 DS005 CIS-4.9]
}
