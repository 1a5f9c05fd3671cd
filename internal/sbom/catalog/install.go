package catalog

import (
	"cmp"
	"path"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// graphFact is what one file tells of the packages that it lists.
type graphFact struct {
	reader, path string
	layer        int
	visible      bool
	items        []*item // by the graph's packages
	graph        *lockGraph
}

// manifestFact is what one file of an installed package, or of a project, tells.
type manifestFact struct {
	reader, path string
	of           *item // nil: a project's
	*manifest
}

// tells notes what a file tells of needs. Of a database that the image does not show
// only the last counts, and only where none took its place: see lostDatabases.
func (j *join) tells(reader, path string, layer int, visible bool, items []*item, got *facts) {
	lost := !visible && len(j.lost[path]) > 0
	if lost {
		j.graphs = slices.DeleteFunc(j.graphs, func(g graphFact) bool { return g.path == path })
	}
	if got.graph != nil && (visible || lost) {
		j.graphs = append(j.graphs, graphFact{reader, path, layer, visible, items, got.graph})
	}
	for i := range got.manifests {
		if !visible {
			break
		}
		m := manifestFact{reader: reader, path: path, manifest: &got.manifests[i]}
		if m.pkg >= 0 {
			m.of = items[m.pkg]
		}
		j.manifests = append(j.manifests, m)
	}
}

// imageGraph makes the graph of an image: what each file tells of what it lists,
// and what the files of single packages come to together. Its nodes are the
// packages, by their places, and after them what is no package.
type imageGraph struct {
	*join
	packages   int
	components []sbom.Component
	needs      [][]int32
}

// graph gives the inventory its packages, with what they need.
func (j *join) graph(ps []sbom.Package) {
	if len(j.graphs)+len(j.manifests) == 0 {
		j.inv.Packages = ps
		return
	}
	in := &imageGraph{join: j, packages: len(ps), needs: make([][]int32, len(ps))}
	for i := range j.graphs {
		if f := &j.graphs[i]; f.visible {
			in.file(f, ps)
		}
	}
	in.ofManifests(ps)
	j.inv.Attach(ps, in.components, in.needs)
}

// add adds what is no package.
func (in *imageGraph) add(c sbom.Component) int32 {
	in.components = append(in.components, c)
	in.needs = append(in.needs, nil)
	return int32(len(in.needs) - 1)
}

// place is a package's, or -1 where it is not in the inventory.
func place(it *item) int32 {
	if it == nil || !it.visible {
		return -1
	}
	return it.place - 1
}

// tell adds to what a node needs; nothing more is something told, too.
func (in *imageGraph) tell(node int32, needs ...int32) {
	if in.needs[node] == nil {
		in.needs[node] = []int32{}
	}
	for _, n := range needs {
		if n >= 0 {
			in.needs[node] = append(in.needs[node], n)
		}
	}
}

// file takes in what one file tells.
func (in *imageGraph) file(f *graphFact, ps []sbom.Package) {
	g := f.graph
	at := make([]int32, len(g.nodes))
	var members []int32
	rooted := false
	for n, node := range g.nodes {
		switch at[n] = -1; {
		case node.pkg >= 0:
			if at[n] = place(f.items[node.pkg]); at[n] >= 0 {
				members = append(members, at[n])
				rooted = rooted || ps[at[n]].Root
			}
		case node.other >= 0:
			c := g.others[node.other]
			c.Path = "/" + f.path
			at[n] = in.add(c)
			rooted = rooted || c.Root
		}
	}
	for n, node := range g.nodes {
		if at[n] < 0 || g.flat && node.needs == nil {
			continue
		}
		in.tell(at[n])
		for _, to := range node.needs {
			in.tell(at[n], at[to])
		}
	}
	if rooted {
		return
	}
	asked := in.asked(f, at, ps)
	if asked != nil {
		in.bringAlong(g, at, asked)
	}
	in.root(in.system(f.path), members, asked)
}

// bringAlong adds what packages bring along and could do without, where nothing
// else brings it: what is recommended was installed for that.
func (in *imageGraph) bringAlong(g *lockGraph, at, asked []int32) {
	reached := make([]bool, len(in.needs))
	reach := func(from []int32) {
		for todo := slices.Clone(from); len(todo) > 0; {
			n := todo[len(todo)-1]
			if todo = todo[:len(todo)-1]; n >= 0 && !reached[n] {
				reached[n] = true
				todo = append(todo, in.needs[n]...)
			}
		}
	}
	reach(asked)
	for again := true; again; {
		again = false
		for n, node := range g.nodes {
			if at[n] < 0 || !reached[at[n]] {
				continue
			}
			for _, w := range node.weak {
				if to := at[w]; to >= 0 && !reached[to] {
					in.tell(at[n], to)
					reach([]int32{to})
					again = true
				}
			}
		}
	}
}

// system is what stands for all that a file lists: of a distribution's database,
// the distribution.
func (in *imageGraph) system(file string) sbom.Component {
	c := sbom.Component{Kind: string(cdx.ComponentTypeApplication), Path: "/" + file, Root: true}
	if d := in.inv.Distro; isDatabase(file) && d != nil {
		c.Kind, c.Name, c.Version = string(cdx.ComponentTypeOS), d.ID, cmp.Or(d.VersionID, d.Codename)
	}
	return c
}

// root adds a root over nodes: what of them was asked for, or where that is not
// known, what nothing else of them needs.
func (in *imageGraph) root(c sbom.Component, members, asked []int32) {
	if len(members) == 0 {
		return
	}
	if asked == nil {
		slices.Sort(members)
		c.Guessed, asked = true, sbom.Graph(in.needs).Heads(slices.Compact(members))
	}
	in.tell(in.add(c), asked...)
}

// asked are the packages that somebody asked for, by the files that a package
// manager keeps of it; nil: there are none.
func (in *imageGraph) asked(f *graphFact, at []int32, ps []sbom.Package) []int32 {
	var brought map[string]bool // for others; nil: not known
	switch f.reader {
	case "apk":
		if in.world == nil {
			return nil
		}
	case "dpkg":
		brought = in.automatic
	case "rpm":
		if brought = in.brought; brought == nil && !in.unsaved {
			brought = in.history
		}
	}
	if f.reader != "apk" && brought == nil {
		return nil
	}
	var out []int32
	for i, n := range at {
		if n < 0 || int(n) >= len(ps) {
			continue
		}
		switch name := ps[n].Name; f.reader {
		case "apk":
			if in.world[name] || slices.ContainsFunc(f.graph.nodes[i].also, func(s string) bool { return in.world[s] }) {
				out = append(out, n)
			}
		default:
			if !brought[name] {
				out = append(out, n)
			}
		}
	}
	return out
}

// ofManifests joins the files of single packages: those of one place find each
// other.
func (in *imageGraph) ofManifests(ps []sbom.Package) {
	by := map[string][]*manifestFact{}
	for i := range in.manifests {
		m := &in.manifests[i]
		by[m.reader] = append(by[m.reader], m)
	}
	in.nodeModules(slices.Concat(by["npm"], by[npmProjectReader]))
	in.java(by[javaReader], ps)
	for _, reader := range []string{"python", "gem", "dpkg"} {
		in.environments(reader, by[reader], ps)
	}
}

// environments joins packages that are installed in one folder. Who asked for
// them is not told, except for Python's.
func (in *imageGraph) environments(reader string, ms []*manifestFact, ps []sbom.Package) {
	type environment struct {
		members []int32
		all     []*manifestFact
	}
	envs := map[string]*environment{}
	var order []string
	for _, m := range ms {
		if place(m.of) < 0 {
			continue
		}
		dir := environmentOf(reader, m.path)
		e := envs[dir]
		if e == nil {
			e = &environment{}
			envs[dir] = e
			order = append(order, dir)
		}
		e.all, e.members = append(e.all, m), append(e.members, place(m.of))
	}
	slices.Sort(order)
	for _, dir := range order {
		e := envs[dir]
		var join func([]*manifestFact, []sbom.Package)
		switch reader {
		case "python":
			join = in.python
		case "gem":
			join = in.gems
		default:
			join = in.debs
		}
		join(e.all, ps)
		c := in.system(dir)
		var asked []int32
		switch reader {
		case "python":
			asked = in.requested(e.all)
		case "dpkg":
			c = in.system("var/lib/dpkg/status")
			c.Path = "/" + dir
		}
		in.root(c, e.members, asked)
	}
}

// environmentOf is the folder in which the packages of a file find each other.
func environmentOf(reader, p string) string {
	dir := path.Dir(p)
	if reader == "gem" && path.Base(dir) == "default" {
		return path.Dir(dir) // those that come with Ruby
	}
	if reader != "python" || pyConda(p) || strings.HasSuffix(p, ".egg-info") {
		return dir
	}
	return path.Dir(dir) // above x.dist-info, x.egg-info and EGG-INFO
}
