package catalog

import (
	"path"
	"strings"

	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// nodeModules joins the package.json of installed packages and of the projects
// above them, as Node finds one from another: the nearest node_modules that has
// the name, through the links that pnpm and workspaces put there.
func (in *imageGraph) nodeModules(ms []*manifestFact) {
	if len(ms) == 0 {
		return
	}
	at := make(map[string]int32, len(ms)) // by folder
	for _, m := range ms {
		if m.of != nil {
			if n := place(m.of); n >= 0 {
				at[path.Dir(m.path)] = n
			}
		}
	}
	for _, m := range ms {
		if m.of == nil {
			at[path.Dir(m.path)] = in.add(sbom.Component{
				Kind: "application", Name: m.name, Version: m.version, Path: "/" + m.path, Root: true,
			})
		}
	}
	links := in.moduleLinks()
	reached := map[int32]bool{}
	for _, m := range ms {
		from, ok := at[path.Dir(m.path)]
		if !ok {
			continue
		}
		var found []int32
		for _, name := range m.needs {
			n, ok := nodeFind(at, links, path.Dir(m.path), name)
			if !ok && m.of != nil {
				n, ok = at[debianNode+"/"+name] // where Debian's Node looks at last
			}
			if ok {
				found = append(found, n)
			}
		}
		if m.of != nil || len(found) > 0 {
			in.tell(from, found...)
		}
		if m.of == nil {
			for _, n := range found {
				reached[n] = true
			}
		}
	}
	in.modulesOfNoProject(ms, reached)
}

// modulesOfNoProject gives a root to the node_modules that no project's
// package.json leads to: what is installed for all, npm's own.
func (in *imageGraph) modulesOfNoProject(ms []*manifestFact, reached map[int32]bool) {
	for todo := keysOf(reached); len(todo) > 0; {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, to := range in.needs[n] {
			if !reached[to] {
				reached[to] = true
				todo = append(todo, to)
			}
		}
	}
	members := map[string][]int32{}
	var order []string
	for _, m := range ms {
		n := place(m.of)
		if n < 0 || reached[n] {
			continue
		}
		dir, _, some := strings.Cut("/"+m.path, "/node_modules/")
		if dir += "/node_modules"; !some {
			dir = "/" + debianNode
		}
		if members[dir] == nil {
			order = append(order, dir)
		}
		members[dir] = append(members[dir], n)
	}
	for _, dir := range order {
		in.root(sbom.Component{Kind: "application", Path: dir, Root: true}, members[dir], nil)
	}
}

const debianNode = "usr/share/nodejs"

func keysOf(set map[int32]bool) []int32 {
	out := make([]int32, 0, len(set))
	for n := range set {
		out = append(out, n)
	}
	return out
}

// nodeFind is what a name means to a file in a folder.
func nodeFind(at map[string]int32, links map[string]string, dir, name string) (int32, bool) {
	const longest = 1 << 10 // bytes of a folder that is looked up from
	if len(dir) > longest {
		return 0, false
	}
	for {
		if path.Base(dir) != "node_modules" {
			folder := path.Join(dir, "node_modules", name)
			if n, ok := at[folder]; ok {
				return n, true
			}
			if to, ok := links[folder]; ok {
				n, ok := at[to]
				return n, ok
			}
		}
		if dir == "." || dir == "/" || dir == "" {
			return 0, false
		}
		dir = path.Dir(dir)
	}
}

// moduleLinks are the links in the image's node_modules, with what they lead to.
func (in *imageGraph) moduleLinks() map[string]string {
	links := map[string]string{}
	for i, rec := range in.scan.Records {
		if rec == nil {
			continue
		}
		for k := range rec.Entries {
			e := &rec.Entries[k]
			if e.Kind != layer.Symlink || !strings.Contains(e.Path, "node_modules/") || len(links) > maxPackages {
				continue
			}
			if n, ok := in.tree.Lookup(e.Path); !ok || n.Layer != i {
				continue
			}
			to := e.Link
			if !strings.HasPrefix(to, "/") {
				to = path.Join(path.Dir(e.Path), to)
			}
			links[e.Path] = strings.TrimPrefix(path.Clean(to), "/")
		}
	}
	return links
}
