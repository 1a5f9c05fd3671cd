package catalog

import (
	"bytes"
	"slices"
	"strings"
)

// pyGraph is the graph of a poetry.lock or uv.lock while its tables are read.
type pyGraph struct {
	lockGraph
	nodes  map[string][]int32 // by name
	needs  [][]string         // by node: names
	own    []bool             // by node: the project itself or a member of its workspace
	devs   []string           // what those need for development
	marked bool               // the file marks its packages itself
	odd    bool               // too many packages have one name
}

func newPyGraph() *pyGraph { return &pyGraph{nodes: map[string][]int32{}} }

// add takes one table in: a package, or -1 for the project's own.
func (g *pyGraph) add(t lockTable, pkg int) {
	n := g.node(pkg)
	name := pyName(t.str("name"))
	if g.odd = g.odd || len(g.nodes[name]) >= lockNamesakes; g.odd {
		return
	}
	g.nodes[name] = append(g.nodes[name], n)
	g.own = append(g.own, pkg < 0)
	var needs []string
	for _, key := range []string{"dependencies", "optional-dependencies"} {
		for _, l := range t.under(key) {
			needs = append(needs, pyNeed(l)...)
		}
	}
	g.needs = append(g.needs, needs)
	if pkg < 0 {
		for _, l := range t.under("dev-dependencies") {
			g.devs = append(g.devs, pyNeed(l)...)
		}
	}
}

// manifest takes in the dependency groups of a uv project that is no package
// itself: they stand beside the packages.
func (g *pyGraph) manifest(body []byte) error {
	if !bytes.Contains(body, []byte("dependency-groups")) {
		return nil
	}
	t := newLockTOML(body)
	return t.document(tomlVisit{
		header: func([][]byte, bool, int) error { return nil },
		pair: func(path [][]byte, _ int) error {
			return t.value(path, func(path [][]byte, text []byte) error {
				if len(path) >= 4 && string(path[0]) == "manifest" && string(path[1]) == "dependency-groups" && string(path[len(path)-1]) == "name" {
					g.devs = append(g.devs, pyName(string(text)))
				}
				return nil
			})
		},
	})
}

// pyNeed is the name of a dependency: uv has a table with a name in a list,
// poetry a key.
func pyNeed(l lockLeaf) []string {
	switch n := len(l.path); {
	case n > 0 && l.path[n-1] == "name":
		return []string{pyName(l.text)}
	case n > 0 && l.key == "dependencies":
		return []string{pyName(l.path[0])}
	}
	return nil
}

// join makes edges of names, and roots of what the project's own tables need.
func (g *pyGraph) join() {
	if g.odd {
		return
	}
	for i, needs := range g.needs {
		for _, name := range slices.Compact(needs) {
			if g.own[i] {
				g.direct = append(g.direct, g.nodes[name]...)
			} else {
				g.edges[i] = append(g.edges[i], g.nodes[name]...)
			}
		}
	}
	for _, name := range g.devs {
		g.dev = append(g.dev, g.nodes[name]...)
	}
}

// pyRoots takes from pyproject.toml what the project depends on, and what of it
// for development: every group but the main one.
func pyRoots(r *lockResult, manifest []byte) {
	t := newLockTOML(manifest)
	var direct, dev []int32
	complete := true
	type root struct {
		to   *[]int32
		name string
	}
	seen := map[root]bool{}
	add := func(to *[]int32, name string) {
		if seen[root{to, name}] {
			return
		}
		seen[root{to, name}] = true
		found := r.nodes[pyName(name)]
		complete = complete && (len(found) > 0 || name == "python" || to == &dev)
		*to = append(*to, found...)
	}
	err := t.document(tomlVisit{
		header: func([][]byte, bool, int) error { return nil },
		pair: func(path [][]byte, _ int) error {
			return t.value(path, func(path [][]byte, text []byte) error {
				var at []string
				for _, part := range path {
					at = append(at, string(part))
				}
				switch key := strings.Join(at[:min(len(at), 3)], "."); {
				case len(at) >= 4 && key == "tool.poetry.dependencies":
					add(&direct, at[3])
				case len(at) >= 4 && key == "tool.poetry.dev-dependencies":
					add(&dev, at[3])
				case len(at) >= 6 && key == "tool.poetry.group" && at[4] == "dependencies" && at[3] == "main":
					add(&direct, at[5])
				case len(at) >= 6 && key == "tool.poetry.group" && at[4] == "dependencies":
					add(&dev, at[5])
				case key == "project.dependencies", strings.HasPrefix(key, "project.optional-dependencies."):
					add(&direct, pyRequired(string(text)))
				case len(at) == 2 && at[0] == "dependency-groups":
					add(&dev, pyRequired(string(text)))
				}
				return nil
			})
		},
	})
	if err == nil && complete && len(dev) > 0 {
		r.graph.direct, r.graph.dev = direct, dev
		r.graph.mark(r.Packages)
	}
}

// pyRequired is the name in a requirement: "flask[async]>=2".
func pyRequired(s string) string {
	s = strings.TrimSpace(s)
	if i := strings.IndexAny(s, " [<>=!~;(@"); i >= 0 {
		return s[:i]
	}
	return s
}
