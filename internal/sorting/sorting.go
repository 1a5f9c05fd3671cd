package sorting

import "sort"

// By sorts a slice in place. Elements that compare as equal end up in any order. The function answers as that of
// [slices.SortFunc] does: below zero where a comes before b.
func By[T any](s []T, compare func(a, b T) int) {
	sort.Slice(s, func(i, j int) bool { return compare(s[i], s[j]) < 0 })
}

// Stable is By, and leaves elements that compare as equal in the order they had.
func Stable[T any](s []T, compare func(a, b T) int) {
	sort.SliceStable(s, func(i, j int) bool { return compare(s[i], s[j]) < 0 })
}
