package npm

import (
	"maps"
	"slices"

	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
)

// Flags says for whom npm installs an entry.
type Flags struct{ Dev, optional, devOptional, peer bool }

// Graph is the tree before or after.
type Graph struct {
	s     *Solver
	paths []string
	from  map[string][]npmLink // who loads what
}

type npmLink struct {
	to string
	Edge
}

// Graph resolves every edge. before is the lock's own, made by a solver
// without a plan.
func (s *Solver) Graph() *Graph {
	g := &Graph{s: s, from: map[string][]npmLink{}}
	g.paths = s.folders()
	for _, p := range g.paths {
		for _, e := range s.edgesAt(p) {
			if to := s.Resolve(p, e); to != "" {
				g.from[p] = append(g.from[p], npmLink{to, e})
			}
		}
	}
	return g
}

// folders are those of the lock and those that are planned.
func (s *Solver) folders() []string {
	out := slices.Clone(s.Lock.Paths)
	for _, p := range slices.Sorted(maps.Keys(s.plan)) {
		if s.plan[p].fresh {
			out = append(out, p)
		}
	}
	return out
}

// reach is what is loaded from the user's own code over the edges that are
// followed.
func (g *Graph) reach(follow func(Edge) bool) map[string]bool {
	seen := map[string]bool{}
	var queue []string
	for _, p := range g.paths {
		if e := g.s.Lock.Entries[p]; e != nil && (e.Project() || e.Link) {
			seen[p] = true
			queue = append(queue, p)
		}
	}
	for len(queue) > 0 {
		p := queue[0]
		queue = queue[1:]
		for _, l := range g.from[p] {
			if !seen[l.to] && follow(l.Edge) {
				seen[l.to] = true
				queue = append(queue, l.to)
			}
		}
	}
	return seen
}

// Flags says of every path that is reached for whom it is.
func (g *Graph) Flags() map[string]Flags {
	all := g.reach(func(Edge) bool { return true })
	lasting := g.reach(func(e Edge) bool { return e.Kind != Dev })
	needed := g.reach(func(e Edge) bool { return e.Kind != npmOptional })
	both := g.reach(func(e Edge) bool { return e.Kind != Dev && e.Kind != npmOptional })
	own := g.reach(func(e Edge) bool { return e.Kind != Peer })
	out := make(map[string]Flags, len(all))
	for p := range all {
		f := Flags{Dev: !lasting[p], optional: !needed[p], peer: !own[p]}
		f.devOptional = !both[p] && !f.Dev && !f.optional
		out[p] = f
	}
	return out
}

// npmAfter is what the plan does to entries beside those it raises.
type npmAfter struct {
	flags map[string]Flags // of what is raised or new, and of what changes its flags
	gone  map[string]bool
	owner map[string]int
	fresh map[string][]string // what is new in a folder
}

// after compares the trees before and after, and joins the wants whose changes
// have an effect together.
func (s *Solver) after() npmAfter {
	was := (&Solver{Lock: s.Lock}).Graph()
	is := s.Graph()
	before, now := was.Flags(), is.Flags()
	a := npmAfter{flags: map[string]Flags{}, gone: map[string]bool{}, owner: map[string]int{}, fresh: map[string][]string{}}
	users := map[string][]string{}
	for _, g := range []*Graph{was, is} {
		for _, p := range g.paths {
			for _, l := range g.from[p] {
				users[l.to] = append(users[l.to], p)
			}
		}
	}
	var moved []string // gone, or for others than before
	for _, p := range is.paths {
		e := s.Lock.Entries[p]
		f, reached := now[p]
		old, had := before[p]
		switch _, planned := s.plan[p]; {
		case e != nil && (e.Project() || e.Link):
			continue
		case !reached && (had || planned):
			a.gone[p] = true
		case planned, had && f != old:
			a.flags[p] = f
		default:
			continue
		}
		if q, planned := s.plan[p]; planned {
			a.owner[p] = q.owner
		}
		if a.gone[p] || had && f != old {
			moved = append(moved, p)
		}
	}
	s.blame(moved, users, a.owner)
	for _, p := range slices.Sorted(maps.Keys(s.plan)) {
		if s.plan[p].fresh && !a.gone[p] {
			a.fresh[Above(p)] = append(a.fresh[Above(p)], p)
		}
	}
	return a
}

// blame joins the wants that have moved a path together, and puts one of them
// into owner. A path moves because a planned one uses it or did, or one that
// moves itself.
func (s *Solver) blame(moved []string, users map[string][]string, owner map[string]int) {
	at := make(map[string]int, len(moved))
	groups := make(plan.Joins, len(moved))
	for i, p := range moved {
		at[p], groups[i] = i, i
	}
	for i, p := range moved {
		for _, u := range users[p] {
			if k, ok := at[u]; ok {
				groups.Union(i, k)
			}
		}
	}
	cause := map[int]int{} // group -> want
	put := func(i, want int) {
		if other, ok := cause[groups.Leader(i)]; ok {
			s.Union(other, want)
		}
		cause[groups.Leader(i)] = want
	}
	for _, p := range slices.Sorted(maps.Keys(s.dropped)) {
		c := s.dropped[p]
		for _, p := range []string{p, c.of} {
			if i, ok := at[p]; ok {
				put(i, c.owner)
			}
		}
	}
	for i, p := range moved {
		if q, ok := s.plan[p]; ok {
			put(i, q.owner)
		}
		for _, u := range users[p] {
			if q, ok := s.plan[u]; ok {
				put(i, q.owner)
			}
		}
	}
	for i, p := range moved {
		owner[p] = cause[groups.Leader(i)]
	}
}
