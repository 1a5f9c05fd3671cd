package catalog

import (
	"path"
	"slices"

	"github.com/drydock-dev/drydock/internal/sbom"
)

// lockNamesakes is how many entries of one name a graph is made of where a
// dependency says no more than the name; a file with more of one is not marked.
const lockNamesakes = 16

// lockGraph is which entry of a lock file depends on which. Its nodes are the
// file's packages, the projects that it is of, and what it names without a
// version, in the order in which they came.
type lockGraph struct {
	nodes  []lockNode
	others []sbom.Component // what is no package
	flat   bool             // the file does not say what packages need, only what the project does
	open   bool             // of the projects, the one that the file is of is missing
}

type lockNode struct {
	pkg   int      // its index among the file's packages; -1: none of them
	other int      // its index among others; -1: none of them
	needs []int32  // nodes
	dev   []int32  // of a project: for development
	weak  []int32  // of what is installed: what it brings along and can do without
	also  []string // what it may be asked for as, beside its name
}

// node adds a package, or what stands for none: -1.
func (g *lockGraph) node(pkg int) int32 {
	g.nodes = append(g.nodes, lockNode{pkg: pkg, other: -1})
	return int32(len(g.nodes) - 1)
}

// other adds what is no package.
func (g *lockGraph) other(c sbom.Component) int32 {
	c.Name, c.Version, c.Folder = lockOrigin(c.Name), lockOrigin(c.Version), lockOrigin(c.Folder)
	n := g.node(-1)
	g.nodes[n].other = len(g.others)
	g.others = append(g.others, c)
	return n
}

// project adds what the packages are there for.
func (g *lockGraph) project(name, version, file, folder string) int32 {
	return g.other(sbom.Component{Kind: "application", Name: name, Version: version, Path: file, Folder: folder, Root: true})
}

// lockFolderOf is a project's folder: empty where its lock file lies.
func lockFolderOf(s string) string {
	if s = path.Clean(s); s == "." {
		return ""
	}
	return s
}

func (g *lockGraph) isProject(n int32) bool {
	other := g.nodes[n].other
	return other >= 0 && g.others[other].Root
}

// rooted reports whether the project is among the nodes.
func (g *lockGraph) rooted() bool {
	return !g.open && slices.ContainsFunc(g.others, func(c sbom.Component) bool { return c.Root })
}

// direct is what the projects themselves depend on, for production and for
// development.
func (g *lockGraph) direct() (production, development []int32) {
	for n := range g.nodes {
		if g.isProject(int32(n)) {
			production, development = append(production, g.nodes[n].needs...), append(development, g.nodes[n].dev...)
		}
	}
	return production, development
}

// mark marks for development what the projects' development dependencies need
// and nothing else does. It is for lock files that do not mark it themselves.
func (g *lockGraph) mark(ps []sbom.Package) {
	direct, dev := g.direct()
	production, development := g.reach(direct), g.reach(dev)
	for n, node := range g.nodes {
		if node.pkg >= 0 && development[n] && !production[n] {
			ps[node.pkg].Dev = true
		}
	}
}

// told says of every node that what it needs is known, be it nothing.
func (g *lockGraph) told() *lockGraph {
	for i := range g.nodes {
		if g.nodes[i].needs == nil {
			g.nodes[i].needs = []int32{}
		}
	}
	return g
}

func (g *lockGraph) reach(from []int32) []bool {
	seen := make([]bool, len(g.nodes))
	for todo := slices.Clone(from); len(todo) > 0; {
		n := todo[len(todo)-1]
		if todo = todo[:len(todo)-1]; !seen[n] {
			seen[n] = true
			todo = append(todo, g.nodes[n].needs...)
		}
	}
	return seen
}

// attach adds the packages of a file to an inventory, with the graph. A file that
// does not tell what its project needs has one that needs what nothing else
// does.
func (g *lockGraph) attach(inv *sbom.Inventory, file string, ps []sbom.Package) {
	if !g.rooted() {
		if g.flat { // nothing is told
			inv.Packages = append(inv.Packages, ps...)
			return
		}
		n := g.project("", "", file, "")
		g.others[g.nodes[n].other].Guessed = true
		g.nodes[n].needs = g.heads(n)
	}
	at := make([]int32, len(g.nodes)) // by node: among packages and others; -1: none
	for n, node := range g.nodes {
		switch at[n] = -1; {
		case node.pkg >= 0:
			at[n] = int32(node.pkg)
		case node.other >= 0:
			at[n] = int32(len(ps) + node.other)
		}
	}
	needs := make([][]int32, len(ps)+len(g.others))
	for n, node := range g.nodes {
		if at[n] < 0 || g.flat && node.pkg >= 0 && node.needs == nil {
			continue
		}
		list := make([]int32, 0, len(node.needs)+len(node.dev))
		for _, to := range slices.Concat(node.needs, node.dev) {
			if at[to] >= 0 {
				list = append(list, at[to])
			}
		}
		needs[at[n]] = list
	}
	inv.Attach(ps, g.others, needs)
}

// heads are the nodes before n that nothing else needs.
func (g *lockGraph) heads(n int32) []int32 {
	edges, of := make(sbom.Graph, n), make([]int32, n)
	for i := range of {
		edges[i], of[i] = g.nodes[i].needs, int32(i)
	}
	return edges.Heads(of)
}
