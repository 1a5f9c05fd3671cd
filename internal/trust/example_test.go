package trust_test

import (
	"context"
	"fmt"
	"iter"
	"log"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/trust"
)

// empty is a source that has nothing newer than what is trusted.
type empty struct{}

func (empty) Fetch(context.Context, trust.File) iter.Seq2[[]byte, error] {
	return func(func([]byte, error) bool) {}
}

func Example() {
	ctx, now := context.Background(), time.Now()
	state := trust.State{"root": []byte("{}")} // what was trusted so far: here no root at all
	v, err := trust.Open(ctx, state, empty{}, now)
	if kind, ok := trust.Refused(err); ok {
		fmt.Println("do not trust it:", kind)
		return
	}
	if err != nil {
		log.Fatal(err) // it could not be found out
	}
	verdict := v.Judge("v1.0", finding.DigestOf([]byte("the manifest")))
	fmt.Println(verdict.Text())
	// Output: do not trust it: malformed
}
