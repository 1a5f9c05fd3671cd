package base

import "github.com/drydock-dev/drydock/internal/sorting"

// Assessed reports whether it is known which vulnerabilities an option has. One of
// which nobody knows is a place to look, and no recommendation.
func (o *Option) Assessed() bool { return o.Seen.counted() }

// assessedFirst puts, within each group, what is not assessed behind what is.
func (a *Advice) assessedFirst() {
	for _, g := range Groups() {
		var at []int
		var all []Option
		for i, o := range a.Options {
			if o.Group == g && !o.Other {
				at, all = append(at, i), append(all, o)
			}
		}
		sorting.By(all, func(x, y Option) int { return compareBools(y.Assessed(), x.Assessed()) })
		for i, n := range at {
			a.Options[n] = all[i]
		}
	}
}
