package upgrade

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/npm"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
)

// composer plans for a composer.lock. Lock and composer.json agree after it, and
// by its content-hash the lock says so, or nothing is edited.
func composer(ctx context.Context, p *plan.Planner, j plan.Job) {
	f, err := openComposer(ctx, p, j.File)
	if err != nil {
		for _, w := range j.Wants {
			p.Cannot(w, err.Error()+"; "+composerByHand(w, nil))
		}
		return
	}
	var wants []plan.Want
	for _, w := range j.Wants {
		w.Name = strings.ToLower(w.Name)
		if len(f.places(w)) == 0 {
			p.Cannot(w, "the lock does not hold it")
			continue
		}
		wants = append(wants, w)
	}
	planFlat(p, f, wants, func(w plan.Want) string { return composerByHand(w, f) })
}

// composerJSON plans for a composer.json without a lock.
func composerJSON(p *plan.Planner, j plan.Job) {
	var declared []flatDecl
	f, err := p.Open(j.File)
	if err == nil {
		_, declared, err = composerDeclared(f)
	}
	for i := range j.Wants {
		j.Wants[i].Name = strings.ToLower(j.Wants[i].Name)
	}
	declaredOnly(p, j, composerKind{}, declared, err)
}

// composerDeclared are what a composer.json asks for.
func composerDeclared(f *plan.File) (root *plan.JSONNode, out []flatDecl, err error) {
	if root, err = plan.ParseJSON(f.B); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	if root.Kind != '{' {
		return nil, nil, fmt.Errorf("%s: no object", f.Name)
	}
	for _, kind := range []string{"require", "require-dev"} {
		n := root.Get(kind)
		if n == nil {
			continue
		}
		for _, m := range n.Members {
			if m.Value.Kind != '"' || !strings.Contains(m.Key, "/") {
				continue
			}
			out = append(out, flatDecl{
				name: strings.ToLower(m.Key), spec: m.Value.Str(f.B), prod: kind == "require",
				file: f, start: m.Value.Start, end: m.Value.End, write: plan.Quote,
			})
		}
	}
	return root, out, nil
}

// composerByHand is what to do where no edit is made.
func composerByHand(w plan.Want, f *flat) string {
	bare := strings.TrimLeft(w.To, "vV")
	run := "run: composer update " + w.Name + " --with " + w.Name + ":" + bare + " --no-install"
	if f == nil {
		return run
	}
	for _, d := range f.declared {
		if d.name != w.Name || f.kind.Admits(d.spec, w.To) {
			continue
		}
		if to, _, ok := f.kind.raised(d.spec, w.To); ok {
			dev := ""
			if !d.prod {
				dev = "--dev "
			}
			return "run: composer require " + dev + "--no-install -W '" + w.Name + ":" + to + "'"
		}
	}
	return run
}

// php is the language of Composer's packages.
func php() plan.Language {
	return plan.Language{Name: "PHP", Image: "php", Admits: composerKind{}.Admits, Samples: slices.Concat(plan.Minors(5, 3, 6), plan.Minors(7, 0, 4), plan.Minors(8, 0, 5))}
}

// openComposer reads a lock and its composer.json.
func openComposer(ctx context.Context, p *plan.Planner, name string) (*flat, error) {
	lock, err := p.Open(name)
	if err != nil {
		return nil, err
	}
	l, err := readComposerLock(lock)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", lock.Name, err)
	}
	dir := path.Dir(name)
	manifest, err := p.Open(path.Join(dir, "composer.json"))
	if err != nil {
		return nil, err
	}
	root, declared, err := composerDeclared(manifest)
	if err != nil {
		return nil, err
	}
	index := index(p, "composer", Packagist(plan.HTTP{}))
	f := &flat{
		ctx: ctx, kind: composerKind{}, index: index, locked: map[string]*pinned{}, declared: declared,
		clean: npm.CleanIn(ctx, p, "composer"),
	}
	builtWith(p, f, php(), dir)
	for _, q := range l.packages {
		if f.locked[q.name] != nil {
			return nil, fmt.Errorf("%s holds two versions of %s", lock.Name, q.name)
		}
		pin := &pinned{name: q.name, version: q.version, needs: q.needs, links: q.links, asked: true}
		switch {
		case q.path:
			pin.held, pin.own = "is a folder of the project", true
		case q.branch:
			pin.held = "is a branch: raise its commit"
		case !index.Serves(q.notify):
			pin.held = "comes from another repository, which is not asked"
		}
		f.locked[q.name] = pin
	}
	for _, pin := range f.locked {
		for _, n := range pin.needs {
			if to := f.resolve(emptyPlan(), n); to != "" {
				pin.edges = append(pin.edges, to)
			}
		}
	}
	for _, d := range declared {
		if pin := f.locked[d.name]; pin != nil {
			pin.root = true
			if pin.held == "" && !f.kind.Admits(d.spec, pin.version) {
				pin.held = fmt.Sprintf("is asked for as %.80q, which is not understood or not what the lock has", d.spec)
			}
		}
	}
	f.settled = func(f *flat, plan flatPlan) error { return f.composerAgrees(l, root, manifest, plan) }
	f.write = func(plan flatPlan) ([]finding.Edit, error) { return l.written(f, manifest, plan) }
	return f, nil
}

// written are the edits of lock and manifest for a plan.
func (l *composerLock) written(f *flat, manifest *plan.File, chosen flatPlan) ([]finding.Edit, error) {
	prod := f.production(chosen)
	edits, err := l.edits(f, chosen, f.gone(chosen), func(key string) bool { return !prod[key] })
	if err != nil {
		return nil, err
	}
	ranges := f.rangeEdits(chosen)
	if len(ranges) > 0 {
		was, err := contentHash(manifest.B)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", manifest.Name, err)
		}
		if was != l.hash.Str(l.f.B) {
			return nil, fmt.Errorf("%s and the lock disagree, by the lock's content-hash", manifest.Name)
		}
		is, err := contentHash(plan.Applied(manifest.B, ranges))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", manifest.Name, err)
		}
		edits = append(edits, l.f.Lines(l.hash.Start, l.hash.End, plan.Quote(is)))
	}
	return joined(append(edits, ranges...))
}

// production are the packages that are not for development alone.
func (f *flat) production(p flatPlan) map[string]bool {
	seen := map[string]bool{}
	var queue []string
	add := func(k string) {
		if k != "" && !seen[k] {
			seen[k], queue = true, append(queue, k)
		}
	}
	for _, d := range f.declared {
		if d.prod && f.version(p, d.name) != "" {
			add(d.name)
		}
	}
	for len(queue) > 0 {
		for _, to := range f.edges(p, queue[0]) {
			add(to)
		}
		queue = queue[1:]
	}
	return seen
}

// composerAgrees is why a plan does not do for other reasons than ranges.
func (f *flat) composerAgrees(l *composerLock, root *plan.JSONNode, manifest *plan.File, p flatPlan) error {
	before, after := f.production(emptyPlan()), f.production(p)
	gone := f.gone(p)
	for k, pin := range f.locked {
		if !gone[k] && before[k] != after[k] {
			return fmt.Errorf("%s %s moves between what runs and what only development needs", pin.name, pin.version)
		}
	}
	have := l.strings(root.Get("require"))
	maps.Copy(have, l.strings(root.Get("require-dev")))
	for _, key := range slices.Sorted(maps.Keys(p.to)) {
		r := p.to[key][0]
		var was plan.ComposerLinks
		if pin := f.locked[key]; pin != nil {
			was = pin.links
		}
		for _, kind := range []string{"replace", "provide"} {
			for name := range was[kind] {
				if by := f.without(p, name); by != "" {
					return firm("%s needs %s, and %s %s does not %s it any more", by, name, key, r.Version, kind)
				}
			}
		}
		for name, spec := range r.Links["platform"] {
			if _, known := have[name]; name != "php" && was["platform"][name] != spec && !known && !alwaysInPHP(name) {
				return firm("%s %s needs %s %s, and composer.json does not say that it is there", key, r.Version, name, spec)
			}
		}
		for name, spec := range r.Links["conflict"] {
			if v := f.version(p, strings.ToLower(name)); v != "" && !gone[name] && f.kind.Admits(spec, v) {
				return firm("%s %s conflicts with %s %s", key, r.Version, name, v)
			}
		}
	}
	for k, pin := range f.locked {
		for name, spec := range pin.links["conflict"] {
			if to := p.to[strings.ToLower(name)]; p.to[k] == nil && !gone[k] && len(to) > 0 && f.kind.Admits(spec, to[0].Version) {
				return firm("%s %s conflicts with %s %s", pin.name, pin.version, name, to[0].Version)
			}
		}
	}
	if spec := root.Get("conflict"); spec != nil {
		for name, spec := range l.strings(spec) {
			if to := p.to[strings.ToLower(name)]; len(to) > 0 && f.kind.Admits(spec, to[0].Version) {
				return firm("%s conflicts with %s %s", manifest.Name, name, to[0].Version)
			}
		}
	}
	return nil
}

// without is a package that needs a name which nothing serves; "": none.
func (f *flat) without(p flatPlan, name string) string {
	gone := f.gone(p)
	for _, k := range f.keys(p) {
		needs, planned := p.needs[k]
		if !planned {
			needs = f.locked[k].needs
		}
		for _, n := range needs {
			if n.Name == name && !gone[k] && f.resolve(p, n) == "" {
				return k
			}
		}
	}
	return ""
}

// alwaysInPHP reports whether every PHP has an extension, or Composer itself
// provides it.
func alwaysInPHP(name string) bool {
	switch name {
	case "ext-core", "ext-ctype", "ext-date", "ext-filter", "ext-hash", "ext-json", "ext-pcre", "ext-reflection", "ext-spl",
		"ext-standard", "ext-tokenizer", "composer-runtime-api", "composer-plugin-api", "composer":
		return true
	}
	return false
}
