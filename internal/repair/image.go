package repair

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
)

// image fixes what an image brings, in the Dockerfile that made it. What is
// wrong is gone only when the image is built anew.
func (f *fixer) image(ctx context.Context, target string) error {
	p := &check.Pipeline{Surroundings: f.Surroundings, Policy: f.Exceptions()}
	res, err := p.Run(ctx, target, check.Ask{Vulnerabilities: true, Dockerfile: f.opt.Dockerfile})
	if err != nil {
		return err
	}
	if f.opt.Dockerfile == "" {
		return finding.WithHint(errors.New("an image is fixed in the Dockerfile that it is built from, and none is named"), "--dockerfile FILE")
	}
	name := f.opt.Dockerfile
	b, err := fix.ReadFile(name)
	if err != nil {
		return err
	}
	planner, done, err := f.planner()
	if err != nil {
		return err
	}
	defer func() { _ = done() }() // only read from
	s := f.subject(finding.KindImage, target)
	s.Dockerfile, s.builds, s.Files[name] = name, name, b
	s.Identity, s.Built = vulnIdentity, true
	if len(res.Subjects) > 0 {
		s.on = res.Subjects[0]
	}
	// A line that a layer is joined to is not what an upgrade edits: the planner
	// is to see the places in the image.
	places := make([][]finding.Location, len(res.Findings))
	for i := range res.Findings {
		x := &res.Findings[i]
		places[i], x.At = x.At, slices.Clone(x.At)
		for j := range x.At {
			if l := &x.At[j]; l.Path != "" || l.Layer != "" {
				l.Source = nil
			}
		}
	}
	dir := filepath.Dir(name)
	planner.plan(ctx, s, plan.Dir{FS: os.DirFS(dir), Name: filepath.ToSlash(dir), Dockerfile: filepath.Base(name), Stage: f.opt.Stage}, res.Findings, func(text string) string { return text })
	for i := range res.Findings {
		res.Findings[i].At = places[i]
	}
	s.Look = func(context.Context, map[string][]byte) ([]finding.Finding, []finding.Unknown, error) {
		return res.Findings, res.Unknown, nil
	}
	return f.finish(ctx, s)
}
