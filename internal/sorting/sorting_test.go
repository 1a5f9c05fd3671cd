package sorting

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

type row struct{ key, at int }

func TestSorting(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 200 {
		rows := make([]row, n)
		for i := range rows {
			rows[i] = row{r.IntN(n/4 + 1), i}
		}
		byKey := func(a, b row) int { return cmp.Compare(a.key, b.key) }
		want, stable, any := slices.Clone(rows), slices.Clone(rows), slices.Clone(rows)
		slices.SortStableFunc(want, byKey)
		if Stable(stable, byKey); !slices.Equal(stable, want) {
			t.Fatalf("%d rows: %v, want %v", n, stable, want)
		}
		if By(any, byKey); !slices.IsSortedFunc(any, byKey) {
			t.Fatalf("%d rows: %v is not sorted", n, any)
		}
		slices.SortFunc(any, func(a, b row) int { return cmp.Or(byKey(a, b), cmp.Compare(a.at, b.at)) })
		if !slices.Equal(any, want) {
			t.Fatalf("%d rows: %v, want the rows of %v", n, any, want)
		}
	}
}
