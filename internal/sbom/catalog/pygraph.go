package catalog

import (
	"bytes"
	"path"
	"strings"
)

// pyGraph is the graph of a lock file while its tables are read.
type pyGraph struct {
	lockGraph
	nodes  map[string][]int32 // by name
	tables []pyNode           // by node
	extras map[string]bool    // packages of which an extra is wanted
	keyed  bool               // a dependency is a key, as poetry has it
	groups []string           // what the project needs for development, by a part of the file that is no package
	marked bool               // the file marks its packages itself
	odd    bool               // too many packages have one name
}

// pyNode is what a table says that its package needs.
type pyNode struct {
	name       string
	version    string
	needs, dev []pyWant
}

// pyWant is a dependency: its name and, where several packages have it, the
// version.
type pyWant struct {
	name, version string
	optional      bool // it is of an extra, which somebody may want or not
}

func newPyGraph(keyed bool) *pyGraph {
	return &pyGraph{nodes: map[string][]int32{}, extras: map[string]bool{}, keyed: keyed}
}

// add takes one table in: of a node that was just added.
func (g *pyGraph) add(n int32, t lockTable) {
	name := pyName(t.str("name"))
	if g.odd = g.odd || len(g.nodes[name]) >= lockNamesakes; g.odd {
		return
	}
	g.nodes[name] = append(g.nodes[name], n)
	node := pyNode{name: name, version: t.str("version")}
	for _, key := range []string{"dependencies", "optional-dependencies"} {
		node.needs = g.wants(t.under(key), node.needs)
	}
	if g.isProject(n) {
		node.dev = g.wants(t.under("dev-dependencies"), nil)
	}
	for len(g.tables) <= int(n) {
		g.tables = append(g.tables, pyNode{})
	}
	g.tables[n] = node
}

// wants adds the dependencies that a table lists in one of the forms that there
// are: tables with a name, a key for each, or requirements.
func (g *pyGraph) wants(leaves []lockLeaf, to []pyWant) []pyWant {
	for _, l := range leaves {
		field := ""
		if n := len(l.path); n > 0 {
			field = l.path[n-1]
		}
		last := len(to) - 1
		switch {
		case g.keyed && len(l.path) > 0:
			name := pyName(l.path[0])
			if last < 0 || to[last].name != name {
				to = append(to, pyWant{name: name})
				last++
			}
			if len(l.path) > 1 && field == "optional" {
				to[last].optional = l.text == "true"
			}
			if len(l.path) > 1 && field == "extras" {
				g.extras[name] = true
			}
		case field == "name":
			to = append(to, pyWant{name: pyName(l.text)})
		case field == "version" && last >= 0:
			to[last].version = l.text
		case field == "" && l.key == "dependencies":
			to = append(to, pyWant{name: pyName(pyRequired(l.text))})
		}
	}
	return to
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
					g.groups = append(g.groups, pyName(string(text)))
				}
				return nil
			})
		},
	})
}

// join makes edges of names.
func (g *pyGraph) join() {
	if g.odd {
		return
	}
	for n, t := range g.tables {
		for _, w := range t.needs {
			if !w.optional || g.isProject(int32(n)) || g.extras[t.name] {
				g.lockGraph.nodes[n].needs = append(g.lockGraph.nodes[n].needs, g.find(w)...)
			}
		}
		for _, w := range t.dev {
			g.lockGraph.nodes[n].dev = append(g.lockGraph.nodes[n].dev, g.find(w)...)
		}
	}
}

// find is what the file has for a dependency.
func (g *pyGraph) find(w pyWant) []int32 {
	all := g.nodes[w.name]
	for i, n := range all {
		if w.version != "" && g.tables[n].version == w.version {
			return all[i : i+1]
		}
	}
	return all
}

// pyRoots takes from pyproject.toml what the project depends on, and what of it
// for development: every group but the main one.
func pyRoots(w besides, file string, r *lockResult) {
	g := r.graph
	if g.rooted() {
		return
	}
	manifest, err := w.body(path.Join(path.Dir(file), "pyproject.toml"))
	if err != nil {
		return
	}
	m, err := pyProjectOf(manifest)
	if err != nil || len(m.needs)+len(m.dev) == 0 {
		return
	}
	node, complete := lockNode{pkg: -1}, true
	for _, name := range m.needs {
		found := r.nodes[name]
		complete = complete && (len(found) > 0 || name == "python" || name == m.name)
		node.needs = append(node.needs, found...)
	}
	for _, name := range m.dev {
		node.dev = append(node.dev, r.nodes[name]...)
	}
	n := g.project(m.name, m.version, file, "")
	node.other = g.nodes[n].other
	g.nodes[n] = node
	switch {
	case !complete:
		g.others[node.other].Guessed = true
		g.nodes[n].needs = append(node.needs, g.heads(n)...)
	case len(m.dev) > 0 && !r.marked:
		g.mark(r.Packages)
	}
}

// pyProject is what a pyproject.toml says of a project: names, each once.
type pyProject struct {
	name, version string
	needs, dev    []string
}

func pyProjectOf(body []byte) (pyProject, error) {
	var m pyProject
	type root struct {
		to   *[]string
		name string
	}
	seen := map[root]bool{}
	add := func(to *[]string, name string) {
		if name = pyName(name); !seen[root{to, name}] {
			seen[root{to, name}] = true
			*to = append(*to, name)
		}
	}
	t := newLockTOML(body)
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
					add(&m.needs, at[3])
				case len(at) >= 4 && key == "tool.poetry.dev-dependencies":
					add(&m.dev, at[3])
				case len(at) >= 6 && key == "tool.poetry.group" && at[4] == "dependencies" && at[3] == "main":
					add(&m.needs, at[5])
				case len(at) >= 6 && key == "tool.poetry.group" && at[4] == "dependencies":
					add(&m.dev, at[5])
				case key == "project.dependencies", strings.HasPrefix(key, "project.optional-dependencies."):
					add(&m.needs, pyRequired(string(text)))
				case len(at) == 2 && at[0] == "dependency-groups", key == "tool.pdm.dev-dependencies":
					add(&m.dev, pyRequired(string(text)))
				case key == "project.name", key == "tool.poetry.name":
					m.name = pyName(string(text))
				case key == "project.version", key == "tool.poetry.version":
					m.version = string(text)
				}
				return nil
			})
		},
	})
	return m, err
}

// pyRequired is the name in a requirement: "flask[async]>=2".
func pyRequired(s string) string {
	s = strings.TrimSpace(s)
	if i := strings.IndexAny(s, " [<>=!~;(@"); i >= 0 {
		return s[:i]
	}
	return s
}
