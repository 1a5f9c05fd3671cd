package sorting_test

import (
	"cmp"
	"fmt"

	"github.com/drydock-dev/drydock/internal/sorting"
)

func Example() {
	type Port struct {
		Number   int
		Protocol string
	}
	ports := []Port{{443, "tcp"}, {53, "udp"}, {443, "udp"}, {53, "tcp"}}
	sorting.By(ports, func(a, b Port) int { return cmp.Compare(a.Number, b.Number) })
	fmt.Println(ports) // what is equal stays in its order
	// Output: [{53 udp} {53 tcp} {443 tcp} {443 udp}]
}
