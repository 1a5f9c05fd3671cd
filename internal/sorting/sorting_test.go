package sorting

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

type row struct {
	key, at int
	_       [10]string // as much as rows have
}

func rows(n int) []row {
	r := rand.New(rand.NewPCG(1, 2))
	out := make([]row, n)
	for i := range out {
		out[i] = row{key: r.IntN(n/4 + 1), at: i}
	}
	return out
}

func byKey(a, b row) int { return cmp.Compare(a.key, b.key) }

func TestBy(t *testing.T) {
	for n := range 200 {
		got, want := rows(n), rows(n)
		slices.SortStableFunc(want, byKey)
		if By(got, byKey); !slices.Equal(got, want) {
			t.Fatalf("%d rows: %v, want %v", n, got, want)
		}
	}
}

func BenchmarkBy(b *testing.B) {
	for _, n := range []int{10, 1000, 100000} {
		for name, sort := range map[string]func([]row, func(a, b row) int){
			"sorting": By[row], "slices": slices.SortFunc[[]row], "stable": slices.SortStableFunc[[]row],
		} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				in := rows(n)
				s := make([]row, n)
				for b.Loop() {
					copy(s, in)
					sort(s, byKey)
				}
			})
		}
	}
}
