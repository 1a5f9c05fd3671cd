package sbom

// Forest is where a reader of the graph begins: what others are there for first,
// then what nothing else needs. rest are the packages that lead nowhere and that
// nothing leads to: what needs them is not told. Packages that a later layer
// removed are in neither.
func (inv *Inventory) Forest() (roots []Step, rest []*Package) {
	g := inv.Graph
	steps := inv.steps()
	seen := make([]bool, len(g))
	take := func(n int32) {
		roots = append(roots, steps[n])
		for todo := []int32{n}; len(todo) > 0; {
			n := todo[len(todo)-1]
			if todo = todo[:len(todo)-1]; !seen[n] {
				seen[n] = true
				todo = append(todo, g[n]...)
			}
		}
	}
	for _, n := range inv.tops() {
		if g[n] != nil && !seen[n] {
			take(n)
		}
	}
	var others, told []int32
	for i := range inv.Components {
		if c := &inv.Components[i]; c.Root && g.Has(c.Node) && !seen[c.Node] && g[c.Node] != nil {
			others = append(others, c.Node)
		}
	}
	for i := range inv.Packages {
		if p := &inv.Packages[i]; p.Root && g.Has(p.Node) && !seen[p.Node] && g[p.Node] != nil {
			others = append(others, p.Node)
		}
	}
	for _, n := range g.Heads(others) {
		if !seen[n] {
			take(n)
		}
	}
	for n, list := range g {
		if len(list) > 0 && !seen[n] && steps[n] != (Step{}) {
			told = append(told, int32(n))
		}
	}
	for _, n := range g.Heads(told) {
		if !seen[n] {
			take(n)
		}
	}
	for i := range inv.Packages {
		if p := &inv.Packages[i]; !p.Removed && (!g.Has(p.Node) || !seen[p.Node]) {
			rest = append(rest, p)
		}
	}
	return roots, rest
}

// steps is, by node, what it is.
func (inv *Inventory) steps() []Step {
	out := make([]Step, len(inv.Graph))
	put := func(node int32, s Step) {
		if inv.Graph.Has(node) {
			out[node] = s
		}
	}
	for i := range inv.Packages {
		put(inv.Packages[i].Node, Step{Package: &inv.Packages[i]})
	}
	for i := range inv.Components {
		put(inv.Components[i].Node, Step{Component: &inv.Components[i]})
	}
	return out
}

// Needs lists what a step needs, and whether that is told. Where the files of
// several projects tell it, it is what the one of a path tells; empty: all.
func (w *Ways) Needs(s Step, path string) (needs []Step, told bool) {
	list, told := w.inv.Graph.Of(s.node())
	for _, n := range list {
		if at := w.steps[n]; at != (Step{}) && (path == "" || w.of(path, n)) {
			needs = append(needs, at)
		}
	}
	return needs, told
}

func (s Step) node() int32 {
	switch {
	case s.Package != nil:
		return s.Package.Node
	case s.Component != nil:
		return s.Component.Node
	}
	return 0
}
