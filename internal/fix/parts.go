package fix

import (
	"context"
	"maps"
	"slices"
)

// Part is one fix more on the way to all that was gathered: more than one where the
// first does nothing without the next.
type Part struct {
	Items []Item
	Files []File // that change, from the step before
}

// Parts takes what was gathered apart, fix by fix in the order of the file. The last
// one ends where all of them together do.
func (g *Rounds) Parts(ctx context.Context, got *Gathered) ([]Part, error) {
	var out []Part
	want := map[string]bool{}
	at := got.before
	var waiting []Item
	items := distinct(got.Applied)
	for i, it := range items {
		want[it.id()] = true
		waiting = append(waiting, it)
		now := got.now
		if i < len(items)-1 {
			part, err := g.Gather(ctx, func(x Item) bool { return want[x.id()] })
			if err != nil {
				return nil, err
			}
			now = part.now
		}
		step := &Gathered{before: at, now: now}
		files := step.Files(g.Secrets())
		if len(files) == 0 {
			continue
		}
		out = append(out, Part{Items: waiting, Files: files})
		at, waiting = maps.Clone(now), nil
	}
	if len(waiting) > 0 && len(out) > 0 {
		last := &out[len(out)-1]
		last.Items = slices.Concat(last.Items, waiting)
	}
	return out, nil
}
