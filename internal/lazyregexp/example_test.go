package lazyregexp_test

import (
	"fmt"

	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

var tag = lazyregexp.New(`^[a-z]+$`)

func Example() {
	fmt.Println(tag.MatchString("latest"), tag.MatchString("Latest"))
	// Output: true false
}
