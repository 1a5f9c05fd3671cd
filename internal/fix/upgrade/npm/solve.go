package npm

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"

	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// npmChanges bounds how many entries one raise may change.
const npmChanges = 400

// Solver finds what else of a lock must change with a raised package, and as
// little as will do. It does not look for the best of all trees: a dependency
// that no longer fits is raised where it stands if all who use it agree, else
// installed beside its user; a user that does not admit the new version is
// raised within its compatible versions, else overridden.
type Solver struct {
	ctx      context.Context
	Lock     *Lock
	registry plan.Registry
	npmState
	floor    map[string]string // path -> version that a finding asks for
	standing npmStanding       // overrides of package.json
	// clean reports whether a version has no known vulnerability that is fixed in
	// another; nil: nobody knows.
	clean func(name, version string) bool
	queue []string
}

// npmState is what is decided so far.
type npmState struct {
	plan       map[string]npmPlanned  // path -> what it becomes
	ranges     map[declaration]string // declarations of the user's own to edit
	overrides  overrides              // what dependents are made to take
	dropped    map[string]placed      // path of a second copy -> the one that serves instead
	plan.Joins                        // of wants
}

type npmPlanned struct {
	version string
	m       *plan.Manifest
	fresh   bool // not in the lock before
	owner   int
}

// placed is a folder that holds what another folder further up holds too.
type placed struct {
	of    string
	owner int
}

type declaration struct{ path, kind, name string }

type npmOverride struct{ dependent, name string } // dependent "": everybody's

type overrides map[npmOverride]string

func (s npmState) clone() npmState {
	return npmState{
		maps.Clone(s.plan), maps.Clone(s.ranges), maps.Clone(s.overrides), maps.Clone(s.dropped), slices.Clone(s.Joins),
	}
}

func (s *Solver) versionAt(p string) string {
	if q, ok := s.plan[p]; ok {
		return q.version
	}
	return s.Lock.Entries[p].Version
}

func (s *Solver) has(p string) bool {
	if _, gone := s.dropped[p]; gone {
		return false
	}
	if _, ok := s.plan[p]; ok {
		return true
	}
	return s.Lock.Entries[p] != nil
}

// edgesAt lists what the package in the folder depends on, as planned.
func (s *Solver) edgesAt(p string) []Edge {
	if q, ok := s.plan[p]; ok {
		return edges(q.m)
	}
	return s.Lock.Entries[p].Edges
}

func edges(m *plan.Manifest) []Edge {
	var out []Edge
	for _, k := range []struct {
		kind string
		deps map[string]string
	}{{Prod, m.Dependencies}, {npmOptional, m.OptionalDependencies}, {Peer, m.PeerDependencies}} {
		for _, name := range slices.Sorted(maps.Keys(k.deps)) {
			out = append(out, Edge{name, k.deps[name], k.kind, k.kind == Peer && m.PeerDependenciesMeta[name].Optional})
		}
	}
	return out
}

// Resolve finds the folder that a dependency of p is loaded from; "": none.
func (s *Solver) Resolve(p string, e Edge) string {
	if e.Kind == Peer && p != "" {
		p = Above(p)
	}
	for {
		if at := path.Join(p, "node_modules", e.Name); s.has(at) {
			return at
		}
		if p == "" {
			return ""
		}
		p = Above(p)
	}
}

// asker is an edge with the folder that it starts from.
type asker struct {
	path string
	Edge
}

// askers lists whose dependency the folder serves.
func (s *Solver) askers(at string) []asker {
	name := FolderName(at)
	var out []asker
	look := func(p string) {
		for _, e := range s.edgesAt(p) {
			if e.Name == name && s.Resolve(p, e) == at {
				out = append(out, asker{p, e})
			}
		}
	}
	for i, p := range s.Lock.asking[name] {
		if _, ok := s.plan[p]; !ok && (i == 0 || s.Lock.asking[name][i-1] != p) {
			look(p)
		}
	}
	for _, p := range slices.Sorted(maps.Keys(s.plan)) {
		look(p)
	}
	return out
}

// takes reports whether an asker is content with a version.
func (s *Solver) takes(a asker, version string) bool {
	if v, ok := s.override(a); ok {
		return v == version
	}
	spec := a.spec
	if e := s.Lock.Entries[a.path]; e == nil || !e.Project() {
		if o, ok := s.standing.all[a.Name]; ok {
			spec = o
		}
		if o, ok := s.standing.some[npmOverride{FolderName(a.path), a.Name}]; ok {
			spec = o
		} else if e != nil && s.standing.mixed[a.Name] && s.loads(a) == version {
			return true // as it is today, by an override from further off
		}
	}
	if to, ok := s.ranges[declaration{a.path, a.Kind, a.Name}]; ok {
		spec = to
	}
	admits, known := Admits(spec, version)
	return admits || !known
}

// loads is the version that a folder of the lock loads for a dependency today.
func (s *Solver) loads(a asker) string {
	if e := s.Lock.Entries[(&Solver{Lock: s.Lock}).Resolve(a.path, a.Edge)]; e != nil {
		return e.Version
	}
	return ""
}

func (s *Solver) override(a asker) (string, bool) {
	if v, ok := s.overrides[npmOverride{"", a.Name}]; ok {
		return v, true
	}
	v, ok := s.overrides[npmOverride{FolderName(a.path), a.Name}]
	return v, ok && a.path != ""
}

// raise plans another version for a folder.
func (s *Solver) raise(at, version string, owner int) error {
	name := s.nameAt(at)
	if s.standing.mixed[FolderName(at)] {
		return fmt.Errorf("package.json overrides %s in some places", name)
	}
	all, err := s.registry.Versions(s.ctx, name)
	if err != nil {
		return err
	}
	m, ok := all[version]
	if !ok {
		return fmt.Errorf("the registry has no %s %s", name, version)
	}
	if m.Bundles {
		return fmt.Errorf("%s %s carries dependencies in its archive", name, version)
	}
	if e := s.Lock.Entries[at]; e != nil {
		switch {
		case e.Bundled:
			return fmt.Errorf("%s comes in the archive of another package", at)
		case e.Link:
			return fmt.Errorf("%s is a link into the workspace", at)
		case e.resolved != "" && !s.registry.Serves(e.resolved):
			return fmt.Errorf("%s comes from elsewhere than the registry", at)
		}
	}
	q, had := s.plan[at]
	if had {
		s.Union(q.owner, owner)
	}
	if len(s.plan) >= npmChanges {
		return fmt.Errorf("more than %d packages would change", npmChanges)
	}
	s.plan[at] = npmPlanned{version, &m, q.fresh || s.Lock.Entries[at] == nil, owner}
	s.queue = append(s.queue, at)
	return nil
}

// nameAt is the registry's name of what is in a folder.
func (s *Solver) nameAt(at string) string {
	if e := s.Lock.Entries[at]; e != nil {
		return e.Name
	}
	return FolderName(at)
}

// settle works until nothing is out of place.
func (s *Solver) settle(owner int) error {
	for n := 0; len(s.queue) > 0; n++ {
		if n > 4*npmChanges {
			return errors.New("no end to what would change")
		}
		if err := s.ctx.Err(); err != nil {
			return err
		}
		at := s.queue[0]
		s.queue = s.queue[1:]
		for _, a := range s.askers(at) {
			if q, ok := s.plan[a.path]; ok && (q.fresh || !content(s.Lock.Entries[a.path].Edges, a.Name, s.versionAt(at))) {
				s.Union(q.owner, owner)
			}
			version := s.versionAt(at)
			e := s.Lock.Entries[a.path]
			var err error
			switch own := e != nil && e.Project(); {
			case s.takes(a, version):
			case s.floor[at] == "" && !own && a.Kind != Peer: // it came along: who wants another may have it
				err = s.serve(a.path, a.Edge, owner)
			default:
				err = s.persuade(a, at, version, owner)
			}
			if err != nil {
				return err
			}
		}
		for _, e := range s.edgesAt(at) {
			if err := s.serve(at, e, owner); err != nil {
				return err
			}
		}
	}
	return nil
}

// persuade makes an asker content with the version that a folder has.
func (s *Solver) persuade(a asker, at, version string, owner int) error {
	if e := s.Lock.Entries[a.path]; e != nil && e.Project() {
		to, ok := raisedRange(a.spec, version)
		if !ok {
			return fmt.Errorf("%s is declared as %.80q", a.Name, a.spec)
		}
		s.ranges[declaration{a.path, a.Kind, a.Name}] = to
		return nil
	}
	if _, ok := s.standing.all[a.Name]; ok {
		s.overrides[npmOverride{"", a.Name}] = version
		return nil
	}
	all, err := s.registry.Versions(s.ctx, s.nameAt(a.path))
	if err != nil {
		return err
	}
	mine, err := s.registry.Versions(s.ctx, s.nameAt(at))
	if err != nil {
		return err
	}
	later := append([]string{version}, s.cleanest(s.nameAt(at), Ascending(mine, version), "")...)
	current := s.versionAt(a.path)
	users := s.askers(a.path)
	for _, v := range s.cleanest(s.nameAt(a.path), Ascending(all, current), "") {
		m := all[v]
		if !plan.Compatible(current, v) || !s.agreed(users, v, true) {
			continue
		}
		i := slices.IndexFunc(later, func(to string) bool { return content(edges(&m), a.Name, to) })
		if i < 0 {
			continue
		}
		if i > 0 {
			if err := s.raise(at, later[i], owner); err != nil {
				return err
			}
		}
		return s.raise(a.path, v, owner)
	}
	key := npmOverride{"", a.Name}
	for _, p := range s.folders() { // the others of that name stay what they are
		if FolderName(p) == a.Name && s.versionAt(p) != version {
			key.dependent = FolderName(a.path)
		}
	}
	s.overrides[key] = version
	return nil
}

// content reports whether none of the dependencies refuses a version.
func content(edges []Edge, name, version string) bool {
	for _, e := range edges {
		if e.Name != name {
			continue
		}
		if admits, known := Admits(e.spec, version); known && !admits {
			return false
		}
	}
	return true
}

// agreed reports whether all who use a folder take the version; own: the user's
// own declarations may be edited for it.
func (s *Solver) agreed(users []asker, version string, own bool) bool {
	for _, a := range users {
		if s.takes(a, version) {
			continue
		}
		if e := s.Lock.Entries[a.path]; own && e != nil && e.Project() {
			if _, ok := raisedRange(a.spec, version); ok {
				continue
			}
		}
		return false
	}
	return true
}

// serve finds what the dependency of a folder is to be loaded from.
func (s *Solver) serve(at string, e Edge, owner int) error {
	target := s.Resolve(at, e)
	if target != "" {
		if t := s.Lock.Entries[target]; t != nil && t.Link || s.takes(asker{at, e}, s.versionAt(target)) {
			if q, ok := s.plan[target]; ok && (q.fresh || !s.takes(asker{at, e}, s.Lock.Entries[target].Version)) {
				s.Union(q.owner, owner)
			}
			return nil
		}
	} else if e.maybe {
		return nil
	}
	name := e.Name
	spec := e.spec
	if alias, ok := cutAlias(spec); ok {
		return fmt.Errorf("%s depends on %s under another name", s.nameAt(at), alias)
	}
	if _, ok := parseRange(spec); !ok {
		return fmt.Errorf("%s depends on %s %.80q", s.nameAt(at), name, spec)
	}
	all, err := s.registry.Versions(s.ctx, name)
	if err != nil {
		return err
	}
	var fitting []string
	for _, v := range Ascending(all, "") {
		if ok, _ := Admits(spec, v); ok {
			fitting = append(fitting, v)
		}
	}
	fitting = s.cleanest(name, fitting, s.versionAtOr(target))
	if len(fitting) == 0 {
		return fmt.Errorf("the registry has no %s %.80q, which %s needs", name, spec, s.nameAt(at))
	}
	if target != "" {
		if v := s.inPlace(target, fitting); v != "" {
			return s.raise(target, v, owner)
		}
		if e.Kind == Peer {
			return fmt.Errorf("%s needs %s %.80q beside it", s.nameAt(at), name, spec)
		}
	}
	place := path.Join("node_modules", name)
	if target != "" {
		place = path.Join(at, "node_modules", name)
	}
	if s.has(place) && s.floor[place] != "" {
		return fmt.Errorf("%s cannot be both what %s needs and what is fixed", place, s.nameAt(at))
	}
	return s.raise(place, fitting[len(fitting)-1], owner)
}

// cleanest leaves out of the versions those with known vulnerabilities, unless
// nothing would be left after the current one.
func (s *Solver) cleanest(name string, versions []string, current string) []string {
	const ask = 40 // advisories are looked up for so many of the lowest and the highest
	if s.clean == nil {
		return versions
	}
	var out []string
	for i, v := range versions {
		if current != "" && !newer(v, current) || i >= ask && i < len(versions)-ask || s.clean(name, v) {
			out = append(out, v)
		}
	}
	if len(out) == 0 || current != "" && !newer(out[len(out)-1], current) {
		return versions
	}
	return out
}

func (s *Solver) versionAtOr(p string) string {
	if p == "" {
		return ""
	}
	return s.versionAt(p)
}

// inPlace is the nearest of the versions that the folder can be raised to; "":
// none that all who use it take.
func (s *Solver) inPlace(target string, fitting []string) string {
	current := s.versionAt(target)
	users := s.askers(target)
	if s.plan[target].fresh { // nobody had it before: any version will do
		for i := len(fitting) - 1; i >= 0; i-- {
			if s.agreed(users, fitting[i], false) {
				return fitting[i]
			}
		}
		return ""
	}
	for _, least := range []string{s.floor[target], current} {
		if least == "" {
			continue
		}
		for _, v := range fitting {
			if newer(v, current) && !newer(least, v) && s.agreed(users, v, false) {
				return v
			}
		}
	}
	return ""
}

func newer(a, b string) bool {
	c, err := vuln.Compare("npm", a, b)
	return err == nil && c > 0
}

// Ascending lists the releases after a version, lowest first; pre-releases are
// left out.
func Ascending(all map[string]plan.Manifest, after string) []string {
	var out []string
	for v := range all {
		if !prerelease(v) && (after == "" || newer(v, after)) {
			out = append(out, v)
		}
	}
	slices.SortFunc(out, func(a, b string) int {
		c, _ := vuln.Compare("npm", a, b)
		return c
	})
	return out
}

func prerelease(v string) bool {
	for i := range len(v) {
		switch v[i] {
		case '-':
			return true
		case '+':
			return false
		}
	}
	return false
}
