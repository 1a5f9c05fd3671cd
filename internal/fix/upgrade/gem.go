package upgrade

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/npm"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
)

// gem plans for a Gemfile.lock. Lock and Gemfile agree after it, or nothing is
// edited: what cannot be is left with the command that does it.
func gem(ctx context.Context, p *plan.Planner, j plan.Job) {
	f, err := openGem(ctx, p, j.File)
	if err != nil {
		for _, w := range j.Wants {
			p.Cannot(w, err.Error()+"; "+gemByHand(w, nil))
		}
		return
	}
	var wants []plan.Want
	for _, w := range j.Wants {
		w.From, _, _ = strings.Cut(w.From, "-")
		w.To, _, _ = strings.Cut(w.To, "-")
		if len(f.places(w)) == 0 {
			p.Cannot(w, "the lock does not hold it")
			continue
		}
		wants = append(wants, w)
	}
	planFlat(p, f, wants, func(w plan.Want) string { return gemByHand(w, f) })
}

// gemfile plans for a Gemfile without a lock.
func gemfile(p *plan.Planner, j plan.Job) {
	f, err := p.Open(j.File)
	var declared []flatDecl
	if err == nil {
		for _, c := range gemCalls(string(f.B)) {
			declared = append(declared, c.decl(f))
		}
	}
	declaredOnly(p, j, gemKind{}, declared, err)
}

// decl is what a line of a Gemfile asks for.
func (c gemCall) decl(f *plan.File) flatDecl {
	d := flatDecl{name: c.name, spec: strings.Join(c.reqs, ", "), file: f, start: c.start, end: c.end, held: c.held}
	if d.spec == "" && d.held == "" {
		d.held = "in any version"
	}
	d.write = func(spec string) string {
		var parts []string
		for part := range strings.SplitSeq(spec, ",") {
			parts = append(parts, strings.TrimSpace(part))
		}
		return strings.Join(parts, c.quote+", "+c.quote)
	}
	return d
}

// gemByHand is what to do where no edit is made.
func gemByHand(w plan.Want, f *flat) string {
	run := "run: bundle update --conservative " + w.Name
	if f == nil {
		return run
	}
	for _, d := range f.declared {
		if d.name == w.Name && !f.kind.Admits(d.spec, w.To) {
			return "ask for " + w.To + " in " + d.file.Name + ", then " + run
		}
	}
	return run
}

// ruby is the language of gems.
func ruby() plan.Language {
	return plan.Language{Name: "Ruby", Image: "ruby", Admits: gemKind{}.Admits, Samples: slices.Concat(plan.Minors(1, 8, 9), plan.Minors(2, 0, 7), plan.Minors(3, 0, 5), plan.Minors(4, 0, 1))}
}

// openGem reads a lock and its Gemfile.
func openGem(ctx context.Context, p *plan.Planner, name string) (*flat, error) {
	lock, err := p.Open(name)
	if err != nil {
		return nil, err
	}
	l, err := readGemLock(lock)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", lock.Name, err)
	}
	dir, gemfile := path.Dir(name), "Gemfile"
	if path.Base(name) == "gems.locked" {
		gemfile = "gems.rb"
	}
	manifest, err := p.Open(path.Join(dir, gemfile))
	if err != nil {
		return nil, err
	}
	if p.There(path.Join(dir, "vendor/cache")) {
		return nil, errors.New("vendor/cache holds the archive of the old version")
	}
	index := index(p, "gem", RubyGems(plan.HTTP{}))
	f := &flat{
		ctx: ctx, kind: gemKind{}, index: index, locked: map[string]*pinned{}, declared: l.declared(manifest),
		clean: npm.CleanIn(ctx, p, "gem"),
	}
	builtWith(p, f, ruby(), dir)
	for _, g := range l.specs {
		pin := f.locked[g.name]
		if pin == nil {
			pin = &pinned{name: g.name, version: g.version, asked: true}
			f.locked[g.name] = pin
		}
		if pin.version != g.version || slices.Contains(pin.platforms, g.platform) {
			return nil, fmt.Errorf("%s holds two versions of %s", lock.Name, g.name)
		}
		pin.platforms = append(pin.platforms, g.platform)
		for _, n := range g.needs {
			if n.Name != "bundler" && !slices.Contains(pin.needs, n) {
				pin.needs = append(pin.needs, n)
			}
		}
		switch {
		case g.section == "PATH":
			pin.held, pin.own = "is the project's own, and its gemspec says what it asks for", true
		case g.section != "GEM":
			pin.held = "comes from git: raise its revision in " + gemfile
		case !index.Serves(g.remote):
			pin.held = "comes from another source, which is not asked"
		}
	}
	for _, pin := range f.locked {
		for _, n := range pin.needs {
			if f.locked[n.Name] == nil {
				return nil, fmt.Errorf("%s: %s needs %s, which it does not hold", lock.Name, pin.name, n.Name)
			}
			pin.edges = append(pin.edges, n.Name)
		}
	}
	for _, d := range l.deps {
		if pin := f.locked[d.name]; pin != nil {
			pin.root = true
		}
	}
	f.write = func(plan flatPlan) ([]finding.Edit, error) {
		edits, err := l.edits(f, plan, f.gone(plan))
		if err != nil {
			return nil, err
		}
		return joined(append(edits, f.rangeEdits(plan)...))
	}
	return f, nil
}

// declared is what the lock says that the Gemfile asks for, at the places where
// the Gemfile does.
func (l *gemLock) declared(manifest *plan.File) []flatDecl {
	calls := gemCalls(string(manifest.B))
	var out []flatDecl
	for _, dep := range l.deps {
		d := flatDecl{name: dep.name, spec: depSpec(dep.text), file: manifest, held: "which it does not say in plain text"}
		n := 0
		for _, c := range calls {
			if c.name != dep.name {
				continue
			}
			if n++; gemLocked(c.reqs) != d.spec || n > 1 {
				d.held = "and not as the lock says"
				break
			}
			spec := d.spec
			if d = c.decl(manifest); d.spec == "" {
				d.spec = spec
			}
		}
		out = append(out, d)
	}
	return out
}
