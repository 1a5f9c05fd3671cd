// Package sorting sorts slices of structs where a program's size counts for more than a sort's speed.
//
// The compiler makes the whole of [slices.SortFunc], ten functions and some 15 kB, again for every struct that is
// sorted by it. Here only positions are sorted, whose code is there once, and the elements are put in their places
// afterwards. A long slice takes up to twice as long as with slices.SortFunc, and less than with
// slices.SortStableFunc. The packages in whose time sorts show (layer, sbom, vuln/db) stay with package slices, and so
// do strings, numbers and pointers, which share their code there.
//
//	sorting.By(ports, func(a, b Port) int { return cmp.Compare(a.Number, b.Number) })
package sorting
