package sbom

import (
	"cmp"
	"slices"
	"strings"
)

// Graph says which nodes need which. A node is a package or a component of the
// inventory, by its Node, which counts from 1. What a node needs is in
// ascending order: nil where no source tells it, empty where the node needs
// nothing. Nil as a whole: nothing is known of any.
type Graph [][]int32

// maxNodes limits the nodes of an inventory's graph that is read.
const maxNodes = 2 * maxElements

// Of returns what a node needs, and whether that is known.
func (g Graph) Of(node int32) (needs []int32, told bool) {
	if !g.Has(node) {
		return nil, false
	}
	return g[node], g[node] != nil
}

// Has reports whether a number is a node's.
func (g Graph) Has(node int32) bool { return node > 0 && int(node) < len(g) }

// Component is what is no package and has a place in the graph: a project, by
// its lock file; a program; what an SBOM describes, or lists without a package
// URL.
type Component struct {
	Kind    string // CycloneDX's word for it: "application", "library", "container"; empty: "application"
	Group   string // before the name: "org.keycloak", "@acme"
	Name    string // may be empty: then Path speaks for it
	Version string
	Path    string // the file that tells what it needs, as in Location; empty: none
	Folder  string // where the project lies, if not where its file does: "packages/web"
	Root    bool   // it is what others are there for: a project, or what an SBOM describes
	Main    bool   // it is what an SBOM of another tool describes
	Guessed bool   // what it needs is concluded: it is what nothing else of its file needs
	Node    int32
	Carried *Carried // what an SBOM says of it besides; nil: nothing
}

// FullName is the package's name as its ecosystem has it: "@babel/core",
// "org.slf4j:slf4j-api".
func (p *Package) FullName() string {
	switch {
	case p.Namespace == "" || p.FromDistro():
		return p.Name
	case p.Type == "maven":
		return p.Namespace + ":" + p.Name
	}
	return p.Namespace + "/" + p.Name
}

// Label is what people call the package: "express 4.17.1".
func (p *Package) Label() string { return strings.TrimSpace(p.FullName() + " " + p.Version) }

// Title is the component's name, or what stands for it.
func (c *Component) Title() string {
	if c.Name == "" {
		return cmp.Or(c.Folder, c.Path, "unnamed")
	}
	return joinName(c.Group, c.Name)
}

// Label is what people call the component: "shop 1.0.0".
func (c *Component) Label() string { return strings.TrimSpace(c.Title() + " " + c.Version) }

// Attach adds packages with what a source tells of them: needs is by position,
// packages first and components after them, and so are the numbers in it. Whoever
// has no graph to tell adds to Packages.
func (inv *Inventory) Attach(ps []Package, cs []Component, needs [][]int32) {
	if len(inv.Graph) == 0 {
		inv.Graph = Graph{nil}
	}
	base := int32(len(inv.Graph))
	for i := range ps {
		ps[i].Node = base + int32(i)
	}
	for i := range cs {
		cs[i].Node = base + int32(len(ps)+i)
	}
	for _, list := range needs {
		for i := range list {
			list[i] += base
		}
		inv.Graph = append(inv.Graph, list)
	}
	inv.Packages, inv.Components = append(inv.Packages, ps...), append(inv.Components, cs...)
}

// AddFor adds a package that the projects of a file need.
func (inv *Inventory) AddFor(file string, p Package) {
	p.Node = 0
	for i := range inv.Components {
		c := &inv.Components[i]
		needs, told := inv.Graph.Of(c.Node)
		if !c.Root || c.Path != file || !told {
			continue
		}
		if p.Node == 0 {
			p.Node = int32(len(inv.Graph))
			inv.Graph = append(inv.Graph, nil)
		}
		inv.Graph[c.Node] = append(slices.Clip(needs), p.Node)
	}
	inv.Packages = append(inv.Packages, p)
}

// Include adds all that another inventory lists, with its graph.
func (inv *Inventory) Include(other *Inventory) {
	ps, cs := slices.Clone(other.Packages), slices.Clone(other.Components)
	if len(other.Graph) > 0 {
		if len(inv.Graph) == 0 {
			inv.Graph = Graph{nil}
		}
		shift := int32(len(inv.Graph)) - 1
		for i := range ps {
			if ps[i].Node > 0 {
				ps[i].Node += shift
			}
		}
		for i := range cs {
			if cs[i].Node > 0 {
				cs[i].Node += shift
			}
		}
		for _, list := range other.Graph[1:] {
			list = slices.Clone(list)
			for i := range list {
				list[i] += shift
			}
			inv.Graph = append(inv.Graph, list)
		}
	}
	inv.Packages, inv.Components = append(inv.Packages, ps...), append(inv.Components, cs...)
}

// number gives packages and then components the nodes 1, 2, 3 …, and takes out of
// the graph what is no longer among them. same leads from a node to the one
// that it became, where two records were one package.
func (inv *Inventory) number(same map[int32]int32) {
	if !slices.ContainsFunc(inv.Graph, func(list []int32) bool { return list != nil }) {
		inv.Graph = nil
		for i := range inv.Packages {
			inv.Packages[i].Node = 0
		}
		for i := range inv.Components {
			inv.Components[i].Node = 0
		}
		return
	}
	to := make([]int32, len(inv.Graph))
	put := func(node *int32, n int) {
		if *node > 0 && int(*node) < len(to) {
			to[*node] = int32(n)
		}
		*node = int32(n)
	}
	n := 0
	for i := range inv.Packages {
		n++
		put(&inv.Packages[i].Node, n)
	}
	for i := range inv.Components {
		n++
		put(&inv.Components[i].Node, n)
	}
	for old, became := range same {
		if int(old) < len(to) && int(became) < len(to) {
			to[old] = to[became]
		}
	}
	inv.Graph = inv.Graph.moved(to, n)
}

// moved is the graph with other numbers, of which the last is n: to is by node,
// and 0 for one that is gone. Its lists are its own.
func (g Graph) moved(to []int32, n int) Graph {
	count, told := make([]int, n+1), make([]bool, n+1)
	total := 0
	for old, list := range g {
		if node := to[old]; node > 0 && list != nil {
			told[node] = true
			count[node] += len(list)
			total += len(list)
		}
	}
	out, flat := make(Graph, n+1), make([]int32, total)
	for node := range out {
		if told[node] {
			out[node] = flat[:0:count[node]]
			flat = flat[count[node]:]
		}
	}
	for old, list := range g {
		node := to[old]
		if node == 0 {
			continue
		}
		for _, need := range list {
			if t := to[need]; t > 0 && t != node {
				out[node] = append(out[node], t)
			}
		}
	}
	for i := range out {
		slices.Sort(out[i])
		out[i] = slices.Compact(out[i])
	}
	return out
}

// Heads are those of some nodes that no other of them needs; of a circle that
// nothing else needs, its first. All of them together lead to all.
func (g Graph) Heads(of []int32) []int32 {
	const among, needed, reached = 1, 2, 4
	state := make([]byte, len(g))
	for _, n := range of {
		state[n] |= among
	}
	for _, n := range of {
		for _, need := range g[n] {
			if need != n {
				state[need] |= needed
			}
		}
	}
	var out, todo []int32
	take := func(n int32) {
		out = append(out, n)
		for todo = append(todo[:0], n); len(todo) > 0; {
			n := todo[len(todo)-1]
			if todo = todo[:len(todo)-1]; state[n]&(among|reached) == among {
				state[n] |= reached
				todo = append(todo, g[n]...)
			}
		}
	}
	for _, n := range of {
		if state[n]&needed == 0 {
			take(n)
		}
	}
	for _, n := range of {
		if state[n]&reached == 0 {
			take(n)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func compareComponents(a, b Component) int {
	return cmp.Or(
		strings.Compare(a.Path, b.Path), strings.Compare(a.Folder, b.Folder),
		strings.Compare(a.Name, b.Name), strings.Compare(a.Version, b.Version), strings.Compare(a.Kind, b.Kind),
	)
}
