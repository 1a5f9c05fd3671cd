package npm

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
)

// draft is an upgrade before its edits are written.
type draft struct {
	of        []int // indices of the wants
	wants     []plan.Want
	lock      []finding.Edit
	ranges    map[declaration]string
	overrides map[npmOverride]string
	beside    []string // what else changes
	offline   string   // why the lock is left as it is; "": it is not
	commands  []string
}

// LockCommand brings a lock after its package.json.
const LockCommand = "npm install --package-lock-only"

// Raise plans for a package-lock.json.
func Raise(ctx context.Context, p *plan.Planner, j plan.Job) {
	l, manifest, err := Open(p, j.File)
	if err != nil {
		for _, w := range j.Wants {
			p.Cannot(w, err.Error())
		}
		return
	}
	s := &Solver{ctx: ctx, Lock: l, registry: p.Dir.Registry, standing: standing(manifest)}
	s.clean = CleanIn(ctx, p, "npm")
	why := "nobody was asked for the hash of the new version"
	if p.Dir.Registry != nil {
		why = cmp.Or(otherRegistry(p, path.Dir(j.File)), disagreement(p, path.Dir(j.File), l))
	}
	left := map[int]string{} // want -> why the lock is not edited for it
	var drafts []draft
	if why == "" {
		var later map[int]string
		drafts, later = s.steps(j.Wants, left, try(p, j.File, l, manifest))
		for i, w := range j.Wants {
			if with := later[i]; with != "" {
				p.Postpone(w, "it is raised after "+with)
			}
		}
	}
	for i, w := range j.Wants {
		reason := cmp.Or(why, left[i])
		switch {
		case reason == "":
			continue
		case ctx.Err() != nil:
			p.Cannot(w, ctx.Err().Error())
			continue
		}
		d, err := s.offline(w, manifest, reason)
		if err != nil {
			p.Cannot(w, err.Error())
			continue
		}
		drafts = append(drafts, d)
	}
	npmUpgrades(p, j.File, l, manifest, drafts)
}

// disagreement is where a manifest asks for something else than the lock says
// that it does, so that npm ci takes neither; "": nowhere.
func disagreement(p *plan.Planner, dir string, l *Lock) string {
	if l.packages == nil { // it holds nothing of the manifest
		return ""
	}
	for _, at := range l.Paths {
		e := l.Entries[at]
		if !e.Project() {
			continue
		}
		m, err := npmManifestIn(p, path.Join(dir, at))
		if err != nil {
			if at == "" {
				return err.Error()
			}
			continue // nothing of it is edited
		}
		for _, kind := range []string{Prod, Dev, npmOptional, Peer} {
			if name := differs(m.f.B, m.root.Get(kind), l.f.B, e.member.Value.Get(kind)); name != "" {
				return fmt.Sprintf("%s and the lock disagree on %s", m.f.Name, name)
			}
		}
	}
	return ""
}

// differs is the first member of which two objects do not say the same; "": none.
func differs(a []byte, x *plan.JSONNode, b []byte, y *plan.JSONNode) string {
	of := func(b []byte, n *plan.JSONNode) map[string]string {
		out := map[string]string{}
		if n != nil {
			for _, m := range n.Members {
				out[m.Key] = m.Value.Str(b)
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

// CleanIn looks versions up in the advisories, each once. What cannot be looked
// up counts as clean: it is no reason to take another version.
func CleanIn(ctx context.Context, p *plan.Planner, typ string) func(name, version string) bool {
	if p.Dir.Advisories == nil {
		return nil
	}
	known := map[string]bool{}
	return func(name, version string) bool {
		key := name + "@" + version
		clean, ok := known[key]
		if !ok {
			next, err := p.Further(ctx, plan.Package{Type: typ, Name: name, To: version})
			clean = err != nil || next == ""
			known[key] = clean
		}
		return clean
	}
}

// Open reads an npm lock and the manifest beside it.
func Open(p *plan.Planner, lockFile string) (*Lock, *npmManifest, error) {
	f, err := p.Open(lockFile)
	if err != nil {
		return nil, nil, err
	}
	manifest, err := npmManifestIn(p, path.Dir(lockFile))
	if err != nil {
		return nil, nil, err
	}
	l, err := readNPMLock(f, manifest)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	return l, manifest, nil
}

func npmManifestIn(p *plan.Planner, dir string) (*npmManifest, error) {
	f, err := p.Open(path.Join(dir, "package.json"))
	if err != nil {
		return nil, err
	}
	return readNPMManifest(f)
}

// otherRegistry is why the registry cannot be asked: the project's .npmrc names
// another one, where the same name may be another package.
func otherRegistry(p *plan.Planner, dir string) string {
	b, err := plan.ReadFile(p.Dir.FS, path.Join(dir, ".npmrc"))
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		key, value, _ := strings.Cut(line, "=")
		key, value = strings.TrimSpace(key), strings.Trim(strings.TrimSpace(value), `"`)
		if (key == "registry" || strings.HasSuffix(key, ":registry") && key[0] == '@') &&
			!p.Dir.Registry.Serves(strings.TrimRight(value, "/")+"/") {
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
	o := m.root.Get("overrides")
	if o == nil {
		return s
	}
	var within func(n *plan.JSONNode)
	within = func(n *plan.JSONNode) {
		for _, k := range n.Members {
			name, _ := splitAlias(k.Key)
			if s.mixed[name] = true; k.Value.Kind == '{' {
				within(k.Value)
			}
		}
	}
	for _, k := range o.Members {
		name, spec := splitAlias(k.Key)
		switch {
		case k.Value.Kind == '{':
			within(k.Value)
			for _, in := range k.Value.Members {
				if in.Value.Kind == '"' && spec == "" {
					s.some[npmOverride{name, in.Key}] = m.referred(in.Value.Str(m.f.B))
				}
			}
			if own := k.Value.Get("."); own != nil {
				if s.mixed[name] = true; spec == "" && own.Kind == '"' {
					s.dot[name] = m.referred(own.Str(m.f.B))
				}
			}
		case spec != "" || k.Value.Kind != '"':
			s.mixed[name] = true
		default:
			s.all[name] = m.referred(k.Value.Str(m.f.B))
		}
	}
	return s
}

// referred is what an override says: "$name" stands for what package.json asks
// for itself.
func (m *npmManifest) referred(spec string) string {
	if direct, ok := strings.CutPrefix(spec, "$"); ok {
		for _, e := range declared(m.f.B, m.root, true) {
			if e.Name == direct {
				return e.spec
			}
		}
	}
	return spec
}

// places are the folders of the lock in which the wanted package is.
func (l *Lock) places(w plan.Want) []string {
	var out []string
	for _, at := range l.named[w.Name] {
		if e := l.Entries[at]; e.Version == w.From && !e.Link && !e.Project() {
			out = append(out, at)
		}
	}
	return out
}

func floors(l *Lock, wants []plan.Want) map[string]string {
	out := map[string]string{}
	for _, w := range wants {
		for _, at := range l.places(w) {
			out[at] = w.To
		}
	}
	return out
}

// solve plans everything that one want needs.
func (s *Solver) solve(w plan.Want, owner int) error {
	places := s.Lock.places(w)
	if len(places) == 0 {
		return fmt.Errorf("the lock does not hold %s %s", w.Name, w.From)
	}
	for _, at := range places {
		if q, ok := s.plan[at]; ok && !newer(w.To, q.version) {
			s.Union(q.owner, owner)
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
func (s *Solver) cleanUp(owner int) error {
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
			later := Ascending(all, version)
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
func (s *Solver) drafts(wants []plan.Want, solved map[int]bool) []draft {
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
					s.Union(first, i)
				}
				first = i
			}
		}
	}
	var out []draft
	at := map[int]int{}
	for i, w := range wants {
		if !solved[i] {
			continue
		}
		k := s.Leader(i)
		if _, ok := at[k]; !ok {
			at[k] = len(out)
			out = append(out, draft{ranges: map[declaration]string{}, overrides: map[npmOverride]string{}})
		}
		d := &out[at[k]]
		for _, place := range s.Lock.places(w) {
			w.To = s.versionAt(place)
		}
		d.of, d.wants = append(d.of, i), append(d.wants, w)
	}
	for i, e := range edits {
		d := &out[at[s.Leader(i)]]
		d.lock = append(d.lock, e...)
	}
	for k, to := range s.ranges {
		d := &out[at[s.Leader(s.ownerOf(k.path, Edge{Name: k.name, Kind: k.kind}))]]
		d.ranges[k] = to
	}
	for k, to := range s.overrides {
		d := &out[at[s.Leader(s.ownerOf("", Edge{Name: k.name, Kind: Prod}))]]
		d.overrides[k] = to
	}
	for _, p := range slices.Sorted(maps.Keys(s.plan)) {
		q := s.plan[p]
		d := &out[at[s.Leader(q.owner)]]
		switch {
		case a.gone[p]:
		case q.fresh:
			d.beside = append(d.beside, FolderName(p)+" "+q.version+" comes in")
		case !slices.ContainsFunc(d.wants, func(w plan.Want) bool { return w.Name == s.nameAt(p) && w.From == s.Lock.Entries[p].Version }):
			d.beside = append(d.beside, FolderName(p)+" "+s.Lock.Entries[p].Version+" goes to "+q.version)
		}
	}
	for _, p := range slices.Sorted(maps.Keys(a.gone)) {
		if !s.plan[p].fresh {
			d := &out[at[s.Leader(a.owner[p])]]
			d.beside = append(d.beside, FolderName(p)+" "+s.Lock.Entries[p].Version+" is no longer needed")
		}
	}
	return out
}

// ownerOf is the want that changed what a dependency of a folder is loaded
// from, or else any that changed a package of its name.
func (s *Solver) ownerOf(at string, e Edge) int {
	if q, ok := s.plan[s.Resolve(at, e)]; ok {
		return q.owner
	}
	for _, p := range slices.Sorted(maps.Keys(s.plan)) {
		if FolderName(p) == e.Name {
			return s.plan[p].owner
		}
	}
	return 0
}

// of reports whether any of the overrides is of the want's package.
func (o overrides) of(w plan.Want) bool {
	for k := range o {
		if k.name == w.Name {
			return true
		}
	}
	return false
}
