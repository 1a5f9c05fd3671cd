// Package sorting sorts slices of structs where a program's size counts for more than a sort's speed.
//
// The compiler makes the whole of [slices.SortFunc], ten functions and some 15 kB, again for every struct that is
// sorted by it. Here they are made once: a slice is sorted by positions, through package sort. That takes up to twice
// as long, so what sorts many elements on a hot path (layers, advisories, the rows of a fleet) stays with package
// slices, and so do strings, numbers and pointers, which share their code.
//
//	sorting.By(ports, func(a, b Port) int { return cmp.Compare(a.Number, b.Number) })
package sorting
