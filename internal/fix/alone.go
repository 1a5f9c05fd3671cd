package fix

import (
	"context"
	"fmt"
	"maps"
)

// maxProofsAlone is how many fixes are proved one by one, where together they
// fail: each is two builds.
const maxProofsAlone = 12

// Prove takes what was gathered as far as was asked, by builds of dockerfile
// (empty: none builds it). If all of it together fails, each fix is proved alone,
// and those that pass once more together. What is left of it, with what failed,
// comes back with the verdict of the last proof of all together.
func (g *Rounds) Prove(ctx context.Context, p *Prover, got *Gathered, dockerfile string) (*Gathered, *Verdict, error) {
	v, err := p.Prove(ctx, g.candidate(got, dockerfile), g.Want)
	if err != nil {
		return nil, nil, err
	}
	if v.Failed == nil {
		return reached(got, v), v, nil
	}
	ids := distinct(got.Applied)
	if len(ids) == 1 {
		return refuse(got, got.Left, v), v, nil
	}
	good, left := map[string]bool{}, got.Left
	for i, it := range ids {
		if i >= maxProofsAlone {
			it.Why = fmt.Sprintf("all together fail, and only %d are proved alone", maxProofsAlone)
			it.Failure = v.Failed
			left = append(left, it)
			continue
		}
		single, err := g.Gather(ctx, func(x Item) bool { return x.id() == it.id() })
		if err != nil {
			return nil, nil, err
		}
		if len(single.Applied) == 0 {
			it.Why = "it needs another fix that fails its proof"
			it.Failure = v.Failed
			left = append(left, it)
			continue
		}
		w, err := p.Prove(ctx, g.candidate(single, dockerfile), g.Want)
		if err != nil {
			return nil, nil, err
		}
		if w.Failed != nil {
			it.Why, it.Failure = w.Failed.Why, w.Failed
			left = append(left, it)
			continue
		}
		good[it.id()] = true
	}
	if len(good) == 0 {
		return &Gathered{Left: left}, v, nil
	}
	rest, err := g.Gather(ctx, func(x Item) bool { return good[x.id()] })
	if err != nil {
		return nil, nil, err
	}
	if v, err = p.Prove(ctx, g.candidate(rest, dockerfile), g.Want); err != nil {
		return nil, nil, err
	}
	if v.Failed != nil {
		return refuse(rest, left, v), v, nil
	}
	rest.Left = left
	return reached(rest, v), v, nil
}

// refuse leaves everything that failed.
func refuse(got *Gathered, left []Item, v *Verdict) *Gathered {
	for _, it := range got.Applied {
		it.Why, it.Failure, it.Fix.Proof = v.Failed.Why, v.Failed, v.Reached
		left = append(left, it)
	}
	return &Gathered{Left: left}
}

// reached gives every fix the level that all together have reached.
func reached(got *Gathered, v *Verdict) *Gathered {
	for i := range got.Applied {
		got.Applied[i].Fix.Proof = v.Reached
	}
	return got
}

// distinct is one item for each fix: the same one at several places is one.
func distinct(items []Item) []Item {
	var out []Item
	seen := map[string]bool{}
	for _, it := range items {
		if !seen[it.id()] {
			seen[it.id()] = true
			out = append(out, it)
		}
	}
	return out
}

func (g *Rounds) candidate(got *Gathered, dockerfile string) Candidate {
	c := Candidate{Dockerfile: dockerfile, Before: maps.Clone(got.before), After: maps.Clone(got.now), Identity: g.Identity}
	if !g.Built {
		c.Looked = &Looked{Before: got.first, After: got.last}
	}
	c.Lesser = lesser(got.Applied)
	for _, it := range got.Applied {
		c.Fixes = append(c.Fixes, it.Fix)
		if g.Built {
			c.GoneBuilt = append(c.GoneBuilt, g.ids(it)...)
		} else {
			c.Gone = append(c.Gone, g.ids(it)...)
		}
		c.CacheOrder = c.CacheOrder || it.Finding.CacheOrder
	}
	return c
}
