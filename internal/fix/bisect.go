package fix

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// maxProofs limits the proofs of one file, where its fixes fail together. Each proof is a build or
// two.
const maxProofs = 40

// Prove takes what was gathered as far as was asked, by builds of dockerfile
// (empty: none builds it). If all of it together fails, those that fail are
// found by halves, the safe ones kept first: each is left with its own failure,
// and what passes together comes back with its verdict. Where ctx ends before
// all is known, what has passed comes back with the error.
func (g *Rounds) Prove(ctx context.Context, p *Prover, got *Gathered, dockerfile string) (*Gathered, *Verdict, error) {
	own := *p
	own.once, own.builds = &projectOnce{}, &builds{}
	b := &bisecting{rounds: g, builds: own.builds}
	if p.Note != nil {
		own.Note = func(what string) { p.Note(b.progress() + what) }
	}
	b.prove = func(ctx context.Context, got *Gathered) (*Verdict, error) {
		return own.Prove(ctx, g.candidate(got, dockerfile), g.Want)
	}
	return b.run(ctx, got)
}

// bisecting looks for the fixes that fail among many.
type bisecting struct {
	rounds *Rounds
	builds *builds // of all proofs; nil: nothing counts them
	prove  func(context.Context, *Gathered) (*Verdict, error)
	first  *Failure // of all together
	good   []Item   // that pass together
	kept   *Gathered
	passed *Verdict // of kept
	left   []Item
	proofs int
	most   int // proofs that may be needed, as far as is known
	fixes  int // in the proof that is under way
	all    int // fixes
}

// progress says which proof is under way.
func (b *bisecting) progress() string {
	switch {
	case b.proofs < 2:
		return ""
	case b.rounds.Project != "":
		return fmt.Sprintf("proof %d of at most %d, %d of %s: ", b.proofs, b.most, b.fixes, finding.Count(b.all, "fix"))
	}
	return fmt.Sprintf("%d of %s: ", b.fixes, finding.Count(b.all, "fix"))
}

func (b *bisecting) run(ctx context.Context, got *Gathered) (*Gathered, *Verdict, error) {
	items := distinct(got.Applied)
	b.all = len(items)
	v, err := b.proof(ctx, got, len(items))
	if err != nil {
		return nil, nil, err
	}
	if v.Failed == nil {
		return reached(got, v), v, nil
	}
	if len(items) == 1 {
		return refuse(got, got.Left, v), v, nil
	}
	b.first, b.left = v.Failed, got.Left
	b.most = 1 + min(maxProofs-1, 2*len(items)) // the halves of n fixes are a tree of 2n-1
	if b.builds != nil {
		b.builds.proofs = b.most
	}
	sorting.By(items, func(a, b Item) int { return cmp.Compare(b.Fix.Safety, a.Fix.Safety) })
	risky := slices.IndexFunc(items, func(it Item) bool { return it.Fix.Safety < finding.Safe })
	if risky > 0 {
		if err = b.add(ctx, items[:risky]); err == nil {
			err = b.add(ctx, items[risky:])
		}
	} else {
		err = b.halves(ctx, items) // that all of them fail is known
	}
	if b.kept == nil {
		if err != nil {
			return nil, nil, err
		}
		return &Gathered{Left: b.left}, v, nil
	}
	has := func(it Item) func(Item) bool { return func(x Item) bool { return x.id() == it.id() } }
	for _, it := range items {
		if !slices.ContainsFunc(b.kept.Applied, has(it)) && !slices.ContainsFunc(b.left, has(it)) {
			b.leave([]Item{it}, "it does not do without a fix that fails its proof", b.first)
		}
	}
	b.kept.Left = b.left
	return reached(b.kept, b.passed), b.passed, err
}

// proof proves what was gathered.
func (b *bisecting) proof(ctx context.Context, got *Gathered, fixes int) (*Verdict, error) {
	b.proofs, b.fixes = b.proofs+1, fixes
	v, err := b.prove(ctx, got)
	if err == nil {
		err = ctx.Err() // a build that was stopped has not failed
	}
	return v, err
}

// add takes fixes to those that pass, as many of them as pass with those.
func (b *bisecting) add(ctx context.Context, items []Item) error {
	if len(items) == 0 {
		return nil
	}
	if err := ctx.Err(); err != nil {
		b.leave(items, "the run was stopped before it was tried", nil)
		return err
	}
	if b.proofs >= maxProofs {
		b.leave(items, fmt.Sprintf("all together fail (%s), and %d proofs are as many as are made", b.first.Step, maxProofs), nil)
		return nil
	}
	want := map[string]bool{}
	for _, it := range slices.Concat(b.good, items) {
		want[it.id()] = true
	}
	got, err := b.rounds.Gather(ctx, func(x Item) bool { return want[x.id()] })
	if err != nil {
		b.leave(items, "the run was stopped before it was tried", nil)
		return err
	}
	if len(items) == 1 && !slices.ContainsFunc(got.Applied, func(x Item) bool { return x.id() == items[0].id() }) {
		b.leave(items, "it needs another fix that fails its proof", b.first)
		return nil
	}
	v, err := b.proof(ctx, got, len(want))
	switch {
	case err != nil:
		b.leave(items, "the run was stopped before it was tried", nil)
		return err
	case v.Failed == nil:
		b.good, b.kept, b.passed = append(b.good, items...), got, v
		return nil
	case len(items) == 1:
		b.leave(items, v.Failed.Why, v.Failed)
		return nil
	}
	return b.halves(ctx, items)
}

// halves takes what passes of fixes that fail together.
func (b *bisecting) halves(ctx context.Context, items []Item) error {
	if err := b.add(ctx, items[:len(items)/2]); err != nil {
		b.leave(items[len(items)/2:], "the run was stopped before it was tried", nil)
		return err
	}
	return b.add(ctx, items[len(items)/2:])
}

// leave does without fixes, with the reason.
func (b *bisecting) leave(items []Item, why string, failed *Failure) {
	for _, it := range items {
		it.Why, it.Failure = why, failed
		b.left = append(b.left, it)
	}
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
	c := Candidate{Dockerfile: dockerfile, Project: g.Project, Beside: g.Merged, Before: maps.Clone(got.before), After: maps.Clone(got.now), Identity: g.Identity}
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
