package catalog

import (
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/sbom"
)

// lockNamesakes is how many entries of one name a graph is made of where a
// dependency says no more than the name; a file with more of one is not marked.
const lockNamesakes = 16

// lockGraph is which package of a lock file depends on which. Its nodes are the
// file's entries, the project's own ones too, in the order in which they came.
type lockGraph struct {
	pkg    []int     // by node: its index among the file's packages; -1: none of them
	edges  [][]int32 // by node: what it depends on
	direct []int32   // what the project itself depends on, not for development
	dev    []int32   // and for development
}

// node adds an entry.
func (g *lockGraph) node(pkg int) int32 {
	g.pkg = append(g.pkg, pkg)
	g.edges = append(g.edges, nil)
	return int32(len(g.pkg) - 1)
}

// tell gives each package of the file the direct dependencies that bring it. A
// lock file that does not say which are direct has those that nothing else
// depends on.
func (g *lockGraph) tell(ps []sbom.Package) {
	direct := slices.Concat(g.direct, g.dev)
	if len(direct) == 0 {
		direct = g.heads()
	}
	isDirect := make([]bool, len(g.pkg))
	for _, n := range direct {
		isDirect[n] = true
	}
	brought := make([][]int32, len(g.pkg)) // by node: nodes of direct dependencies, at most sbom.MaxVia
	slices.SortStableFunc(direct, func(a, b int32) int { return strings.Compare(g.label(ps, a), g.label(ps, b)) })
	var todo []int32
	for _, from := range slices.Compact(direct) {
		if g.pkg[from] < 0 {
			continue
		}
		// A node that is full passes nothing on: what it depends on has all of
		// its own already.
		for todo = append(todo[:0], from); len(todo) > 0; {
			n := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			for _, to := range g.edges[n] {
				if b := brought[to]; len(b) < sbom.MaxVia && (len(b) == 0 || b[len(b)-1] != from) {
					brought[to] = append(b, from)
					todo = append(todo, to)
				}
			}
		}
	}
	for n, by := range brought {
		if g.pkg[n] < 0 || isDirect[n] {
			continue
		}
		var via []string
		for _, from := range by {
			via = append(via, g.label(ps, from))
		}
		p := &ps[g.pkg[n]]
		p.Via = sbom.UniteVia(p.Via, via)
	}
}

// label is what a person calls a node.
func (g *lockGraph) label(ps []sbom.Package, n int32) string {
	if g.pkg[n] < 0 {
		return ""
	}
	p := ps[g.pkg[n]]
	if p.Namespace != "" {
		return p.Namespace + "/" + p.Name + " " + p.Version
	}
	return p.Name + " " + p.Version
}

// heads are the nodes that no other depends on.
func (g *lockGraph) heads() []int32 {
	needed := make([]bool, len(g.pkg))
	for from, tos := range g.edges {
		for _, to := range tos {
			needed[to] = needed[to] || int(to) != from
		}
	}
	var out []int32
	for n := range g.pkg {
		if !needed[n] {
			out = append(out, int32(n))
		}
	}
	return out
}

// mark marks for development what the project's development dependencies need
// and nothing else does. It is for lock files that do not mark it themselves.
func (g *lockGraph) mark(ps []sbom.Package) {
	production, development := g.reach(g.direct), g.reach(g.dev)
	for n, i := range g.pkg {
		if i >= 0 && development[n] && !production[n] {
			ps[i].Dev = true
		}
	}
}

func (g *lockGraph) reach(from []int32) []bool {
	seen := make([]bool, len(g.pkg))
	for todo := slices.Clone(from); len(todo) > 0; {
		n := todo[len(todo)-1]
		if todo = todo[:len(todo)-1]; !seen[n] {
			seen[n] = true
			todo = append(todo, g.edges[n]...)
		}
	}
	return seen
}
