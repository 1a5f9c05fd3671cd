package rules

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestZZShow(t *testing.T) {
	want := os.Getenv("SHOW")
	if want == "" {
		t.Skip("SHOW")
	}
	files := corpus(t)
	n := 0
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f := files[name]
		in := New(f, Options{})
		found, _ := Run(context.Background(), in, privilegeChecks())
		for _, x := range found {
			if !strings.HasSuffix(string(x.Rule), "/"+want) {
				continue
			}
			n++
			sp := x.At[0].Source
			src := string(f.Bytes[sp.Start:sp.End])
			if len(src) > 160 {
				src = src[:160] + "…"
			}
			fmt.Printf("%s:%d [%s] %s\n      | %s\n", name, sp.Line, x.Severity, x.Message, strings.ReplaceAll(src, "\n", "\n      | "))
			for _, y := range x.Fixes {
				fmt.Printf("      fix %s %s: %d edits", y.Safety, y.Title, len(y.Edits))
				for _, e := range y.Edits {
					fmt.Printf(" %q->%q", string(f.Bytes[e.Start:min(e.End, e.Start+60)]), e.New)
				}
				fmt.Println()
			}
		}
	}
	fmt.Println(n, "findings")
}
