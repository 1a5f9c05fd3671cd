package sbom

import "slices"

// Ways answers how packages come in, by the inventory's graph.
type Ways struct {
	inv   *Inventory
	steps []Step // by node
	by    Graph  // by node: which need it; nil: not asked for yet
	roots []wayRoot
	files map[string]bool // of roots; a package that is told by some is not of the others

	next []int32 // of the search that is under way, by node: 1 + the next one towards its target; 0: not met
	met  []int32 // what it has met, in order
}

// wayRoot is what others are there for.
type wayRoot struct {
	step  Step
	path  string // the file that tells what it needs
	needs []int32
	reach []uint64 // bits of the nodes that it needs, however far; nil: not looked for yet
}

// Way is one way in which a package comes in: from what needs it in the end to
// the package itself, each needed by the one before.
type Way []Step

// Step is one of a package and a component.
type Step struct {
	Package   *Package
	Component *Component
}

// Label is what people call it.
func (s Step) Label() string {
	switch {
	case s.Package != nil:
		return s.Package.Label()
	case s.Component != nil:
		return s.Component.Label()
	}
	return ""
}

// NewWays makes ready to answer for inv, which must not change while it does. It
// is nil, and finds no way, for an inventory without a graph.
func NewWays(inv *Inventory) *Ways {
	if len(inv.Graph) == 0 {
		return nil
	}
	w := &Ways{inv: inv, steps: inv.steps(), files: map[string]bool{}}
	for i := range inv.Packages {
		p := &inv.Packages[i]
		if needs, told := inv.Graph.Of(p.Node); p.Root && told {
			w.roots = append(w.roots, wayRoot{step: Step{Package: p}, needs: needs})
		}
	}
	for i := range inv.Components {
		c := &inv.Components[i]
		if needs, told := inv.Graph.Of(c.Node); c.Root && told {
			w.roots = append(w.roots, wayRoot{step: Step{Component: c}, path: c.Path, needs: needs})
			w.files[c.Path] = true
		}
	}
	return w
}

// reversed is the graph read backwards.
func (g Graph) reversed() Graph {
	count, total := make([]int, len(g)), 0
	for _, list := range g {
		for _, need := range list {
			count[need]++
		}
		total += len(list)
	}
	out, flat := make(Graph, len(g)), make([]int32, total)
	for node, n := range count {
		out[node], flat = flat[:0:n], flat[n:]
	}
	for node, list := range g {
		for _, need := range list {
			out[need] = append(out[need], int32(node))
		}
	}
	return out
}

// To finds the shortest ways to a package: one for each direct dependency of a
// project by which it comes in, the nearest of them first, and at most so many
// for each project. A way leads through no other direct dependency, which would
// have a way of its own.
func (w *Ways) To(p *Package, most int) []Way {
	if w == nil || !w.inv.Graph.Has(p.Node) {
		return nil
	}
	if w.by == nil {
		w.by = w.inv.Graph.reversed()
	}
	var all []Way
	for i := range w.roots {
		r := &w.roots[i]
		if r.reach == nil {
			w.mark(r)
		}
		if bit(r.reach, p.Node) {
			all = append(all, w.from(r, p.Node, most)...)
		}
	}
	slices.SortStableFunc(all, func(a, b Way) int { return len(a) - len(b) })
	return all
}

// Via names the direct dependencies by which a package comes in, sorted; none for
// one that is a direct dependency wherever it is needed.
func Via(ways []Way) []string {
	var out []string
	for _, way := range ways {
		if len(way) > 2 {
			out = append(out, way[1].Label())
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func bit(set []uint64, n int32) bool { return set[n>>6]&(1<<(n&63)) != 0 }

// mark finds what a root needs, however far.
func (w *Ways) mark(r *wayRoot) {
	r.reach = make([]uint64, len(w.steps)>>6+1)
	for todo := slices.Clone(r.needs); len(todo) > 0; {
		n := todo[len(todo)-1]
		if todo = todo[:len(todo)-1]; bit(r.reach, n) || w.steps[n] == (Step{}) || !w.of(r.path, n) {
			continue
		}
		r.reach[n>>6] |= 1 << (n & 63)
		if c := w.steps[n].Component; c != nil && c.Root {
			continue // a project of its own
		}
		todo = append(todo, w.inv.Graph[n]...)
	}
}

// of reports whether a node may be a root's that the file at path tells of: of what
// lock files list, only what that does. Two projects may have one package and not
// the same needs of it.
func (w *Ways) of(path string, n int32) bool {
	p := w.steps[n].Package
	if p == nil || len(w.files) < 2 {
		return true
	}
	others := false
	for _, l := range p.Locations {
		if l.Path == path {
			return true
		}
		others = others || w.files[l.Path]
	}
	return !others
}

// from finds the ways from a root to a node, nearest first.
func (w *Ways) from(r *wayRoot, target int32, most int) []Way {
	if w.next == nil {
		w.next = make([]int32, len(w.steps))
	}
	defer func() {
		for _, n := range w.met {
			w.next[n] = 0
		}
		w.met = w.met[:0]
	}()
	w.next[target] = 1
	w.met = append(w.met, target)
	var out []Way
	for i := 0; i < len(w.met) && len(out) < most; i++ {
		n := w.met[i]
		if _, direct := slices.BinarySearch(r.needs, n); direct {
			way := Way{r.step}
			for ; n != 0; n = w.next[n] - 1 {
				way = append(way, w.steps[n])
			}
			out = append(out, way)
			continue
		}
		for _, from := range w.by[n] {
			if w.next[from] == 0 && bit(r.reach, from) {
				w.next[from] = n + 1
				w.met = append(w.met, from)
			}
		}
	}
	return out
}
