package repair

import (
	"context"
	"fmt"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix"
	"github.com/drydock-dev/drydock/internal/runtime"
)

// prover proves a file in the surroundings of the pipeline.
func (f *fixer) prover(name string) *fix.Prover {
	note := f.opt.Note
	if note != nil && f.several {
		note = func(what string) { f.opt.Note(name + ": " + what) }
	}
	return &fix.Prover{
		Dial: func(ctx context.Context) (*runtime.Engine, error) {
			return runtime.Dial(ctx, runtime.Options{Docker: f.opt.Docker, Getenv: f.Getenv, Ledger: f.Ledger})
		},
		Measure: f.measure, Ledger: f.Ledger, Environ: f.opt.Environ,
		Context: f.opt.Context, Target: f.opt.Stage, Args: f.opt.Args, Platform: f.Platform, Offline: f.Offline,
		Work: f.opt.Work, Timeout: f.opt.Timeout, Now: f.Now, Note: note,
	}
}

// measure looks into an image that a proof built. What the user excepts counts
// neither before nor after; what he filters out counts all the same.
func (f *fixer) measure(ctx context.Context, id string) (*fix.Measured, error) {
	p := &check.Pipeline{Surroundings: f.Surroundings, Policy: f.Exceptions()}
	p.Platform = ""
	res, err := p.Run(ctx, "local://"+id, check.Ask{Vulnerabilities: true, Layers: true, Aside: true})
	if err != nil {
		return nil, fmt.Errorf("look into the image that was built: %w", err)
	}
	s := res.Side()
	m := &fix.Measured{Size: s.Size, Layers: s.Layers, Packages: len(s.Inventory.Packages), Unknown: res.Unknown}
	m.Vulnerabilities, m.Found = map[finding.Severity]int{}, map[string]bool{}
	for _, x := range res.Findings {
		if x.Vuln != nil && x.Suppressed == nil {
			m.Vulnerabilities[x.Severity]++
			m.Found[vulnIdentity(x)] = true
		}
	}
	for _, t := range res.Targets {
		if t.Scan != nil {
			m.Scan = t.Scan
		}
	}
	return m, nil
}
