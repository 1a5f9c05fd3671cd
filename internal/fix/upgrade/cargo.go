package upgrade

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/npm"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
)

// cargo plans for a Cargo.lock. Lock and manifests agree after it, or nothing is
// edited: what cannot be is left with the commands that do it.
func cargo(ctx context.Context, p *plan.Planner, j plan.Job) {
	f, err := openCargo(ctx, p, j.File)
	if err != nil {
		for _, w := range j.Wants {
			p.Cannot(w, err.Error()+"; "+cargoByHand(w, nil))
		}
		return
	}
	var wants []plan.Want
	for _, w := range j.Wants {
		switch at := f.places(w); {
		case len(at) == 0:
			p.Cannot(w, "the lock does not hold it")
		case cargoKind{}.key(w.Name, w.To) != cargoKind{}.key(w.Name, w.From):
			p.Cannot(w, w.To+" is another series, which promises no compatibility"+f.askers(at[0])+"; "+cargoByHand(w, f))
		default:
			wants = append(wants, w)
		}
	}
	planFlat(p, f, wants, func(w plan.Want) string { return cargoByHand(w, f) })
}

// cargoToml plans for a Cargo.toml without a lock.
func cargoToml(p *plan.Planner, j plan.Job) {
	manifests, err := cargoManifests(p, path.Dir(j.File))
	if err != nil {
		manifests = &cargoProject{}
	}
	declaredOnly(p, j, cargoKind{}, manifests.declared, err)
}

// cargoByHand is what to do where no edit is made.
func cargoByHand(w plan.Want, f *flat) string {
	run := "run: cargo update -p " + w.Name + "@" + w.From + " --precise " + w.To
	if f == nil {
		return run
	}
	for _, d := range f.declared {
		if d.name == w.Name && (cargoKind{}).Admits(d.spec, w.From) && !(cargoKind{}).Admits(d.spec, w.To) {
			return "ask for " + w.To + " in " + d.file.Name + ", then " + run
		}
	}
	return run
}

// openCargo reads a lock and the manifests that it is of.
func openCargo(ctx context.Context, p *plan.Planner, name string) (*flat, error) {
	file, err := p.Open(name)
	if err != nil {
		return nil, err
	}
	l, err := readCargoLock(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file.Name, err)
	}
	index := index(p, "cargo", Crates(plan.HTTP{}))
	dir := path.Dir(name)
	if p.There(path.Join(dir, "vendor")) && strings.Contains(cargoConfig(p, dir), "vendor") {
		return nil, errors.New("the vendor folder holds the old version, and cargo vendor fills it")
	}
	manifests, err := cargoManifests(p, dir)
	if err != nil {
		return nil, err
	}
	f := &flat{
		ctx: ctx, kind: cargoKind{}, index: index, locked: map[string]*pinned{}, settled: sameFeatures,
		clean: npm.CleanIn(ctx, p, "cargo"),
	}
	builtWith(p, f, plan.Rust(), dir)
	f.declared = manifests.declared
	for i := range l.packages {
		q := &l.packages[i]
		q.key = cargoKind{}.key(q.Name, q.Version)
		pin := &pinned{name: q.Name, version: q.Version}
		switch {
		case q.Source == "":
			q.key += " of the project"
			pin.root, pin.own, pin.held, pin.asked = true, true, "is the project's own", manifests.members[q.Name]
			if !pin.asked {
				pin.held = "is the project's own, and its Cargo.toml was not found"
			}
		case strings.HasPrefix(q.Source, "git+"):
			q.key, pin.held = q.key+" "+q.Source, "comes from git: raise its revision in Cargo.toml"
		case !index.Serves(q.Source):
			q.key, pin.held = q.key+" "+q.Source, "comes from another registry, which is not asked"
		case manifests.patched[q.Name]:
			pin.held = "is patched in Cargo.toml: raise what takes its place"
		}
		if f.locked[q.key] != nil {
			return nil, fmt.Errorf("%s holds two versions of %s that are one to Cargo", file.Name, q.Name)
		}
		f.locked[q.key] = pin
	}
	f.write = func(plan flatPlan) ([]finding.Edit, error) { return l.raised(f, plan) }
	return f, l.connect(f)
}

// cargoConfig is what Cargo is told about registries.
func cargoConfig(p *plan.Planner, dir string) string {
	var all string
	for _, at := range plan.Upwards(dir) {
		all += p.Look(path.Join(at, ".cargo/config.toml")) + p.Look(path.Join(at, ".cargo/config"))
	}
	return all
}

// connect finds which package serves each dependency.
func (l *cargoLock) connect(f *flat) error {
	for i := range l.packages {
		p := &l.packages[i]
		for _, text := range p.Dependencies {
			name, rest, _ := strings.Cut(text, " ")
			version, source, _ := strings.Cut(rest, " ")
			source = strings.TrimSuffix(strings.TrimPrefix(source, "("), ")")
			n := slices.IndexFunc(l.packages, func(q cargoPackage) bool {
				return q.Name == name && (version == "" || q.Version == version) &&
					(source == "" || q.Source == source || strings.HasPrefix(q.Source, source+"#"))
			})
			if n < 0 {
				return fmt.Errorf("%s: %s needs %s, which it does not hold", l.f.Name, p.Name, text)
			}
			p.edges = append(p.edges, l.packages[n].key)
		}
		f.locked[p.key].edges = p.edges
	}
	return nil
}

// raised are the edits of a lock for a plan.
func (l *cargoLock) raised(f *flat, plan flatPlan) ([]finding.Edit, error) {
	now, gone := cargoState{}, f.gone(plan)
	source := ""
	for i := range l.packages {
		p := &l.packages[i]
		now[p.key] = p
		if f.index.Serves(p.Source) {
			source = p.Source
		}
	}
	next := maps.Clone(now)
	for k, of := range plan.to {
		q := cargoPackage{key: k, Source: source, Name: f.name(plan, k)}
		if p := now[k]; p != nil {
			q = *p
		}
		q.Version, q.Checksum, q.edges = of[0].Version, of[0].Hash, f.edges(plan, k)
		next[k] = &q
	}
	for k := range gone {
		delete(next, k)
	}
	edits, err := l.edits(now, next)
	if err != nil {
		return nil, err
	}
	return joined(append(edits, f.rangeEdits(plan)...))
}
