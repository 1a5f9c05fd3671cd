package sorting

import (
	"cmp"
	"reflect"
	"slices"
)

// By sorts a slice in place. Elements that compare as equal stay in the order they had. The function answers as that
// of [slices.SortFunc] does: below zero where a comes before b.
func By[T any](s []T, compare func(a, b T) int) {
	sort(len(s), func(i, j int) int { return compare(s[i], s[j]) }, reflect.Swapper(s))
}

// sort sorts n elements, of which it knows the positions alone.
func sort(n int, compare func(i, j int) int, swap func(i, j int)) {
	from := make([]int, n) // where the element of each position comes from
	for i := range from {
		from[i] = i
	}
	slices.SortFunc(from, func(i, j int) int { return cmp.Or(compare(i, j), cmp.Compare(i, j)) })
	for i := range from { // each round of positions that hand their elements on to one another
		at := i
		for from[at] != i {
			next := from[at]
			swap(at, next)
			from[at], at = at, next
		}
		from[at] = at
	}
}
