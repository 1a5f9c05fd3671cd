package catalog

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/sbom"
)

// javaOptional ends a need that only who builds an application decides on.
const javaOptional = "?"

// needs are the dependencies of a project that come to lie beside what is built of
// it, by group:artifact: not those for tests, nor what a container provides.
func (m *mavenFile) needs() []string {
	out := []string{}
	for at := m.usual(); at != nil; at = at.up {
		for _, d := range at.deps {
			c, _, scope := m.pin(d)
			if scope != "" && scope != "compile" && scope != "runtime" || !mavenWord(c.group) || !mavenWord(c.artifactID) {
				continue
			}
			need := c.group + ":" + c.artifactID
			if d.optional {
				need += javaOptional
			}
			out = append(out, need)
		}
	}
	return out
}

// javaPlace is an archive's package at one of its places.
type javaPlace struct {
	file   string // the outermost archive
	node   int32
	nested bool // it is of an archive within that one
}

// javaGroves is what is known of the archives of an image: by group:artifact, and
// by the folder or archive in which they lie together.
type javaGroves struct {
	named  map[string][]javaPlace
	groves map[string][]javaPlace
}

// java joins what the poms within archives tell, among the archives of the image.
// The versions are those that are there, whatever a pom asks for.
func (in *imageGraph) java(ms []*manifestFact, ps []sbom.Package) {
	if len(ms) == 0 {
		return
	}
	g := in.javaGroves()
	var all []int32
	by := map[string][]*manifestFact{}
	for _, m := range ms {
		by[m.path] = append(by[m.path], m)
		from := place(m.of)
		if from < 0 {
			continue
		}
		in.tell(from)
		for _, need := range m.needs {
			in.tell(from, g.find(need, m.path)...)
		}
	}
	for _, at := range g.groves {
		for _, p := range at {
			all = append(all, p.node)
		}
	}
	slices.Sort(all)
	heads := sbom.Graph(in.needs).Heads(slices.Compact(all))
	for _, dir := range slices.Sorted(maps.Keys(g.groves)) {
		in.grove(dir, g, heads, by[dir], ps)
	}
}

// grove adds a root over the archives of one place: the application that they are
// there for, where its own pom tells it, and else what nothing needs.
func (in *imageGraph) grove(dir string, g *javaGroves, heads []int32, ms []*manifestFact, ps []sbom.Package) {
	var top, apps []int32
	told := false
	for _, p := range g.groves[dir] {
		told = told || in.needs[p.node] != nil
		if _, head := slices.BinarySearch(heads, p.node); !head {
			continue
		}
		top = append(top, p.node)
		if !p.nested && p.file == dir && len(in.needs[p.node]) > 0 {
			apps = append(apps, p.node)
		}
	}
	if !told {
		return
	}
	if len(apps) == 1 {
		app := apps[0]
		ps[app].Root = true
		for _, m := range ms {
			for _, need := range m.needs {
				if need, optional := strings.CutSuffix(need, javaOptional); optional && place(m.of) == app {
					in.tell(app, g.find(need, dir)...)
				}
			}
		}
		reached := in.reached(app)
		top = slices.DeleteFunc(top, func(n int32) bool { return reached[n] })
	}
	if len(top) > 0 {
		in.root(in.system(dir), top, top)
		in.components[len(in.components)-1].Guessed = true
	}
}

// reached are the nodes that one leads to, itself included.
func (in *imageGraph) reached(from int32) map[int32]bool {
	seen := map[int32]bool{}
	for todo := []int32{from}; len(todo) > 0; {
		n := todo[len(todo)-1]
		if todo = todo[:len(todo)-1]; !seen[n] {
			seen[n] = true
			todo = append(todo, in.needs[n]...)
		}
	}
	return seen
}

// javaGroves sorts the archives that the image shows. Those within an archive, or
// shaded into it, are together there; others in their folder.
func (in *imageGraph) javaGroves() *javaGroves {
	g := &javaGroves{map[string][]javaPlace{}, map[string][]javaPlace{}}
	count := map[string]int{}
	each := func(do func(it *item, at *site)) {
		for _, it := range in.order {
			for k := range it.sites {
				if at := &it.sites[k]; it.pkg.Type == "maven" && at.visible && place(it) >= 0 && javaArchive(at.path) {
					do(it, at)
				}
			}
		}
	}
	each(func(_ *item, at *site) { count[at.path]++ })
	each(func(it *item, at *site) {
		p := javaPlace{file: at.path, node: place(it)}
		p.nested = len(at.places) > 0 && !slices.ContainsFunc(at.places, func(l sbom.Location) bool { return !strings.Contains(l.Path, "!/") })
		dir := at.path
		if count[dir] == 1 {
			dir = path.Dir(dir)
		}
		key := it.pkg.Namespace + ":" + it.pkg.Name
		g.named[key], g.groves[dir] = append(g.named[key], p), append(g.groves[dir], p)
	})
	return g
}

// find is what a need of an archive leads to: what lies in the same outermost
// archive, else in its folder, else the only one that there is.
func (g *javaGroves) find(need, file string) []int32 {
	for _, near := range []func(string) bool{
		func(other string) bool { return other == file },
		func(other string) bool { return path.Dir(other) == path.Dir(file) },
	} {
		var out []int32
		for _, p := range g.named[need] {
			if near(p.file) {
				out = append(out, p.node)
			}
		}
		if out != nil {
			return out
		}
	}
	var only []int32
	for _, p := range g.named[need] {
		only = append(only, p.node)
	}
	slices.Sort(only)
	if only = slices.Compact(only); len(only) == 1 {
		return only
	}
	return nil
}
