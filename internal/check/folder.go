package check

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/policy"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/sbom/catalog"
)

// folder looks at a folder of sources: its lock files, its Dockerfiles and its
// compose files. One with none of them is an [EmptyError]; for an inventory, so is one
// that was called a root file system and has no lock file.
func (r *run) folder(ctx context.Context, dir string, asRoot bool) error {
	s := finding.Subject{Kind: finding.KindFolder, Name: dir}
	inv, err := catalog.FromDir(ctx, dir, s)
	if err != nil {
		return err
	}
	if err := r.policy.addFrom(dir); err != nil {
		return err
	}
	exclude(inv, r.policy.Config)
	if title := FolderTitle(dir); title != "" {
		r.res.Titles = map[string]string{dir: title}
	}
	build, err := buildFilesOf(dir, r.policy.Config.Excludes)
	if err != nil && !r.ask.Inventory {
		return err
	}
	for _, f := range build.composes {
		r.givenBy(f)
	}
	r.builtWith(inv, dir, build)
	inv.MarkBase(false)
	none := len(inv.Packages) == 0 && len(inv.Unknown) == 0
	if r.ask.Inventory {
		if none && (asRoot || err == nil && build.none()) {
			return &EmptyError{dir}
		}
		systemUnread(inv, dir)
		r.add(Target{Subject: s, Inventory: inv}, Found{})
		return nil
	}
	if none && build.none() {
		return &EmptyError{dir}
	}
	systemUnread(inv, dir)
	r.add(Target{Subject: s, Inventory: inv}, Found{Unknown: build.unread})
	for _, f := range build.dockerfiles {
		if err := r.dockerfile(ctx, f); err != nil {
			r.take(s, Found{Unknown: []finding.Unknown{{What: f, Why: err.Error()}}})
		}
	}
	for _, f := range build.composes {
		if err := r.compose(ctx, f); err != nil {
			r.take(s, Found{Unknown: []finding.Unknown{{What: f, Why: err.Error()}}})
		}
	}
	return nil
}

// systemUnread says of the root of a system that it was read as sources are.
func systemUnread(inv *sbom.Inventory, dir string) {
	if catalog.HoldsSystem(dir) {
		inv.Unknown = append(inv.Unknown, finding.Unknown{
			Subject: inv.Subject, What: "packages of the system in " + dir,
			Why: "it was read as a folder of sources; a root file system is said as fs://" + dir,
		})
	}
}

// file looks at one file that is a package or lists some.
func (r *run) file(ctx context.Context, name string) error {
	s := finding.Subject{Kind: finding.KindFile, Name: name}
	inv, err := catalog.FromFile(ctx, name, s)
	if err != nil {
		return err
	}
	if len(inv.Packages)+len(inv.Unknown) == 0 && !catalog.Lists(name) {
		inv.Unknown = append(inv.Unknown, finding.Unknown{
			Subject: s, What: "packages of " + name, Why: "no package of a known kind was found in it",
		})
	}
	inv.MarkBase(false)
	r.add(Target{Subject: s, Inventory: inv}, Found{Findings: r.ask.aged(inv, r.Now())})
	return nil
}

// exclude leaves out what the configuration says is none of the project's:
// packages whose every place is excluded.
func exclude(inv *sbom.Inventory, cfg *policy.Config) {
	for i := range inv.Packages {
		p := &inv.Packages[i]
		p.Locations = slices.DeleteFunc(p.Locations, func(l sbom.Location) bool { return cfg.Excludes(l.Path) })
	}
	had := len(inv.Packages) + len(inv.Components)
	inv.Packages = slices.DeleteFunc(inv.Packages, func(p sbom.Package) bool { return len(p.Locations) == 0 })
	inv.Components = slices.DeleteFunc(inv.Components, func(c sbom.Component) bool { return cfg.Excludes(c.Path) })
	if had > len(inv.Packages)+len(inv.Components) {
		inv.Sort() // the graph is of what is left
	}
}

// EmptyError is a folder with nothing in it that can be looked at.
type EmptyError struct{ dir string }

func (e *EmptyError) Error() string {
	return fmt.Sprintf("%s: no lock file, Dockerfile or compose file found", e.dir)
}

// Hint says how a root file system is named.
func (e *EmptyError) Hint() string { return "a root file system is said as fs://" + e.dir }

// dockerfile looks at what a Dockerfile's final stage stands on.
func (r *run) dockerfile(ctx context.Context, name string) error {
	b, err := readLimited(name, dockerfile.MaxBytes)
	if err != nil {
		return err
	}
	s := finding.Subject{Kind: finding.KindDockerfile, Name: name}
	f, err := dockerfile.Parse(name, b)
	var stage *dockerfile.Stage
	filled := false
	if err == nil {
		var args map[string]string
		if args, filled = r.buildArgs(f); len(args) > 0 {
			f, err = dockerfile.ParseWith(name, b, args)
		}
	}
	if err == nil {
		stage, err = f.Target("")
	}
	switch {
	case err != nil && r.ask.Rules:
		r.lint(ctx, name, b, LintOptions{})
		return nil
	case err != nil:
		return err
	}
	if stage = f.Chain(stage)[0]; stage.Base == "" {
		r.unnamed(s, &stage.Span, stage.BaseRaw, "a build argument in it has no default")
	} else {
		of := base.Base{Ref: stage.Base, By: "dockerfile"}
		if filled && strings.Contains(stage.BaseRaw, "$") {
			of.By = "variable"
		}
		r.reference(ctx, s, of, &stage.Span)
	}
	if r.ask.Rules {
		r.linted(r.linter.look(ctx, name, b, LintOptions{knownBase: stage.Base}))
	}
	return nil
}

// reference takes in what is known of an image that a file names at span.
func (r *run) reference(ctx context.Context, s finding.Subject, of base.Base, span *finding.Span) {
	t := Target{Subject: s, From: span, Base: &of}
	if of.Ref == "scratch" {
		r.add(t, Found{})
		return
	}
	var found []finding.Finding
	if r.ask.Rules {
		found = base.CheckRef(of.Ref, r.Now())
	}
	var unknown []finding.Unknown
	if h := r.linter.bases.holds(ctx, of); h.inv != nil {
		t.Inventory, t.Source, t.AsOf = h.inventory(s), h.source, h.at
		t.Reconstructed, t.Attested = h.reconstructed, h.attested
		for _, f := range r.ask.aged(t.Inventory, r.Now()) {
			// The tag may have told it.
			if !slices.ContainsFunc(found, func(x finding.Finding) bool { return x.Rule == f.Rule && x.Key == f.Key }) {
				found = append(found, f)
			}
		}
	} else {
		unknown = append(unknown, finding.Unknown{What: "packages of " + of.Ref, Why: h.why})
	}
	for i := range found {
		found[i].At = append([]finding.Location{{Source: span}}, found[i].At...)
	}
	r.add(t, Found{Findings: found, Unknown: unknown})
}
