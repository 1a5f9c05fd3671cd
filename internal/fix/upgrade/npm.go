package upgrade

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
)

// npmDraft is an upgrade before its edits are written.
type npmDraft struct {
	of        []int // indices of the wants
	wants     []want
	lock      []finding.Edit
	ranges    map[npmDecl]string
	overrides map[npmOverride]string
	beside    []string // what else changes
	offline   string   // why the lock is left as it is; "": it is not
	commands  []string
}

// npmLockCommand brings a lock after its package.json.
const npmLockCommand = "npm install --package-lock-only"

// npm plans for a package-lock.json.
func (p *planner) npm(ctx context.Context, j job) {
	l, manifest, err := p.openNPM(j.file)
	if err != nil {
		for _, w := range j.wants {
			p.cannot(w, err.Error())
		}
		return
	}
	s := &npmSolve{ctx: ctx, lock: l, registry: p.dir.Registry, standing: standing(manifest)}
	s.clean = p.cleanIn(ctx, "npm")
	why := "nobody was asked for the hash of the new version"
	if p.dir.Registry != nil {
		why = cmp.Or(p.otherRegistry(path.Dir(j.file)), p.disagreement(path.Dir(j.file), l))
	}
	left := map[int]string{} // want -> why the lock is not edited for it
	var drafts []npmDraft
	if why == "" {
		var later map[int]string
		drafts, later = s.steps(j.wants, left, p.trial(j.file, l, manifest))
		for i, w := range j.wants {
			if with := later[i]; with != "" {
				p.postpone(w, "it is raised after "+with)
			}
		}
	}
	for i, w := range j.wants {
		reason := cmp.Or(why, left[i])
		switch {
		case reason == "":
			continue
		case ctx.Err() != nil:
			p.cannot(w, ctx.Err().Error())
			continue
		}
		d, err := s.offline(w, manifest, reason)
		if err != nil {
			p.cannot(w, err.Error())
			continue
		}
		drafts = append(drafts, d)
	}
	p.npmUpgrades(j.file, l, manifest, drafts)
}

// disagreement is where a manifest asks for something else than the lock says
// that it does, so that npm ci takes neither; "": nowhere.
func (p *planner) disagreement(dir string, l *npmLock) string {
	if l.packages == nil { // it holds nothing of the manifest
		return ""
	}
	for _, at := range l.paths {
		e := l.entries[at]
		if !e.project() {
			continue
		}
		m, err := p.npmManifestIn(path.Join(dir, at))
		if err != nil {
			if at == "" {
				return err.Error()
			}
			continue // nothing of it is edited
		}
		for _, kind := range []string{npmProd, npmDev, npmOptional, npmPeer} {
			if name := differs(m.f.b, m.root.get(kind), l.f.b, e.member.value.get(kind)); name != "" {
				return fmt.Sprintf("%s and the lock disagree on %s", m.f.name, name)
			}
		}
	}
	return ""
}

// differs is the first member of which two objects do not say the same; "": none.
func differs(a []byte, x *jsonNode, b []byte, y *jsonNode) string {
	of := func(b []byte, n *jsonNode) map[string]string {
		out := map[string]string{}
		if n != nil {
			for _, m := range n.members {
				out[m.key] = m.value.str(b)
			}
		}
		return out
	}
	one, other := of(a, x), of(b, y)
	for _, m := range []map[string]string{one, other} {
		for _, name := range slices.Sorted(maps.Keys(m)) {
			if v, ok := one[name]; !ok || other[name] != v {
				return name
			}
			if _, ok := other[name]; !ok {
				return name
			}
		}
	}
	return ""
}

// cleanIn looks versions up in the advisories, each once. What cannot be looked
// up counts as clean: it is no reason to take another version.
func (p *planner) cleanIn(ctx context.Context, typ string) func(name, version string) bool {
	if p.dir.Advisories == nil {
		return nil
	}
	known := map[string]bool{}
	return func(name, version string) bool {
		key := name + "@" + version
		clean, ok := known[key]
		if !ok {
			next, err := p.further(ctx, Package{Type: typ, Name: name, To: version})
			clean = err != nil || next == ""
			known[key] = clean
		}
		return clean
	}
}

func (p *planner) openNPM(lockFile string) (*npmLock, *npmManifest, error) {
	f, err := p.open(lockFile)
	if err != nil {
		return nil, nil, err
	}
	manifest, err := p.npmManifestIn(path.Dir(lockFile))
	if err != nil {
		return nil, nil, err
	}
	l, err := readNPMLock(f, manifest)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", f.name, err)
	}
	return l, manifest, nil
}

func (p *planner) npmManifestIn(dir string) (*npmManifest, error) {
	f, err := p.open(path.Join(dir, "package.json"))
	if err != nil {
		return nil, err
	}
	return readNPMManifest(f)
}

// otherRegistry is why the registry cannot be asked: the project's .npmrc names
// another one, where the same name may be another package.
func (p *planner) otherRegistry(dir string) string {
	b, err := readFile(p.dir.FS, path.Join(dir, ".npmrc"))
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		key, value, _ := strings.Cut(line, "=")
		key, value = strings.TrimSpace(key), strings.Trim(strings.TrimSpace(value), `"`)
		if (key == "registry" || strings.HasSuffix(key, ":registry") && key[0] == '@') &&
			!p.dir.Registry.Serves(strings.TrimRight(value, "/")+"/") {
			return "the project's .npmrc names another registry"
		}
	}
	return ""
}

// npmStanding is what a package.json overrides already.
type npmStanding struct {
	all   map[string]string      // everywhere, by name
	dot   map[string]string      // the same, beside what it depends on
	mixed map[string]bool        // in some places only
	some  map[npmOverride]string // of those, what one package is made to take
}

func standing(m *npmManifest) npmStanding {
	s := npmStanding{map[string]string{}, map[string]string{}, map[string]bool{}, map[npmOverride]string{}}
	if m == nil {
		return s
	}
	o := m.root.get("overrides")
	if o == nil {
		return s
	}
	var within func(n *jsonNode)
	within = func(n *jsonNode) {
		for _, k := range n.members {
			name, _ := splitAlias(k.key)
			if s.mixed[name] = true; k.value.kind == '{' {
				within(k.value)
			}
		}
	}
	for _, k := range o.members {
		name, spec := splitAlias(k.key)
		switch {
		case k.value.kind == '{':
			within(k.value)
			for _, in := range k.value.members {
				if in.value.kind == '"' && spec == "" {
					s.some[npmOverride{name, in.key}] = m.referred(in.value.str(m.f.b))
				}
			}
			if own := k.value.get("."); own != nil {
				if s.mixed[name] = true; spec == "" && own.kind == '"' {
					s.dot[name] = m.referred(own.str(m.f.b))
				}
			}
		case spec != "" || k.value.kind != '"':
			s.mixed[name] = true
		default:
			s.all[name] = m.referred(k.value.str(m.f.b))
		}
	}
	return s
}

// referred is what an override says: "$name" stands for what package.json asks
// for itself.
func (m *npmManifest) referred(spec string) string {
	if direct, ok := strings.CutPrefix(spec, "$"); ok {
		for _, e := range declared(m.f.b, m.root, true) {
			if e.name == direct {
				return e.spec
			}
		}
	}
	return spec
}

// places are the folders of the lock in which the wanted package is.
func (l *npmLock) places(w want) []string {
	var out []string
	for _, at := range l.named[w.Name] {
		if e := l.entries[at]; e.version == w.From && !e.link && !e.project() {
			out = append(out, at)
		}
	}
	return out
}

func floors(l *npmLock, wants []want) map[string]string {
	out := map[string]string{}
	for _, w := range wants {
		for _, at := range l.places(w) {
			out[at] = w.To
		}
	}
	return out
}

// solve plans everything that one want needs.
func (s *npmSolve) solve(w want, owner int) error {
	places := s.lock.places(w)
	if len(places) == 0 {
		return fmt.Errorf("the lock does not hold %s %s", w.Name, w.From)
	}
	for _, at := range places {
		if q, ok := s.plan[at]; ok && !newer(w.To, q.version) {
			s.union(q.owner, owner)
			continue
		}
		if err := s.raise(at, w.To, owner); err != nil {
			return err
		}
	}
	if err := s.settle(owner); err != nil {
		return err
	}
	if err := s.cleanUp(owner); err != nil {
		return err
	}
	s.prune()
	for _, at := range places { // what is planned later may not take it back
		if newer(w.To, s.versionAt(at)) {
			return fmt.Errorf("%s cannot stay at %s", at, w.To)
		}
	}
	return nil
}

// cleanUp raises what came along with a known vulnerability of its own, where
// that can be done.
func (s *npmSolve) cleanUp(owner int) error {
	tried := map[string]bool{}
	for more := s.clean != nil; more; {
		more = false
		for _, at := range slices.Sorted(maps.Keys(s.plan)) {
			name, version := s.nameAt(at), s.plan[at].version
			if tried[at] || s.clean(name, version) {
				continue
			}
			tried[at], more = true, true
			all, err := s.registry.Versions(s.ctx, name)
			if err != nil {
				return err
			}
			later := ascending(all, version)
			i := slices.IndexFunc(later, func(v string) bool { return s.clean(name, v) })
			if i < 0 {
				continue
			}
			before, floor := s.clone(), s.floor[at]
			s.floor[at] = later[i]
			if err = s.raise(at, later[i], owner); err == nil {
				err = s.settle(owner)
			}
			if err != nil {
				s.npmState, s.queue, s.floor[at] = before, nil, floor
			}
		}
	}
	return nil
}

// drafts sorts what is planned by the wants that belong together.
func (s *npmSolve) drafts(wants []want, solved map[int]bool) []npmDraft {
	if len(solved) == 0 {
		return nil
	}
	s.dedupe()
	s.prune()
	s.tie()
	a := s.after()
	edits := s.lockEdits(a)
	if len(s.overrides) > 0 { // they are written in one place
		first := -1
		for i := range wants {
			if solved[i] && s.overrides.of(wants[i]) {
				if first >= 0 {
					s.union(first, i)
				}
				first = i
			}
		}
	}
	var out []npmDraft
	at := map[int]int{}
	for i, w := range wants {
		if !solved[i] {
			continue
		}
		k := s.leader(i)
		if _, ok := at[k]; !ok {
			at[k] = len(out)
			out = append(out, npmDraft{ranges: map[npmDecl]string{}, overrides: map[npmOverride]string{}})
		}
		d := &out[at[k]]
		for _, place := range s.lock.places(w) {
			w.To = s.versionAt(place)
		}
		d.of, d.wants = append(d.of, i), append(d.wants, w)
	}
	for i, e := range edits {
		d := &out[at[s.leader(i)]]
		d.lock = append(d.lock, e...)
	}
	for k, to := range s.ranges {
		d := &out[at[s.leader(s.ownerOf(k.path, npmEdge{name: k.name, kind: k.kind}))]]
		d.ranges[k] = to
	}
	for k, to := range s.overrides {
		d := &out[at[s.leader(s.ownerOf("", npmEdge{name: k.name, kind: npmProd}))]]
		d.overrides[k] = to
	}
	for _, p := range slices.Sorted(maps.Keys(s.plan)) {
		q := s.plan[p]
		d := &out[at[s.leader(q.owner)]]
		switch {
		case a.gone[p]:
		case q.fresh:
			d.beside = append(d.beside, folderName(p)+" "+q.version+" comes in")
		case !slices.ContainsFunc(d.wants, func(w want) bool { return w.Name == s.nameAt(p) && w.From == s.lock.entries[p].version }):
			d.beside = append(d.beside, folderName(p)+" "+s.lock.entries[p].version+" goes to "+q.version)
		}
	}
	for _, p := range slices.Sorted(maps.Keys(a.gone)) {
		if !s.plan[p].fresh {
			d := &out[at[s.leader(a.owner[p])]]
			d.beside = append(d.beside, folderName(p)+" "+s.lock.entries[p].version+" is no longer needed")
		}
	}
	return out
}

// ownerOf is the want that changed what a dependency of a folder is loaded
// from, or else any that changed a package of its name.
func (s *npmSolve) ownerOf(at string, e npmEdge) int {
	if q, ok := s.plan[s.resolve(at, e)]; ok {
		return q.owner
	}
	for _, p := range slices.Sorted(maps.Keys(s.plan)) {
		if folderName(p) == e.name {
			return s.plan[p].owner
		}
	}
	return 0
}

// of reports whether any of the overrides is of the want's package.
func (o overrides) of(w want) bool {
	for k := range o {
		if k.name == w.Name {
			return true
		}
	}
	return false
}
