package upgrade

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// flatGroup is wants that are raised together.
type flatGroup struct {
	wants  []int
	plan   flatPlan
	edits  []finding.Edit
	safety finding.Safety
}

// groups plans wants: each by itself, and those together that change the same
// or cannot be without one another. What needs a safer one is left to the next
// plan: later says after which.
func (f *flat) groups(wants []plan.Want) (out []flatGroup, left map[int]error, later map[int]string) {
	left, later = map[int]error{}, map[int]string{}
	for i := range wants {
		g := flatGroup{wants: []int{i}}
		if err := f.solve(&g, wants); err != nil {
			left[i] = err
			continue
		}
		out = append(out, g)
	}
	sorting.By(out, func(a, b flatGroup) int { return cmp.Compare(b.safety, a.safety) })
	for more := true; more; {
		more = false
		for i := 0; i < len(out) && !more; i++ {
			for k := i + 1; k < len(out) && !more; k++ {
				if !f.meet(out[i], out[k]) {
					continue
				}
				more = true
				a, b := out[i], out[k]
				out = slices.Delete(out, k, k+1)
				if a.safety != b.safety {
					for _, w := range b.wants {
						later[w] = wants[a.wants[0]].Name
					}
					continue
				}
				both := flatGroup{wants: slices.Concat(a.wants, b.wants)}
				if err := f.solve(&both, wants); err != nil || both.safety != a.safety {
					for _, w := range b.wants {
						later[w] = wants[a.wants[0]].Name
					}
					continue
				}
				out[i] = both
			}
		}
	}
	for i := range out {
		slices.Sort(out[i].wants)
	}
	sorting.By(out, func(a, b flatGroup) int { return cmp.Compare(a.wants[0], b.wants[0]) })
	return out, left, later
}

// solve plans a group anew.
func (f *flat) solve(g *flatGroup, wants []plan.Want) error {
	g.plan, f.tries = emptyPlan(), 0
	for _, i := range g.wants {
		w := wants[i]
		for _, k := range f.places(w) {
			if f.kind.compare(f.version(g.plan, k), w.To) >= 0 {
				continue
			}
			if err := f.raise(&g.plan, k, w.To, nil, 0); err != nil {
				return err
			}
		}
	}
	if why := f.fault(g.plan); why != "" {
		return errFlat(why)
	}
	if f.settled != nil {
		if err := f.settled(f, g.plan); err != nil {
			return err
		}
	}
	var err error
	if g.edits, err = f.write(g.plan); err != nil {
		return err
	}
	g.safety = f.safety(g.plan)
	return nil
}

// errFlat is what of a plan does not agree.
type errFlat string

func (e errFlat) Error() string { return string(e) }

// places are the keys of the vulnerable package.
func (f *flat) places(w plan.Want) []string {
	var out []string
	for k, l := range f.locked {
		if l.name == w.Name && l.version == w.From {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out
}

// askers names the packages of others that ask for a key: ", and a 1.0, b 2.0 ask
// for what it is".
func (f *flat) askers(key string) string {
	var by []string
	for _, k := range f.keys(emptyPlan()) {
		if l := f.locked[k]; !l.own && f.asks(emptyPlan(), k, key) {
			by = append(by, l.name+" "+l.version)
		}
	}
	if len(by) == 0 {
		return ""
	}
	return "; raise who asks for what it is first: " + plan.Few(by)
}

// meet reports whether two groups change the same, or whether both together are
// written otherwise than each by itself.
func (f *flat) meet(a, b flatGroup) bool {
	for k := range a.plan.to {
		if b.plan.to[k] != nil {
			return true
		}
	}
	for i := range a.plan.ranges {
		if _, ok := b.plan.ranges[i]; ok {
			return true
		}
	}
	both := a.plan.clone()
	maps.Copy(both.to, b.plan.to)
	maps.Copy(both.needs, b.plan.needs)
	maps.Copy(both.ranges, b.plan.ranges)
	if f.fault(both) != "" {
		return true
	}
	edits, err := f.write(both)
	if err != nil {
		return true
	}
	apart, ok := plan.JoinEdits(slices.Concat(a.edits, b.edits))
	return !ok || !slices.Equal(apart, edits)
}

// fault is what of a plan does not agree, in words; "": nothing.
func (f *flat) fault(p flatPlan) string {
	for _, key := range slices.Sorted(maps.Keys(p.to)) {
		name, version := f.name(p, key), f.version(p, key)
		for _, k := range f.keys(p) {
			if k == key || !f.asks(p, k, key) {
				continue
			}
			needs, err := f.needsOf(p, k)
			if err != nil {
				return err.Error()
			}
			if spec, no := refusal(f.kind, needs, name, version); no {
				return f.name(p, k) + " " + f.version(p, k) + " asks for " + name + " " + spec
			}
		}
		for _, n := range p.needs[key] {
			if f.resolve(p, n) == "" && !n.Optional {
				return name + " " + version + " asks for " + n.Name + " " + n.Spec
			}
		}
		l := f.locked[key]
		for i, d := range f.declared {
			if l != nil && d.name == name && f.kind.Admits(d.spec, l.version) && !f.kind.Admits(f.spec(p, i), version) {
				return d.file.Name + " asks for " + name + " " + d.spec
			}
		}
	}
	return ""
}

// edges are the keys that serve what a package needs.
func (f *flat) edges(p flatPlan, key string) []string {
	if _, planned := p.to[key]; !planned {
		return f.locked[key].edges
	}
	var out []string
	for _, n := range p.needs[key] {
		if to := f.resolve(p, n); to != "" {
			out = append(out, to)
		}
	}
	return out
}

// gone are the keys that nobody needs any more.
func (f *flat) gone(p flatPlan) map[string]bool {
	reach := func(p flatPlan) map[string]bool {
		seen := map[string]bool{}
		var queue []string
		for k, l := range f.locked {
			if l.root {
				seen[k] = true
				queue = append(queue, k)
			}
		}
		for len(queue) > 0 {
			for _, to := range f.edges(p, queue[0]) {
				if !seen[to] {
					seen[to] = true
					queue = append(queue, to)
				}
			}
			queue = queue[1:]
		}
		return seen
	}
	before, after := reach(emptyPlan()), reach(p)
	out := map[string]bool{}
	for k := range before {
		if !after[k] {
			out[k] = true
		}
	}
	return out
}

// safety is that of a plan by its numbers and by what it changes.
func (f *flat) safety(p flatPlan) finding.Safety {
	safety := finding.Safe
	if len(p.ranges) > 0 {
		safety = finding.Behaviour
	}
	for k := range p.to {
		if l := f.locked[k]; l != nil && !plan.Compatible(l.version, f.version(p, k)) {
			safety = finding.NeedsReview
		}
	}
	if p.capped || f.doubts != nil && len(f.doubts(p)) > 0 {
		safety = finding.NeedsReview
	}
	return safety
}

// beside is what else changes with the wants, in words.
func (f *flat) beside(p flatPlan, wants []plan.Want) []string {
	var out []string
	gone := f.gone(p)
	for _, k := range slices.Sorted(maps.Keys(p.to)) {
		l := f.locked[k]
		switch {
		case gone[k]:
		case l == nil:
			out = append(out, f.name(p, k)+" "+f.version(p, k)+" comes in")
		case !slices.ContainsFunc(wants, func(w plan.Want) bool { return w.Name == l.name && w.From == l.version }):
			out = append(out, l.name+" "+l.version+" goes to "+f.version(p, k))
		}
	}
	for _, k := range slices.Sorted(maps.Keys(gone)) {
		if l := f.locked[k]; l != nil {
			out = append(out, l.name+" "+l.version+" is no longer needed")
		}
	}
	return out
}

// planFlat plans wants over a flat lock. byHand is what to type where no edit is
// made.
func planFlat(p *plan.Planner, f *flat, wants []plan.Want, byHand func(plan.Want) string) {
	groups, left, later := f.groups(wants)
	for i, w := range wants {
		var asks firmError
		switch {
		case later[i] != "":
			p.Postpone(w, "it is raised after "+later[i])
		case errors.As(left[i], &asks):
			p.Cannot(w, left[i].Error())
		case left[i] != nil:
			p.Cannot(w, left[i].Error()+"; "+byHand(w))
		}
	}
	var made []plan.Upgrade
	var of [][]plan.Want
	for _, g := range groups {
		mine := f.wantsOf(g, wants)
		u := plan.Upgrade{Fix: finding.Fix{Safety: g.safety, Edits: g.edits}}
		if with := f.beside(g.plan, mine); len(with) > 0 {
			u.Notes = append(u.Notes, "with it: "+plan.Few(with))
		}
		if f.doubts != nil {
			u.Notes = append(u.Notes, f.doubts(g.plan)...)
		}
		made, of = append(made, u), append(of, mine)
	}
	p.AddJoined(made, of)
}

// wantsOf are the wants of a group, with the version that each comes to.
func (f *flat) wantsOf(g flatGroup, wants []plan.Want) []plan.Want {
	var out []plan.Want
	for _, i := range g.wants {
		w := wants[i]
		for _, k := range f.places(w) {
			w.To = f.version(g.plan, k)
		}
		out = append(out, w)
	}
	return out
}

// edit writes another range.
func (d flatDecl) edit(spec string) finding.Edit {
	if d.write != nil {
		spec = d.write(spec)
	}
	return d.file.Edit(d.start, d.end, spec)
}

// rangeEdits change what the project asks for.
func (f *flat) rangeEdits(p flatPlan) []finding.Edit {
	var out []finding.Edit
	for _, i := range slices.Sorted(maps.Keys(p.ranges)) {
		d := f.declared[i]
		out = append(out, d.edit(p.ranges[i]))
	}
	return out
}

// joined are edits that meet nowhere.
func joined(edits []finding.Edit) ([]finding.Edit, error) {
	out, ok := plan.JoinEdits(edits)
	if !ok {
		return nil, errFlat("its edits are in one another's way")
	}
	return out, nil
}

// declaredOnly raises what a manifest asks for that has no lock.
func declaredOnly(p *plan.Planner, j plan.Job, kind flatKind, declared []flatDecl, err error) {
	var made []plan.Upgrade
	var of [][]plan.Want
	for _, w := range j.Wants {
		if err != nil {
			p.Cannot(w, err.Error())
			continue
		}
		u := plan.Upgrade{Fix: finding.Fix{Safety: plan.Step(w.From, w.To)}}
		why := "it asks for no version of it that could be raised"
		for _, d := range declared {
			if d.name != w.Name || !kind.Admits(d.spec, w.From) {
				continue
			}
			to, capped, ok := kind.raised(d.spec, w.To)
			if d.held != "" || !ok || !kind.Admits(to, w.To) {
				why = strings.TrimSpace(d.file.Name + " asks for it " + strings.TrimPrefix("as "+d.spec+", "+d.held, "as , "))
				u.Fix.Edits = nil
				break
			}
			if kind.Admits(to, w.From) {
				why, u.Fix.Edits = d.file.Name+" asks for it as "+d.spec+", of which "+w.From+" is one", nil
				break
			}
			if capped {
				u.Fix.Safety = finding.NeedsReview
			}
			if to != d.spec {
				u.Fix.Edits = append(u.Fix.Edits, d.edit(to))
			}
		}
		if len(u.Fix.Edits) == 0 {
			p.Cannot(w, why)
			continue
		}
		made, of = append(made, u), append(of, []plan.Want{w})
	}
	p.AddJoined(made, of)
}

// builtWith makes a flat lock's plans keep to the releases of a language that the
// project names. Where it names none, a plan that asks for more than before is
// doubtful.
func builtWith(p *plan.Planner, f *flat, l plan.Language, dir string) {
	all := p.Toolchains(l, dir)
	f.suits = func(name string, of []plan.Release) error {
		for _, r := range of {
			if t, ok := l.TooOld(r.Runtime, all); ok && r.Runtime != "" {
				return firm("%s %s needs %s %s, and %s", name, r.Version, l.Name, r.Runtime, t.From)
			}
		}
		return nil
	}
	f.doubts = func(plan flatPlan) []string {
		var out []string
		for _, k := range f.keys(plan) {
			of, was := plan.to[k], f.runtimeOf(k)
			if len(all) > 0 || len(of) == 0 || was == "" || !l.Narrower(was, of[0].Runtime) {
				continue
			}
			out = append(out, fmt.Sprintf("%s %s needs %s %s, where %s needed %s: which one it runs on is not said",
				f.name(plan, k), of[0].Version, l.Name, of[0].Runtime, f.locked[k].version, was))
		}
		return out
	}
}

// runtimeOf is what a locked version asks of the language; "": nothing, or that
// is not known.
func (f *flat) runtimeOf(key string) string {
	l := f.locked[key]
	if l == nil {
		return ""
	}
	if spec := l.links["platform"]["php"]; spec != "" {
		return spec
	}
	if of := f.known[l.name][l.version]; len(of) > 0 {
		return of[0].Runtime
	}
	return ""
}
