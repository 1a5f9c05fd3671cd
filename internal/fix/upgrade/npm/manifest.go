package npm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
)

// offline plans a want by the manifest alone: the lock is left to npm, which
// knows the hashes.
func (s *Solver) offline(w plan.Want, m *npmManifest, why string) (draft, error) {
	d := draft{
		wants: []plan.Want{w}, ranges: map[declaration]string{}, overrides: map[npmOverride]string{},
		offline: why, commands: []string{LockCommand},
	}
	places := s.Lock.places(w)
	if len(places) == 0 {
		return d, fmt.Errorf("the lock does not hold %s %s", w.Name, w.From)
	}
	plain := &Solver{Lock: s.Lock}
	several := len(places) > 1
	for _, at := range s.Lock.Paths {
		several = several || FolderName(at) == FolderName(places[0]) && !slices.Contains(places, at)
	}
	for _, at := range places {
		if s.Lock.Entries[at].Bundled {
			return d, fmt.Errorf("%s comes in the archive of another package; raise that one", at)
		}
		direct := false
		asked := plain.askers(at)
		for _, a := range asked {
			if !s.Lock.Entries[a.path].Project() {
				continue
			}
			direct = true
			to, ok := raisedRange(a.spec, w.To)
			switch {
			case !ok:
				return d, fmt.Errorf("it is declared as %.80q, which is no range", a.spec)
			case to != a.spec && !behind(a.spec, w):
				d.ranges[declaration{a.path, a.Kind, a.Name}] = to
			}
		}
		for _, a := range asked {
			if e := s.Lock.Entries[a.path]; e.Project() || direct && taken(a, w.To) {
				continue
			}
			if !direct && m.declares(a.Name) {
				return d, fmt.Errorf("package.json declares %s and the lock does not know it; run: npm install", a.Name)
			}
			key := npmOverride{"", a.Name}
			if several {
				key.dependent = FolderName(a.path)
			}
			if spec, ok := s.standing.all[a.Name]; ok && behind(spec, w) {
				continue
			}
			if s.standing.mixed[a.Name] {
				return d, fmt.Errorf("package.json overrides %s in some places already", a.Name)
			}
			d.overrides[key] = w.To
		}
	}
	if len(d.ranges)+len(d.overrides) == 0 {
		return d, fmt.Errorf("package.json asks for %s already and the lock is behind it; run: npm update %s", w.To, w.Name)
	}
	return d, nil
}

// behind reports whether a declaration leaves the vulnerable version out and the
// new one in.
func behind(spec string, w plan.Want) bool {
	old, known := Admits(spec, w.From)
	now, _ := Admits(spec, w.To)
	return known && !old && now
}

func taken(a asker, version string) bool {
	ok, known := Admits(a.spec, version)
	return ok || !known
}

// RaiseManifest plans for the locks of yarn and pnpm: the manifest is edited, the
// lock is theirs.
func RaiseManifest(_ context.Context, p *plan.Planner, j plan.Job) {
	m, err := npmManifestIn(p, path.Dir(j.File))
	command := "yarn install"
	if strings.HasPrefix(path.Base(j.File), "pnpm") {
		command = "pnpm install --lockfile-only"
	}
	var drafts []draft
	for _, w := range j.Wants {
		if err != nil {
			p.Cannot(w, err.Error())
			continue
		}
		d := draft{
			wants: []plan.Want{w}, ranges: map[declaration]string{}, overrides: map[npmOverride]string{},
			offline: "a lock of another package manager than npm", commands: []string{command},
		}
		stale := false
		for _, e := range declared(m.f.B, m.root, true) {
			if e.Name != w.Name {
				continue
			}
			if to, ok := raisedRange(e.spec, w.To); ok && to != e.spec && !behind(e.spec, w) {
				d.ranges[declaration{"", e.Kind, e.Name}] = to
			}
			stale = stale || behind(e.spec, w)
		}
		switch {
		case len(d.ranges) > 0:
		case stale:
			p.Cannot(w, "package.json asks for "+w.To+" already and the lock is behind it; run: "+command)
			continue
		case command == "yarn install":
			if r := m.root.Get("resolutions").Get(w.Name); r != nil {
				p.Cannot(w, `"resolutions" of package.json has it already; run: `+command)
				continue
			}
			d.overrides[npmOverride{"", w.Name}] = w.To
		default:
			p.Cannot(w, "others bring it in; run: pnpm update --recursive --depth Infinity "+w.Name)
			continue
		}
		drafts = append(drafts, d)
	}
	if m != nil {
		npmUpgrades(p, j.File, nil, m, drafts)
	}
}

// npmUpgrades writes drafts as upgrades.
func npmUpgrades(p *plan.Planner, lockFile string, l *Lock, m *npmManifest, drafts []draft) {
	drafts = joinOverrides(drafts)
	var made []plan.Upgrade
	var of [][]plan.Want
	for _, d := range drafts {
		u, err := npmUpgrade(p, lockFile, l, m, d)
		if err != nil {
			for _, w := range d.wants {
				p.Cannot(w, err.Error())
			}
			continue
		}
		made, of = append(made, u), append(of, d.wants)
	}
	p.AddJoined(made, of)
}

// joinOverrides makes one draft of those that override: they write into the
// same object.
func joinOverrides(drafts []draft) []draft {
	first := -1
	out := drafts[:0:0]
	for _, d := range drafts {
		if len(d.overrides) > 0 && first >= 0 {
			to := &out[first]
			to.of, to.wants = append(to.of, d.of...), append(to.wants, d.wants...)
			to.lock = append(to.lock, d.lock...)
			maps.Copy(to.ranges, d.ranges)
			maps.Copy(to.overrides, d.overrides)
			to.beside = append(to.beside, d.beside...)
			to.commands = append(to.commands, d.commands...)
			to.offline = cmp.Or(to.offline, d.offline)
			continue
		}
		if len(d.overrides) > 0 {
			first = len(out)
		}
		out = append(out, d)
	}
	return out
}

func npmUpgrade(p *plan.Planner, lockFile string, l *Lock, m *npmManifest, d draft) (plan.Upgrade, error) {
	u := plan.Upgrade{Fix: finding.Fix{Safety: finding.Safe, Edits: slices.Clone(d.lock)}}
	for _, k := range slices.SortedFunc(maps.Keys(d.ranges), func(a, b declaration) int {
		return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.kind, b.kind), cmp.Compare(a.name, b.name))
	}) {
		edits, err := rangeEdits(p, lockFile, l, k, d)
		if err != nil {
			return u, err
		}
		u.Fix.Edits = append(u.Fix.Edits, edits...)
		u.Fix.Safety = min(u.Fix.Safety, finding.Behaviour)
	}
	for _, w := range d.wants {
		if !plan.Compatible(w.From, w.To) {
			u.Fix.Safety = finding.NeedsReview
		}
	}
	if len(d.overrides) > 0 {
		member := "overrides"
		if l == nil {
			member = "resolutions"
		}
		edits, err := m.overrideEdits(member, d.overrides)
		if err != nil {
			return u, err
		}
		u.Fix.Edits = append(u.Fix.Edits, edits...)
		u.Fix.Safety = finding.NeedsReview
		u.Notes = append(u.Notes, "others ask for a version that is vulnerable: "+member+" in package.json makes them take another")
	}
	if d.offline != "" {
		u.Fix.Safety = finding.NeedsReview
		u.Commands = slices.Compact(slices.Sorted(slices.Values(d.commands)))
		not := " is not edited: "
		if len(d.lock) > 0 {
			not = " does not get all of it: "
		}
		u.Notes = append(u.Notes, path.Base(lockFile)+not+d.offline)
	}
	if len(d.beside) > 0 {
		u.Notes = append(u.Notes, "with it: "+plan.Few(d.beside))
	}
	var ok bool
	if u.Fix.Edits, ok = plan.JoinEdits(u.Fix.Edits); !ok {
		return u, errors.New("its edits are in one another's way")
	}
	return u, nil
}

// rangeEdits change a declaration in the package.json that makes it and in the
// lock's copy of it.
func rangeEdits(p *plan.Planner, lockFile string, l *Lock, k declaration, d draft) ([]finding.Edit, error) {
	to := d.ranges[k]
	m, err := npmManifestIn(p, path.Join(path.Dir(lockFile), k.path))
	if err != nil {
		return nil, err
	}
	at := m.root.Get(k.kind).Get(k.name)
	if at == nil || at.Kind != '"' {
		return nil, fmt.Errorf("%s does not declare %s as the lock says; run: npm install", m.f.Name, k.name)
	}
	if l == nil || l.packages == nil {
		return []finding.Edit{m.f.Edit(at.Start, at.End, plan.Quote(to))}, nil
	}
	copied := l.packages.Get(k.path).Get(k.kind).Get(k.name)
	same := copied != nil && copied.Str(l.f.B) == at.Str(m.f.B)
	switch {
	case same && d.offline != "":
		return []finding.Edit{m.f.Edit(at.Start, at.End, plan.Quote(to))}, nil
	case same:
		return []finding.Edit{m.f.Edit(at.Start, at.End, plan.Quote(to)), l.f.Edit(copied.Start, copied.End, plan.Quote(to))}, nil
	}
	return nil, fmt.Errorf("%s and the lock disagree on %s; run: npm install", m.f.Name, k.name)
}

// overrideEdits write "overrides", or yarn's "resolutions".
func (m *npmManifest) overrideEdits(member string, set overrides) ([]finding.Edit, error) {
	within := map[string][]npmMember{} // dependent, or "" -> entries to add
	var edits []finding.Edit
	o := m.root.Get(member)
	if o != nil && o.Kind != '{' {
		return nil, fmt.Errorf("%s: %q is not an object", m.f.Name, member)
	}
	for _, k := range slices.SortedFunc(maps.Keys(set), func(a, b npmOverride) int {
		return cmp.Or(cmp.Compare(a.dependent, b.dependent), cmp.Compare(a.name, b.name))
	}) {
		value := plan.Quote("^" + set[k]) // so that it does not hold back what is fixed next
		if k.dependent == "" && m.declares(k.name) && member == "overrides" {
			value = plan.Quote("$" + k.name)
		}
		target := o
		if k.dependent != "" {
			target = o.Get(k.dependent)
		}
		if target != nil && target.Kind != '{' {
			return nil, fmt.Errorf("%s overrides %s already", m.f.Name, k.dependent)
		}
		if at := target.Get(k.name); at != nil {
			if at.Kind != '"' {
				return nil, fmt.Errorf("%s overrides what %s depends on", m.f.Name, k.name)
			}
			if at.Raw(m.f.B) != value {
				edits = append(edits, m.f.Edit(at.Start, at.End, value))
			}
			continue
		}
		within[k.dependent] = append(within[k.dependent], npmMember{k.name, value})
	}
	top := within[""]
	for _, dependent := range slices.Sorted(maps.Keys(within)) {
		if dependent == "" {
			continue
		}
		if at := o.Get(dependent); at != nil {
			edits = append(edits, m.insert(at, within[dependent], 2))
			continue
		}
		inner := within[dependent]
		if i := slices.IndexFunc(top, func(m npmMember) bool { return m.key == dependent }); i >= 0 {
			inner = slices.Insert(inner, 0, npmMember{".", top[i].raw}) // itself, beside what it depends on
			top = slices.Delete(top, i, i+1)
		}
		top = append(top, npmMember{dependent, object(m.layout, inner, 2)})
	}
	switch {
	case len(top) == 0:
	case o == nil:
		edits = append(edits, m.insert(m.root, []npmMember{{member, object(m.layout, top, 1)}}, 0))
	default:
		edits = append(edits, m.insert(o, top, 1))
	}
	return edits, nil
}

// declares reports whether the manifest itself depends on a package.
func (m *npmManifest) declares(name string) bool {
	return slices.ContainsFunc(declared(m.f.B, m.root, true), func(e Edge) bool { return e.Name == name })
}

// insert puts members at the end of an object at a depth.
func (m *npmManifest) insert(obj *plan.JSONNode, ms []npmMember, depth int) finding.Edit {
	var text strings.Builder
	for i, k := range ms {
		if i > 0 || len(obj.Members) > 0 {
			text.WriteByte(',')
		}
		text.WriteString(m.layout.Pad(depth+1) + plan.Quote(k.key) + m.layout.Colon() + k.raw)
	}
	if n := len(obj.Members); n > 0 {
		at := obj.Members[n-1].Value.End
		return m.f.Edit(at, at, text.String())
	}
	return m.f.Edit(obj.Start+1, obj.End-1, text.String()+m.layout.Pad(depth))
}
