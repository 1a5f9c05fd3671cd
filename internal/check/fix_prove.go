package check

import (
	"context"
	"fmt"
	"maps"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix"
	"github.com/drydock-dev/drydock/internal/policy"
	"github.com/drydock-dev/drydock/internal/runtime"
)

// maxProofsAlone is how many fixes are proved one by one, where together they
// fail: each is two builds.
const maxProofsAlone = 12

// prove takes what was gathered as far as was asked. If all of it together
// fails, each fix is proved alone, and those that pass once more together.
func (f *fixer) prove(ctx context.Context, g *gathering, got *gathered, out *Fixed, dockerfile string) (*gathered, error) {
	p := f.prover(g)
	v, err := p.Prove(ctx, g.candidate(got, dockerfile), f.opt.Prove)
	if err != nil {
		return nil, err
	}
	out.Verdict = v
	if v.Failed == nil {
		return reached(got, v), nil
	}
	ids := distinct(got.applied)
	if len(ids) == 1 {
		return f.refuse(got, out, v.Failed), nil
	}
	good := map[string]bool{}
	for i, it := range ids {
		if i == maxProofsAlone {
			it.Why = fmt.Sprintf("all together fail, and only %d are proved alone", maxProofsAlone)
			it.Failure = v.Failed
			out.Left = append(out.Left, it)
			continue
		}
		single, err := g.gather(ctx, func(x FixItem) bool { return x.id() == it.id() })
		if err != nil {
			return nil, err
		}
		if len(single.applied) == 0 {
			it.Why = "it needs another fix that fails its proof"
			it.Failure = v.Failed
			out.Left = append(out.Left, it)
			continue
		}
		w, err := p.Prove(ctx, g.candidate(single, dockerfile), f.opt.Prove)
		if err != nil {
			return nil, err
		}
		if w.Failed != nil {
			it.Why, it.Failure = w.Failed.Why, w.Failed
			out.Left = append(out.Left, it)
			continue
		}
		good[it.id()] = true
	}
	if len(good) == 0 {
		return &gathered{}, nil
	}
	rest, err := g.gather(ctx, func(x FixItem) bool { return good[x.id()] })
	if err != nil {
		return nil, err
	}
	if v, err = p.Prove(ctx, g.candidate(rest, dockerfile), f.opt.Prove); err != nil {
		return nil, err
	}
	out.Verdict = v
	if v.Failed != nil {
		return f.refuse(rest, out, v.Failed), nil
	}
	return reached(rest, v), nil
}

// refuse leaves everything that failed.
func (f *fixer) refuse(got *gathered, out *Fixed, why *fix.Failure) *gathered {
	for _, it := range got.applied {
		it.Why, it.Failure, it.Fix.Proof = why.Why, why, out.Verdict.Reached
		out.Left = append(out.Left, it)
	}
	return &gathered{}
}

// reached gives every fix the level that all together have reached.
func reached(got *gathered, v *fix.Verdict) *gathered {
	for i := range got.applied {
		got.applied[i].Fix.Proof = v.Reached
	}
	return got
}

// distinct is one item for each fix: the same one at several places is one.
func distinct(items []FixItem) []FixItem {
	var out []FixItem
	seen := map[string]bool{}
	for _, it := range items {
		if !seen[it.id()] {
			seen[it.id()] = true
			out = append(out, it)
		}
	}
	return out
}

func (g *gathering) candidate(got *gathered, dockerfile string) fix.Candidate {
	c := fix.Candidate{Dockerfile: dockerfile, Before: maps.Clone(got.before), After: maps.Clone(got.now)}
	c.Lesser = lesser(got.applied)
	for _, it := range got.applied {
		c.Fixes = append(c.Fixes, it.Fix)
		if g.built {
			c.GoneBuilt = append(c.GoneBuilt, g.ids(it)...)
		} else {
			c.Gone = append(c.Gone, g.ids(it)...)
		}
		c.CacheOrder = c.CacheOrder || cacheOrderRule(it.Finding.Rule)
	}
	return c
}

// cacheOrderRule says whether a rule is about steps that run anew too often.
func cacheOrderRule(id finding.RuleID) bool { return id == "dockerfile/cache-order" }

// prover proves in the surroundings of the pipeline.
func (f *fixer) prover(g *gathering) *fix.Prover {
	p := &fix.Prover{
		Identity: g.identity,
		Dial: func(ctx context.Context) (*runtime.Engine, error) {
			return runtime.Dial(ctx, runtime.Options{Docker: f.opt.Docker, Getenv: f.Getenv, Ledger: f.Ledger})
		},
		Measure: f.measure, Ledger: f.Ledger,
		Context: f.opt.Context, Target: f.opt.Stage, Args: f.opt.Args, Platform: f.Platform,
		Work: f.opt.Work, Timeout: f.opt.Timeout, Now: f.Now, Note: f.opt.Note,
	}
	if !g.built {
		p.Recheck = func(ctx context.Context, files map[string][]byte) ([]finding.Finding, error) {
			found, _, err := g.look(ctx, files, g.name)
			return found, err
		}
	}
	return p
}

// measure looks into an image that a proof built. Nothing of the user's own is
// applied: what he excepts counts before and after alike.
func (f *fixer) measure(ctx context.Context, id string) (*fix.Measured, error) {
	q := *f.Pipeline
	q.Filter, q.Baseline, q.Dockerfile, q.Platform = policy.Filter{}, "", "", ""
	r := &run{Pipeline: &q, ask: Ask{Vulnerabilities: true, Layers: true}, res: &Result{}}
	err := r.image(ctx, "local://"+id)
	if err == nil {
		err = r.match(ctx)
	}
	if ferr := r.finish(); err == nil {
		err = ferr
	}
	if err == nil {
		err = r.suppress()
	}
	if err != nil {
		return nil, fmt.Errorf("look into the image that was built: %w", err)
	}
	s := side(r.res)
	m := &fix.Measured{Size: s.Size, Layers: s.Layers, Packages: len(s.Inventory.Packages), Unknown: r.res.Unknown}
	m.Vulnerabilities, m.Found = map[finding.Severity]int{}, map[string]bool{}
	for _, x := range r.res.Findings {
		if x.Vuln != nil && x.Suppressed == nil {
			m.Vulnerabilities[x.Severity]++
			m.Found[vulnIdentity(x)] = true
		}
	}
	for _, t := range r.res.Targets {
		if t.Scan != nil {
			m.Scan = t.Scan
		}
	}
	return m, nil
}
