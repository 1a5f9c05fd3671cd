package upgrade

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
)

// offline plans a want by the manifest alone: the lock is left to npm, which
// knows the hashes.
func (s *npmSolve) offline(w want, m *npmManifest, why string) (npmDraft, error) {
	d := npmDraft{
		wants: []want{w}, ranges: map[npmDecl]string{}, overrides: map[npmOverride]string{},
		offline: why, commands: []string{npmLockCommand},
	}
	places := s.lock.places(w)
	if len(places) == 0 {
		return d, fmt.Errorf("the lock does not hold %s %s", w.Name, w.From)
	}
	plain := &npmSolve{lock: s.lock}
	several := len(places) > 1
	for _, at := range s.lock.paths {
		several = several || folderName(at) == folderName(places[0]) && !slices.Contains(places, at)
	}
	for _, at := range places {
		if s.lock.entries[at].bundled {
			return d, fmt.Errorf("%s comes in the archive of another package; raise that one", at)
		}
		direct := false
		asked := plain.askers(at)
		for _, a := range asked {
			if !s.lock.entries[a.path].project() {
				continue
			}
			direct = true
			to, ok := raisedRange(a.spec, w.To)
			switch {
			case !ok:
				return d, fmt.Errorf("it is declared as %.80q, which is no range", a.spec)
			case to != a.spec && !behind(a.spec, w):
				d.ranges[npmDecl{a.path, a.kind, a.name}] = to
			}
		}
		for _, a := range asked {
			if e := s.lock.entries[a.path]; e.project() || direct && taken(a, w.To) {
				continue
			}
			if !direct && m.declares(a.name) {
				return d, fmt.Errorf("package.json declares %s and the lock does not know it; run: npm install", a.name)
			}
			key := npmOverride{"", a.name}
			if several {
				key.dependent = folderName(a.path)
			}
			if spec, ok := s.standing.all[a.name]; ok && behind(spec, w) {
				continue
			}
			if s.standing.mixed[a.name] {
				return d, fmt.Errorf("package.json overrides %s in some places already", a.name)
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
func behind(spec string, w want) bool {
	old, known := npmAdmits(spec, w.From)
	now, _ := npmAdmits(spec, w.To)
	return known && !old && now
}

func taken(a asker, version string) bool {
	ok, known := npmAdmits(a.spec, version)
	return ok || !known
}

// npmManifest plans for the locks of yarn and pnpm: the manifest is edited, the
// lock is theirs.
func (p *planner) npmManifest(_ context.Context, j job) {
	m, err := p.npmManifestIn(path.Dir(j.file))
	command := "yarn install"
	if strings.HasPrefix(path.Base(j.file), "pnpm") {
		command = "pnpm install --lockfile-only"
	}
	var drafts []npmDraft
	for _, w := range j.wants {
		if err != nil {
			p.cannot(w, err.Error())
			continue
		}
		d := npmDraft{
			wants: []want{w}, ranges: map[npmDecl]string{}, overrides: map[npmOverride]string{},
			offline: "a lock of another package manager than npm", commands: []string{command},
		}
		stale := false
		for _, e := range declared(m.f.b, m.root, true) {
			if e.name != w.Name {
				continue
			}
			if to, ok := raisedRange(e.spec, w.To); ok && to != e.spec && !behind(e.spec, w) {
				d.ranges[npmDecl{"", e.kind, e.name}] = to
			}
			stale = stale || behind(e.spec, w)
		}
		switch {
		case len(d.ranges) > 0:
		case stale:
			p.cannot(w, "package.json asks for "+w.To+" already and the lock is behind it; run: "+command)
			continue
		case command == "yarn install":
			if r := m.root.get("resolutions").get(w.Name); r != nil {
				p.cannot(w, `"resolutions" of package.json has it already; run: `+command)
				continue
			}
			d.overrides[npmOverride{"", w.Name}] = w.To
		default:
			p.cannot(w, "others bring it in; run: pnpm update --recursive --depth Infinity "+w.Name)
			continue
		}
		drafts = append(drafts, d)
	}
	if m != nil {
		p.npmUpgrades(j.file, nil, m, drafts)
	}
}

// npmUpgrades writes drafts as upgrades.
func (p *planner) npmUpgrades(lockFile string, l *npmLock, m *npmManifest, drafts []npmDraft) {
	drafts = joinOverrides(drafts)
	var made []Upgrade
	var of [][]want
	for _, d := range drafts {
		u, err := p.npmUpgrade(lockFile, l, m, d)
		if err != nil {
			for _, w := range d.wants {
				p.cannot(w, err.Error())
			}
			continue
		}
		made, of = append(made, u), append(of, d.wants)
	}
	p.addJoined(made, of)
}

// joinOverrides makes one draft of those that override: they write into the
// same object.
func joinOverrides(drafts []npmDraft) []npmDraft {
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

func (p *planner) npmUpgrade(lockFile string, l *npmLock, m *npmManifest, d npmDraft) (Upgrade, error) {
	u := Upgrade{Fix: finding.Fix{Safety: finding.Safe, Edits: slices.Clone(d.lock)}}
	for _, k := range slices.SortedFunc(maps.Keys(d.ranges), func(a, b npmDecl) int {
		return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.kind, b.kind), cmp.Compare(a.name, b.name))
	}) {
		edits, err := p.rangeEdits(lockFile, l, k, d)
		if err != nil {
			return u, err
		}
		u.Fix.Edits = append(u.Fix.Edits, edits...)
		u.Fix.Safety = min(u.Fix.Safety, finding.Behaviour)
	}
	for _, w := range d.wants {
		if !compatible(w.From, w.To) {
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
		u.Notes = append(u.Notes, "with it: "+few(d.beside))
	}
	var ok bool
	if u.Fix.Edits, ok = joinEdits(u.Fix.Edits); !ok {
		return u, errors.New("its edits are in one another's way")
	}
	return u, nil
}

// rangeEdits change a declaration in the package.json that makes it and in the
// lock's copy of it.
func (p *planner) rangeEdits(lockFile string, l *npmLock, k npmDecl, d npmDraft) ([]finding.Edit, error) {
	to := d.ranges[k]
	m, err := p.npmManifestIn(path.Join(path.Dir(lockFile), k.path))
	if err != nil {
		return nil, err
	}
	at := m.root.get(k.kind).get(k.name)
	if at == nil || at.kind != '"' {
		return nil, fmt.Errorf("%s does not declare %s as the lock says; run: npm install", m.f.name, k.name)
	}
	if l == nil || l.packages == nil {
		return []finding.Edit{m.f.edit(at.start, at.end, quote(to))}, nil
	}
	copied := l.packages.get(k.path).get(k.kind).get(k.name)
	same := copied != nil && copied.str(l.f.b) == at.str(m.f.b)
	switch {
	case same && d.offline != "":
		return []finding.Edit{m.f.edit(at.start, at.end, quote(to))}, nil
	case same:
		return []finding.Edit{m.f.edit(at.start, at.end, quote(to)), l.f.edit(copied.start, copied.end, quote(to))}, nil
	}
	return nil, fmt.Errorf("%s and the lock disagree on %s; run: npm install", m.f.name, k.name)
}

// overrideEdits write "overrides", or yarn's "resolutions".
func (m *npmManifest) overrideEdits(member string, set overrides) ([]finding.Edit, error) {
	within := map[string][]npmMember{} // dependent, or "" -> entries to add
	var edits []finding.Edit
	o := m.root.get(member)
	if o != nil && o.kind != '{' {
		return nil, fmt.Errorf("%s: %q is not an object", m.f.name, member)
	}
	for _, k := range slices.SortedFunc(maps.Keys(set), func(a, b npmOverride) int {
		return cmp.Or(cmp.Compare(a.dependent, b.dependent), cmp.Compare(a.name, b.name))
	}) {
		value := quote("^" + set[k]) // so that it does not hold back what is fixed next
		if k.dependent == "" && m.declares(k.name) && member == "overrides" {
			value = quote("$" + k.name)
		}
		target := o
		if k.dependent != "" {
			target = o.get(k.dependent)
		}
		if target != nil && target.kind != '{' {
			return nil, fmt.Errorf("%s overrides %s already", m.f.name, k.dependent)
		}
		if at := target.get(k.name); at != nil {
			if at.kind != '"' {
				return nil, fmt.Errorf("%s overrides what %s depends on", m.f.name, k.name)
			}
			if at.raw(m.f.b) != value {
				edits = append(edits, m.f.edit(at.start, at.end, value))
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
		if at := o.get(dependent); at != nil {
			edits = append(edits, m.insert(at, within[dependent], 2))
			continue
		}
		inner := within[dependent]
		if i := slices.IndexFunc(top, func(m npmMember) bool { return m.key == dependent }); i >= 0 {
			inner = slices.Insert(inner, 0, npmMember{".", top[i].raw}) // itself, beside what it depends on
			top = slices.Delete(top, i, i+1)
		}
		top = append(top, npmMember{dependent, m.layout.object(inner, 2)})
	}
	switch {
	case len(top) == 0:
	case o == nil:
		edits = append(edits, m.insert(m.root, []npmMember{{member, m.layout.object(top, 1)}}, 0))
	default:
		edits = append(edits, m.insert(o, top, 1))
	}
	return edits, nil
}

// declares reports whether the manifest itself depends on a package.
func (m *npmManifest) declares(name string) bool {
	return slices.ContainsFunc(declared(m.f.b, m.root, true), func(e npmEdge) bool { return e.name == name })
}

// insert puts members at the end of an object at a depth.
func (m *npmManifest) insert(obj *jsonNode, ms []npmMember, depth int) finding.Edit {
	var text strings.Builder
	for i, k := range ms {
		if i > 0 || len(obj.members) > 0 {
			text.WriteByte(',')
		}
		text.WriteString(m.layout.pad(depth+1) + quote(k.key) + m.layout.colon() + k.raw)
	}
	if n := len(obj.members); n > 0 {
		at := obj.members[n-1].value.end
		return m.f.edit(at, at, text.String())
	}
	return m.f.edit(obj.start+1, obj.end-1, text.String()+m.layout.pad(depth))
}
