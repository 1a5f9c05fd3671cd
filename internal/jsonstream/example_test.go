package jsonstream_test

import (
	"fmt"
	"os"
	"slices"

	"github.com/drydock-dev/drydock/internal/jsonstream"
)

func Example() {
	type Finding struct {
		Line int `json:"line"`
	}
	type Report struct {
		Tool     string    `json:"tool"`
		Findings []Finding `json:"findings"`
	}
	lines := []int{3, 7}
	docOf := func(line int) Finding { return Finding{Line: line} }

	doc := Report{Tool: "drydock"} // its field Findings is empty
	err := jsonstream.WriteCompact(os.Stdout, jsonstream.Value{V: doc, Lists: jsonstream.Lists{
		"findings": jsonstream.Map(slices.Values(lines), docOf),
	}})
	if err != nil {
		fmt.Println(err)
	}
	_ = jsonstream.Write // the same, indented
	// Output: {"tool":"drydock","findings":[{"line":3},{"line":7}]}
}
