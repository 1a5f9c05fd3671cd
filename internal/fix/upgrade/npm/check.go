package npm

import (
	"maps"
	"path"
	"slices"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
)

// Faults are the ways in which a lock does not agree with its manifest or
// with itself, in words: npm ci refuses most of them.
func Faults(p *plan.Planner, lockFile string) (map[string]bool, error) {
	l, m, err := Open(p, lockFile)
	if err != nil {
		return nil, err
	}
	s := &Solver{Lock: l, standing: standing(m)}
	out := map[string]bool{}
	if what := disagreement(p, path.Dir(lockFile), l); what != "" {
		out[what] = true
	}
	for _, at := range l.Paths {
		e := l.Entries[at]
		for _, x := range e.Edges {
			to := s.Resolve(at, x)
			switch {
			case to == "" && (x.maybe || x.Kind == npmOptional):
			case to == "":
				out[at+" has no "+x.Name] = true
			case l.Entries[to].Link:
			case e.Project() && !accepts(x, s.versionAt(to)), !s.standing.allows(asker{at, x}, s.versionAt(to)):
				out[at+" does not take "+to+" "+s.versionAt(to)] = true
			}
		}
	}
	for _, at := range l.Paths {
		if of := s.copyOf(at); of != "" {
			out[at+" is a second copy of "+of] = true
		}
	}
	if l.packages == nil {
		return out, nil
	}
	now := s.Graph().Flags()
	for _, at := range l.Paths {
		e := l.Entries[at]
		if e.Project() || e.Link {
			continue
		}
		n := e.member.Value
		says := Flags{n.Yes(l.f.B, "dev"), n.Yes(l.f.B, "optional"), n.Yes(l.f.B, "devOptional"), n.Yes(l.f.B, "peer")}
		if is, reached := now[at]; !reached {
			out[at+" is for nobody"] = true
		} else if says != is {
			out[at+" is for others than it says"] = true
		}
	}
	return out, nil
}

// copyOf is the folder further up that holds what a folder of the lock does, so
// that its users would load the same without it; "": none, or it has to stand
// where it does.
func (s *Solver) copyOf(at string) string {
	e, dir := s.Lock.Entries[at], Above(at)
	if dir == "" || e.Project() || e.Link || e.Bundled || s.bundlesBelow(at) {
		return ""
	}
	if slices.ContainsFunc(e.Edges, func(x Edge) bool { return x.Kind == Peer }) {
		return ""
	}
	of := s.Resolve(Above(dir), Edge{Name: FolderName(at), Kind: Prod})
	if o := s.Lock.Entries[of]; o == nil || o.Name != e.Name || o.Version != e.Version || o.Bundled || o.Link {
		return ""
	}
	return of
}

// allows reports whether a dependency may be of a version by what package.json
// overrides, or by its own range.
func (o npmStanding) allows(a asker, version string) bool {
	e := a.Edge
	for _, specs := range []map[string]string{o.dot, o.all} {
		if spec, ok := specs[e.Name]; ok && a.path != "" {
			e.spec = spec
		}
	}
	if spec, ok := o.some[npmOverride{FolderName(a.path), e.Name}]; ok && a.path != "" {
		e.spec = spec
	}
	return accepts(e, version)
}

// with is a planner that sees files as edits leave them.
func with(p *plan.Planner, edits []finding.Edit) *plan.Planner {
	q := &plan.Planner{Dir: p.Dir, Found: p.Found, Files: map[string]*plan.File{}}
	for name, f := range p.Files {
		var mine []finding.Edit
		for _, e := range edits {
			if e.File == f.Name {
				mine = append(mine, e)
			}
		}
		if len(mine) == 0 || f.Err != nil {
			q.Files[name] = f
			continue
		}
		b := plan.Applied(f.B, mine)
		q.Files[name] = &plan.File{Path: f.Path, Name: f.Name, B: b, Digest: finding.DigestOf(b)}
	}
	return q
}

// trial tries drafts out on copies of the files.
type trial struct {
	p        *plan.Planner
	lockFile string
	lock     *Lock
	manifest *npmManifest
	before   map[string]bool
}

func try(p *plan.Planner, lockFile string, l *Lock, m *npmManifest) *trial {
	before, err := Faults(p, lockFile)
	if err != nil {
		before = nil
	}
	return &trial{p, lockFile, l, m, before}
}

// fault is what edits leave wrong that was right before; "": nothing.
func (t *trial) fault(edits []finding.Edit) string {
	edits, ok := plan.JoinEdits(slices.Clone(edits))
	if !ok {
		return "its edits meet those of others"
	}
	after, err := Faults(with(t.p, edits), t.lockFile)
	if err != nil {
		return err.Error()
	}
	for _, what := range slices.Sorted(maps.Keys(after)) {
		if !t.before[what] {
			return what
		}
	}
	return ""
}

// odd finds a draft that does not do: by itself, or together with those before
// it. with is another that it does with, -1: none. at is -1 where all do.
func (t *trial) odd(drafts []draft) (at, with int, why string) {
	edits := make([][]finding.Edit, len(drafts))
	for i, d := range drafts {
		u, err := npmUpgrade(t.p, t.lockFile, t.lock, t.manifest, d)
		if err != nil {
			continue // it is told when it is written
		}
		edits[i] = u.Fix.Edits
	}
	var whole []finding.Edit
	for i := range drafts {
		if why = t.fault(edits[i]); why != "" {
			for k := range drafts {
				if k != i && t.fault(slices.Concat(edits[i], edits[k])) == "" {
					return i, k, why
				}
			}
			return i, -1, why
		}
		if whole = append(whole, edits[i]...); i == 0 {
			continue
		}
		if why = t.fault(whole); why != "" {
			return i, -1, why
		}
	}
	return -1, -1, ""
}
