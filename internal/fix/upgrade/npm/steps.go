package npm

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
)

// steps plans the wants in the order of what may go wrong, until each draft
// does by itself and with the others. A want that has to go together with a
// safer one is left to the next plan, so that the safer one waits for nobody's
// review; later says after which. left takes those for which the lock cannot be
// edited, with the reason.
func (s *Solver) steps(wants []plan.Want, left map[int]string, try *trial) (drafts []draft, later map[int]string) {
	later = map[int]string{}
	safety := make([]finding.Safety, len(wants))
	var order []int
	for i, w := range wants {
		s.begin(len(wants), floors(s.Lock, wants[i:i+1]))
		if err := s.solve(w, i); err != nil {
			left[i] = err.Error()
			continue
		}
		safety[i] = s.safety(w)
		order = append(order, i)
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(safety[b], safety[a]) })
	var tied [][2]int
	for len(order) > 0 {
		s.begin(len(wants), map[string]string{})
		for _, t := range tied {
			s.Union(t[0], t[1])
		}
		drafts = s.together(wants, order, left)
		// apart leaves the riskier of a group for later, or ties it together.
		apart := func(of []int) bool {
			first := of[0]
			for _, i := range of {
				if safety[i] > safety[first] {
					first = i
				}
			}
			some := false
			for _, i := range of {
				if safety[i] < safety[first] {
					later[i], some = wants[first].Name, true
				}
			}
			return some
		}
		again := false
		for _, d := range drafts {
			again = apart(d.of) || again
		}
		if !again && s.ctx.Err() == nil {
			drafts = joinOverrides(drafts)
			switch i, k, why := try.odd(drafts); {
			case i < 0:
			case k < 0:
				again = true
				for _, w := range drafts[i].of {
					left[w] = "npm has to resolve it: " + why
				}
			case apart(slices.Concat(drafts[i].of, drafts[k].of)):
				again = true
			default:
				again = true
				tied = append(tied, [2]int{drafts[i].of[0], drafts[k].of[0]})
			}
		}
		if !again {
			return drafts, later
		}
		order = slices.DeleteFunc(order, func(i int) bool { return left[i] != "" || later[i] != "" })
	}
	return nil, later
}

// together solves wants one after the other. What cannot be is left.
func (s *Solver) together(wants []plan.Want, order []int, left map[int]string) []draft {
	for _, i := range order {
		maps.Copy(s.floor, floors(s.Lock, wants[i:i+1]))
	}
	solved := map[int]bool{}
	for _, i := range order {
		before := s.clone()
		if err := s.solve(wants[i], i); err != nil {
			s.npmState, s.queue = before, nil
			left[i] = err.Error()
			continue
		}
		solved[i] = true
	}
	return s.drafts(wants, solved)
}

// begin forgets what was planned.
func (s *Solver) begin(wants int, floor map[string]string) {
	s.npmState = npmState{
		plan: map[string]npmPlanned{}, ranges: map[declaration]string{}, overrides: map[npmOverride]string{},
		dropped: map[string]placed{},
	}
	for i := range wants {
		s.Joins = append(s.Joins, i)
	}
	s.floor, s.queue = floor, nil
}

// safety is that of a want which was planned by itself.
func (s *Solver) safety(w plan.Want) finding.Safety {
	switch {
	case len(s.overrides) > 0 || !plan.Compatible(w.From, w.To):
		return finding.NeedsReview
	case len(s.ranges) > 0:
		return finding.Behaviour
	}
	return finding.Safe
}

// prune forgets the overrides without which everybody is content: who needed one
// may have been raised since.
func (s *Solver) prune() {
	for _, k := range slices.SortedFunc(maps.Keys(s.overrides), func(a, b npmOverride) int {
		return cmp.Or(cmp.Compare(a.dependent, b.dependent), cmp.Compare(a.name, b.name))
	}) {
		v := s.overrides[k]
		delete(s.overrides, k)
		if s.missed(k) {
			s.overrides[k] = v
		}
	}
}

// missed reports whether somebody whom an override is for refuses what it loads
// without it.
func (s *Solver) missed(k npmOverride) bool {
	used := s.Graph().reach(func(Edge) bool { return true })
	for _, p := range s.folders() {
		if p == "" || !used[p] || !s.has(p) || k.dependent != "" && FolderName(p) != k.dependent {
			continue
		}
		for _, e := range s.edgesAt(p) {
			to := s.Resolve(p, e)
			if e.Name == k.name && to != "" && !s.takes(asker{p, e}, s.versionAt(to)) {
				return true
			}
		}
	}
	return false
}

// dedupe takes away each second copy that the plan has made one: a folder which
// holds the version that its users would load from further up without it. What
// has peers stays: it stands where it is for their sake.
func (s *Solver) dedupe() {
	for n := -1; n < len(s.dropped); {
		n = len(s.dropped)
		s.dropCopies(s.Graph().reach(func(Edge) bool { return true }))
	}
}

func (s *Solver) dropCopies(used map[string]bool) {
	for _, p := range s.folders() {
		name, e := FolderName(p), s.Lock.Entries[p]
		dir := Above(p)
		if name == "" || dir == "" || !used[p] || !s.has(p) || e != nil && (e.Link || e.Bundled) {
			continue
		}
		of := ""
		for dir != "" && of == "" {
			dir = Above(dir)
			if at := path.Join(dir, "node_modules", name); used[at] && s.has(at) {
				of = at
			}
		}
		if of == "" || s.nameAt(of) != s.nameAt(p) || s.versionAt(of) != s.versionAt(p) {
			continue
		}
		mine, planned := s.plan[p]
		other, moved := s.plan[of]
		if f := s.Lock.Entries[of]; !planned && !moved || f != nil && (f.Link || f.Bundled) {
			continue
		}
		peers := slices.ContainsFunc(s.edgesAt(p), func(e Edge) bool { return e.Kind == Peer })
		if peers || s.bundlesBelow(p) {
			continue
		}
		c := placed{of, other.owner}
		if planned && moved {
			s.Union(mine.owner, other.owner)
		} else if planned {
			c.owner = mine.owner
		}
		s.dropped[p] = c
	}
}

// tie joins the wants of which one cannot be without the other: a package as it
// is planned needs what another is planned to be, or as it was refuses that.
func (s *Solver) tie() {
	before := &Solver{Lock: s.Lock}
	for _, p := range s.folders() {
		q, planned := s.plan[p]
		for _, e := range s.edgesAt(p) {
			to := s.Resolve(p, e)
			t, ok := s.plan[to]
			if ok && planned && (t.fresh || !accepts(e, s.Lock.Entries[to].Version)) {
				s.Union(q.owner, t.owner)
			}
		}
		was := s.Lock.Entries[p]
		if was == nil {
			continue
		}
		for _, e := range was.Edges { // it refuses what its dependency is to be
			t, ok := s.plan[before.Resolve(p, e)]
			if !ok || accepts(e, t.version) {
				continue
			}
			if planned {
				s.Union(q.owner, t.owner)
			}
			if own, ok := s.plan[s.Resolve(p, e)]; ok {
				s.Union(own.owner, t.owner)
			}
		}
	}
}

// accepts reports whether a dependency, as it is declared, may be of a version.
func accepts(e Edge, version string) bool {
	admits, known := Admits(e.spec, version)
	return admits || !known
}

// bundlesBelow reports whether a folder holds what came in an archive.
func (s *Solver) bundlesBelow(p string) bool {
	for _, at := range s.Lock.Paths {
		if strings.HasPrefix(at, path.Join(p, "node_modules")+"/") && s.Lock.Entries[at].Bundled {
			return true
		}
	}
	return false
}
