package upgrade

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
)

// silent is a registry that is not asked.
type silent struct{ plan.Index }

var errSilent = errors.New("what the lock has to hold of the new version is not known, as no registry was asked")

func (silent) Releases(context.Context, string) ([]plan.Release, error) { return nil, errSilent }

// index is the registry of a purl type; usual is the public one.
func index(p *plan.Planner, typ string, usual plan.Index) plan.Index {
	if i := p.Dir.Indexes[typ]; i != nil {
		return i
	}
	return silent{usual}
}

// Limits of one plan over a flat lock.
const (
	flatTries = 400 // releases that are tried out
	flatDepth = 12
	flatEach  = 12 // releases of one package that are tried before it is given up
)

// pinned is a package of a lock.
type pinned struct {
	name, version string
	edges         []string // keys of what it is resolved to need
	needs         []plan.Need
	asked         bool     // needs are known
	platforms     []string // that a lock has a gem for; "": any
	held          string   // why no other version can take its place; "": one can
	root          bool     // the project's own, or what it asks for itself
	own           bool     // the project's own
	links         plan.ComposerLinks
}

// flatDecl is what the project itself asks for.
type flatDecl struct {
	name, spec string
	held       string // why the text is not edited; "": it can be
	file       *plan.File
	start, end int
	prod       bool                     // for more than development
	write      func(spec string) string // how the text stands there; nil: as it is
}

// flatKind is how an ecosystem resolves.
type flatKind interface {
	// key is what a lock holds one version of: the name, or a series of it.
	key(name, version string) string
	compare(a, b string) int
	Admits(spec, version string) bool
	// raised is a declaration that admits a version. capped says that an upper
	// bound of the author's had to move.
	raised(spec, version string) (to string, capped, ok bool)
	// active are the needs of a version that count for the lock; old is what
	// stands in it, nil for what is new. An error says why they are not known.
	active(name string, old *pinned, of []plan.Release) ([]plan.Need, error)
}

// flat is a lock with one version of each key, and what may change in it.
type flat struct {
	ctx      context.Context
	kind     flatKind
	index    plan.Index
	locked   map[string]*pinned
	declared []flatDecl
	// suits says why a version cannot be taken whatever the ranges say; nil: any suits.
	suits func(name string, of []plan.Release) error
	// doubts are what about a plan nobody can tell, in words; nil: nothing.
	doubts func(flatPlan) []string
	// settled says why a whole plan is not certain; nil: any is.
	settled func(*flat, flatPlan) error
	// write makes the edits of a plan in lock and manifests.
	write func(flatPlan) ([]finding.Edit, error)
	// clean reports whether a version has no known vulnerability; nil: nobody knows.
	clean func(name, version string) bool
	known map[string]map[string][]plan.Release
	tries int
}

// flatPlan is what a lock becomes.
type flatPlan struct {
	to     map[string][]plan.Release // by key; what is not in it stays
	needs  map[string][]plan.Need    // of those
	ranges map[int]string            // declarations that change, by their index
	capped bool
}

func (p flatPlan) clone() flatPlan {
	return flatPlan{maps.Clone(p.to), maps.Clone(p.needs), maps.Clone(p.ranges), p.capped}
}

func emptyPlan() flatPlan {
	return flatPlan{map[string][]plan.Release{}, map[string][]plan.Need{}, map[int]string{}, false}
}

func (f *flat) version(p flatPlan, key string) string {
	if r := p.to[key]; len(r) > 0 {
		return r[0].Version
	}
	if l := f.locked[key]; l != nil {
		return l.version
	}
	return ""
}

func (f *flat) name(p flatPlan, key string) string {
	if l := f.locked[key]; l != nil {
		return l.name
	}
	name, _, _ := strings.Cut(key, " ")
	return name
}

// releases are a package's, by version. What the registry says is kept.
func (f *flat) releases(name string) (map[string][]plan.Release, error) {
	if all, ok := f.known[name]; ok {
		return all, nil
	}
	list, err := f.index.Releases(f.ctx, name)
	if err != nil {
		return nil, err
	}
	all := map[string][]plan.Release{}
	for _, r := range list {
		if plan.Plausible(r.Version) {
			all[r.Version] = append(all[r.Version], r)
		}
	}
	if f.known == nil {
		f.known = map[string]map[string][]plan.Release{}
	}
	f.known[name] = all
	return all, nil
}

// raise puts a version in the place of a key's: the lowest from least on for
// which must holds and everything else can be made to agree.
func (f *flat) raise(p *flatPlan, key, least string, must func([]plan.Release) bool, depth int) error {
	l := f.locked[key]
	if l == nil {
		return errors.New("the lock does not hold it")
	}
	if l.held != "" {
		return firm("%s %s %s", l.name, l.version, l.held)
	}
	if depth > flatDepth {
		return errors.New("too much would have to change with it")
	}
	all, err := f.releases(l.name)
	if err != nil {
		return err
	}
	now := f.version(*p, key)
	var some []string
	for v := range all {
		if f.kind.key(l.name, v) == key && f.kind.compare(v, now) > 0 && f.kind.compare(v, least) >= 0 &&
			f.taken(l.name, all[v], least) && (must == nil || must(all[v])) {
			some = append(some, v)
		}
	}
	if len(some) == 0 {
		return fmt.Errorf("%s has no later release that will do", l.name)
	}
	slices.SortFunc(some, f.kind.compare)
	var first error
	for _, v := range some[:min(len(some), flatEach)] {
		next := p.clone()
		err := f.put(&next, key, all[v], depth)
		if err == nil {
			*p = next
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// taken reports whether a release may be chosen: a pre-release only where one is
// asked for.
func (f *flat) taken(name string, of []plan.Release, least string) bool {
	withdrawn := func(r plan.Release) bool { return r.Withdrawn }
	if slices.ContainsFunc(of, withdrawn) || preRelease(of[0].Version) && !preRelease(least) {
		return false
	}
	return f.clean == nil || f.clean(name, of[0].Version)
}

// preRelease reports whether a version is none for everybody.
func preRelease(v string) bool {
	v, _, _ = strings.Cut(strings.TrimLeft(v, "vV"), "+")
	for i := range len(v) {
		if v[i]|0x20-'a' <= 25 || v[i] == '-' {
			return true
		}
	}
	return false
}

// put decides a key's version, and makes everything that asks for it or that it
// asks for agree.
func (f *flat) put(p *flatPlan, key string, of []plan.Release, depth int) error {
	if f.tries++; f.tries > flatTries || f.ctx.Err() != nil {
		return errors.Join(errors.New("too many ways to try"), f.ctx.Err())
	}
	name, version, was := f.name(*p, key), of[0].Version, f.version(*p, key)
	if f.suits != nil {
		if err := f.suits(name, of); err != nil {
			return err
		}
	}
	needs, err := f.kind.active(name, f.locked[key], of)
	if err != nil {
		return err
	}
	p.to[key], p.needs[key] = of, needs
	for i, d := range f.declared {
		if d.name != name || was == "" || !f.kind.Admits(f.spec(*p, i), was) || f.kind.Admits(f.spec(*p, i), version) {
			continue
		}
		to, capped, ok := f.kind.raised(d.spec, version)
		switch {
		case d.held != "":
			return fmt.Errorf("%s asks for %s %.80s, %s", d.file.Name, name, d.spec, d.held)
		case !ok || !f.kind.Admits(to, version):
			return fmt.Errorf("%s asks for %s %.80q", d.file.Name, name, d.spec)
		}
		p.ranges[i], p.capped = to, p.capped || capped
	}
	for _, n := range needs {
		if err := f.provide(p, key, n, depth); err != nil {
			return err
		}
	}
	return f.agree(p, key, depth)
}

// agree raises those who ask for a key and do not take what it is planned to be.
func (f *flat) agree(p *flatPlan, key string, depth int) error {
	name := f.name(*p, key)
	for _, k := range f.keys(*p) {
		if k == key || !f.asks(*p, k, key) {
			continue
		}
		needs, err := f.needsOf(*p, k)
		if err != nil {
			return err
		}
		spec, refuses := refusal(f.kind, needs, name, f.version(*p, key))
		if !refuses {
			continue
		}
		version := f.version(*p, key)
		err = f.raise(p, k, f.version(*p, k), func(of []plan.Release) bool {
			n, err := f.kind.active(f.name(*p, k), f.locked[k], of)
			_, no := refusal(f.kind, n, name, version)
			return err == nil && !no
		}, depth+1)
		if err != nil {
			return firm("%s %s asks for %s %s", f.name(*p, k), f.version(*p, k), name, spec)
		}
	}
	return nil
}

// firmError is a reason that no command of the package manager takes away:
// something else has to be raised or decided before.
type firmError string

func (e firmError) Error() string { return string(e) }

func firm(format string, args ...any) error { return firmError(fmt.Sprintf(format, args...)) }

// refusal is the first range among needs of a name, none of which takes a
// version: who needs several series of one name takes it by one of them.
func refusal(kind flatKind, needs []plan.Need, name, version string) (spec string, no bool) {
	for _, n := range needs {
		if n.Name != name {
			continue
		}
		if kind.Admits(n.Spec, version) {
			return "", false
		}
		if spec == "" {
			spec, no = n.Spec, true
		}
	}
	return spec, no
}

// provide sees to it that what a package needs is there.
func (f *flat) provide(p *flatPlan, by string, n plan.Need, depth int) error {
	if f.resolve(*p, n) != "" {
		return nil
	}
	same := ""
	for _, k := range f.keys(*p) {
		if f.name(*p, k) != n.Name {
			continue
		}
		all, err := f.releases(n.Name)
		if err != nil {
			return err
		}
		for v := range all { // the series that it asks for
			if f.kind.key(n.Name, v) == k && f.kind.Admits(n.Spec, v) {
				same = k
			}
		}
	}
	admits := func(of []plan.Release) bool { return f.kind.Admits(n.Spec, of[0].Version) }
	if same != "" {
		now := f.version(*p, same)
		if err := f.raise(p, same, now, admits, depth+1); err != nil {
			return fmt.Errorf("%s %s asks for %s %s: %w", f.name(*p, by), f.version(*p, by), n.Name, n.Spec, err)
		}
		return nil
	}
	all, err := f.releases(n.Name)
	if err != nil {
		return err
	}
	best := ""
	for v, of := range all {
		if admits(of) && f.taken(n.Name, of, "") && (best == "" || f.kind.compare(v, best) > 0) {
			best = v
		}
	}
	if best == "" || depth > flatDepth {
		return fmt.Errorf("%s %s asks for %s %s, of which there is no release that will do",
			f.name(*p, by), f.version(*p, by), n.Name, n.Spec)
	}
	key := f.kind.key(n.Name, best)
	if f.locked[key] != nil || p.to[key] != nil {
		return fmt.Errorf("%s %s asks for %s %s", f.name(*p, by), f.version(*p, by), n.Name, n.Spec)
	}
	return f.put(p, key, all[best], depth+1)
}

// keys are those of the lock and of the plan, in order.
func (f *flat) keys(p flatPlan) []string {
	out := slices.Collect(maps.Keys(f.locked))
	for k := range p.to {
		if f.locked[k] == nil {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out
}

// asks reports whether a package is resolved to need a key.
func (f *flat) asks(p flatPlan, by, key string) bool {
	if _, planned := p.to[by]; !planned {
		return slices.Contains(f.locked[by].edges, key)
	}
	// One that does not take what the key is planned to be is resolved to nothing:
	// it asks for the key as long as nothing else serves it.
	name := f.name(p, key)
	return slices.ContainsFunc(p.needs[by], func(n plan.Need) bool {
		to := f.resolve(p, n)
		return n.Name == name && (to == key || to == "")
	})
}

// resolve finds what serves a need: of several series the latest that is taken.
func (f *flat) resolve(p flatPlan, n plan.Need) string {
	best := ""
	for _, k := range f.keys(p) {
		if f.name(p, k) == n.Name && f.kind.Admits(n.Spec, f.version(p, k)) &&
			(best == "" || f.kind.compare(f.version(p, k), f.version(p, best)) > 0) {
			best = k
		}
	}
	if best == "" {
		return f.provider(p, n)
	}
	return best
}

// provider is a package that stands for another by "replace" or "provide".
func (f *flat) provider(p flatPlan, n plan.Need) string {
	for _, k := range f.keys(p) {
		var links plan.ComposerLinks
		if of := p.to[k]; len(of) > 0 {
			links = of[0].Links
		} else {
			links = f.locked[k].links
		}
		for _, kind := range []string{"replace", "provide"} {
			if _, ok := links[kind][n.Name]; ok {
				return k
			}
		}
	}
	return ""
}

// needsOf is what a package asks for: as planned, as the lock says, or as the
// registry says of what is in the lock.
func (f *flat) needsOf(p flatPlan, key string) ([]plan.Need, error) {
	if n, ok := p.needs[key]; ok {
		return n, nil
	}
	l := f.locked[key]
	if l.asked {
		return l.needs, nil
	}
	if l.held != "" {
		return nil, firm("what %s %s asks for is not known: it %s", l.name, l.version, strings.TrimPrefix(l.held, "it "))
	}
	all, err := f.releases(l.name)
	if err != nil {
		return nil, err
	}
	of := all[l.version]
	if len(of) == 0 {
		return nil, fmt.Errorf("the registry does not know %s %s, which the lock has", l.name, l.version)
	}
	if l.needs, err = f.kind.active(l.name, l, of); err != nil {
		return nil, err
	}
	l.asked = true
	return l.needs, nil
}

func (f *flat) spec(p flatPlan, decl int) string {
	if to, ok := p.ranges[decl]; ok {
		return to
	}
	return f.declared[decl].spec
}
