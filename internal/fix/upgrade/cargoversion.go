package upgrade

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/fix/upgrade/npm"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
)

// cargoKind resolves as Cargo does: there may be one version of each series,
// which begins at the first number that is not zero.
type cargoKind struct{}

func (cargoKind) key(name, version string) string {
	n := plan.Numbers(version)
	for i := range n {
		if n[i] != "0" {
			return name + " " + strings.Join(n[:i+1], ".")
		}
	}
	return name + " 0.0.0"
}

func (cargoKind) compare(a, b string) int { return plan.CompareBy("crates.io", a, b) }

func (cargoKind) Admits(spec, version string) bool {
	r, ok := cargoRange(spec)
	return ok && r.Admits(version)
}

// cargoRange reads a requirement: comparators that all hold. One without an
// operator is a caret's.
func cargoRange(spec string) (npm.Range, bool) {
	if len(spec) > npm.MaxRange {
		return nil, false
	}
	var words []string
	for _, c := range clauses(spec) {
		if !slices.Contains([]string{"", "^", "~", "=", ">", ">=", "<", "<="}, c.op) || c.version == "" ||
			c.version != "*" && c.version[0]-'0' > 9 || !plan.Plausible(strings.ReplaceAll(c.version, "*", "0")) {
			return nil, false
		}
		if c.op == "" && !cargoWild(c.version) {
			c.op = "^"
		}
		words = append(words, c.op+c.version)
	}
	set, ok := npm.ParseSet(strings.Join(words, " "))
	return npm.Range{set}, ok
}

// cargoWild reports whether a version leaves its last numbers open.
func cargoWild(version string) bool {
	i := strings.IndexAny(version, "-+")
	if i < 0 {
		i = len(version)
	}
	return strings.ContainsAny(version[:i], "*xX")
}

func (cargoKind) raised(spec, version string) (to string, capped, ok bool) {
	if _, ok := cargoRange(spec); !ok {
		return "", false, false
	}
	version, _, _ = strings.Cut(version, "+")
	cs := clauses(spec)
	lower := false
	for i := range cs {
		c := &cs[i]
		one, _ := cargoRange(clause{op: c.op, version: c.version}.String())
		switch p, _ := npm.ParsePart(c.version); {
		case c.op == "<" || c.op == "<=":
			if !one.Admits(version) {
				capped, c.op, c.version = true, "<", beyond(version)
			}
		case c.op == ">" || c.op == ">=":
			c.op, c.version, lower = ">=", version, true
		case c.version == "*":
		case cargoWild(c.version):
			if !one.Admits(version) {
				c.version = npm.Widen(version, p.Have, c.version)
			}
		default:
			c.version, lower = version, true
		}
	}
	if !lower && capped {
		cs = atLeast(cs, version)
	}
	return joinClauses(cs), capped, true
}

// beyond is where the series after a version's begins.
func beyond(version string) string {
	n := plan.Numbers(version)
	if n[0] == "0" {
		return "0." + plan.Increment(n[1])
	}
	return plan.Increment(n[0])
}

// active are the needs of a crate's version. Of the optional ones, those that
// the lock has are wanted: what else features say must be the same in both
// versions (see sameFeatures).
func (cargoKind) active(name string, old *pinned, of []plan.Release) ([]plan.Need, error) {
	var out []plan.Need
	for _, n := range of[0].Needs {
		switch {
		case !n.Optional:
		case old == nil:
			return nil, fmt.Errorf("%s %s comes in anew, and Cargo has to find out which of its features are wanted",
				name, of[0].Version)
		case !slices.ContainsFunc(old.edges, func(e string) bool { return strings.HasPrefix(e, n.Name+" ") }):
			continue
		}
		n.Optional = false
		out = append(out, n)
	}
	return out, nil
}

// sameFeatures is why the dependencies of what a plan changes are not certain:
// features decide which optional dependencies a lock holds. nil: they are.
func sameFeatures(f *flat, p flatPlan) error {
	for _, key := range f.keys(p) {
		to, l := p.to[key], f.locked[key]
		if len(to) == 0 {
			continue
		}
		var before plan.Release
		if l != nil {
			all, err := f.releases(l.name)
			if err != nil {
				return err
			}
			if len(all[l.version]) == 0 {
				return fmt.Errorf("the registry does not know %s %s, which the lock has", l.name, l.version)
			}
			before = all[l.version][0]
		}
		if l != nil {
			if what := otherFeature(before, to[0]); what != "" {
				return fmt.Errorf("%s of %s is another in %s, and Cargo has to find out what follows", what, l.name, to[0].Version)
			}
		}
		was, _ := cargoKind{}.active(f.name(p, key), l, []plan.Release{before})
		for _, n := range differing(was, p.needs[key]) {
			k := f.resolve(p, n)
			if k == "" {
				k = f.resolve(emptyPlan(), n)
			}
			if k == "" {
				continue
			}
			optional, err := hasOptional(f, p, k)
			if err != nil {
				return err
			}
			if optional {
				return fmt.Errorf("%s %s asks %s for other features than before", f.name(p, key), to[0].Version, n.Name)
			}
		}
	}
	return nil
}

// otherFeature is what of a crate decides about its optional dependencies and is
// not the same in two versions; "": nothing.
func otherFeature(before, after plan.Release) string {
	for _, name := range slices.Concat([]string{"default"}, slices.Sorted(maps.Keys(before.Features))) {
		now, ok := after.Features[name]
		if _, had := before.Features[name]; had && !ok || !sameWords(before.Features[name], now) {
			return fmt.Sprintf("feature %q", name)
		}
	}
	for _, n := range after.Needs {
		optional := func(m plan.Need) bool { return m.Optional && m.Name == n.Name && m.As == n.As }
		if n.Optional && !slices.ContainsFunc(before.Needs, optional) {
			return "the optional dependency " + n.Name
		}
	}
	return ""
}

// differing are the needs that are in one list only, ranges apart.
func differing(a, b []plan.Need) []plan.Need {
	in := func(n plan.Need, all []plan.Need) bool {
		return slices.ContainsFunc(all, func(m plan.Need) bool { return m.Name == n.Name && m.As == n.As && m.Tag == n.Tag })
	}
	var out []plan.Need
	for _, n := range a {
		if !in(n, b) {
			out = append(out, n)
		}
	}
	for _, n := range b {
		if !in(n, a) {
			out = append(out, n)
		}
	}
	return out
}

// hasOptional reports whether features decide what a crate depends on.
func hasOptional(f *flat, p flatPlan, key string) (bool, error) {
	of := p.to[key]
	if len(of) == 0 {
		l := f.locked[key]
		if l.held != "" {
			return true, nil
		}
		all, err := f.releases(l.name)
		if err != nil {
			return true, err
		}
		if of = all[l.version]; len(of) == 0 {
			return true, nil
		}
	}
	return slices.ContainsFunc(of[0].Needs, func(n plan.Need) bool { return n.Optional }), nil
}

func sameWords(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}
