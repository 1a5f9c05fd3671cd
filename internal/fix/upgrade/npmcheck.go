package upgrade

import (
	"maps"
	"path"
	"slices"

	"github.com/drydock-dev/drydock/internal/finding"
)

// npmFaults are the ways in which a lock does not agree with its manifest or
// with itself, in words: npm ci refuses most of them.
func (p *planner) npmFaults(lockFile string) (map[string]bool, error) {
	l, m, err := p.openNPM(lockFile)
	if err != nil {
		return nil, err
	}
	s := &npmSolve{lock: l, standing: standing(m)}
	out := map[string]bool{}
	if what := p.disagreement(path.Dir(lockFile), l); what != "" {
		out[what] = true
	}
	for _, at := range l.paths {
		e := l.entries[at]
		for _, x := range e.edges {
			to := s.resolve(at, x)
			switch {
			case to == "" && (x.maybe || x.kind == npmOptional):
			case to == "":
				out[at+" has no "+x.name] = true
			case l.entries[to].link:
			case e.project() && !accepts(x, s.versionAt(to)), !s.standing.allows(asker{at, x}, s.versionAt(to)):
				out[at+" does not take "+to+" "+s.versionAt(to)] = true
			}
		}
	}
	for _, at := range l.paths {
		if of := s.copyOf(at); of != "" {
			out[at+" is a second copy of "+of] = true
		}
	}
	if l.packages == nil {
		return out, nil
	}
	now := s.graph().flags()
	for _, at := range l.paths {
		e := l.entries[at]
		if e.project() || e.link {
			continue
		}
		n := e.member.value
		says := npmFlags{n.yes(l.f.b, "dev"), n.yes(l.f.b, "optional"), n.yes(l.f.b, "devOptional"), n.yes(l.f.b, "peer")}
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
func (s *npmSolve) copyOf(at string) string {
	e, dir := s.lock.entries[at], above(at)
	if dir == "" || e.project() || e.link || e.bundled || s.bundlesBelow(at) {
		return ""
	}
	if slices.ContainsFunc(e.edges, func(x npmEdge) bool { return x.kind == npmPeer }) {
		return ""
	}
	of := s.resolve(above(dir), npmEdge{name: folderName(at), kind: npmProd})
	if o := s.lock.entries[of]; o == nil || o.name != e.name || o.version != e.version || o.bundled || o.link {
		return ""
	}
	return of
}

// allows reports whether a dependency may be of a version by what package.json
// overrides, or by its own range.
func (o npmStanding) allows(a asker, version string) bool {
	e := a.npmEdge
	for _, specs := range []map[string]string{o.dot, o.all} {
		if spec, ok := specs[e.name]; ok && a.path != "" {
			e.spec = spec
		}
	}
	if spec, ok := o.some[npmOverride{folderName(a.path), e.name}]; ok && a.path != "" {
		e.spec = spec
	}
	return accepts(e, version)
}

// with is a planner that sees files as edits leave them.
func (p *planner) with(edits []finding.Edit) *planner {
	q := &planner{dir: p.dir, found: p.found, files: map[string]*file{}}
	for name, f := range p.files {
		var mine []finding.Edit
		for _, e := range edits {
			if e.File == f.name {
				mine = append(mine, e)
			}
		}
		if len(mine) == 0 || f.err != nil {
			q.files[name] = f
			continue
		}
		b := applied(f.b, mine)
		q.files[name] = &file{path: f.path, name: f.name, b: b, digest: finding.DigestOf(b)}
	}
	return q
}

// trial tries drafts out on copies of the files.
type trial struct {
	p        *planner
	lockFile string
	lock     *npmLock
	manifest *npmManifest
	before   map[string]bool
}

func (p *planner) trial(lockFile string, l *npmLock, m *npmManifest) *trial {
	before, err := p.npmFaults(lockFile)
	if err != nil {
		before = nil
	}
	return &trial{p, lockFile, l, m, before}
}

// fault is what edits leave wrong that was right before; "": nothing.
func (t *trial) fault(edits []finding.Edit) string {
	edits, ok := joinEdits(slices.Clone(edits))
	if !ok {
		return "its edits meet those of others"
	}
	after, err := t.p.with(edits).npmFaults(t.lockFile)
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
func (t *trial) odd(drafts []npmDraft) (at, with int, why string) {
	edits := make([][]finding.Edit, len(drafts))
	for i, d := range drafts {
		u, err := t.p.npmUpgrade(t.lockFile, t.lock, t.manifest, d)
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
