package sbom

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// graphOf makes an inventory of lines such as "a > b c"; what is in capitals is a
// project, and "a >" needs nothing.
func graphOf(t testing.TB, lines ...string) *Inventory {
	t.Helper()
	inv := &Inventory{}
	var ps []Package
	var cs []Component
	at := map[string]int32{}
	var names []string
	meet := func(name string) {
		if _, ok := at[name]; !ok {
			at[name] = 0
			names = append(names, name)
		}
	}
	for _, l := range lines {
		from, to, _ := strings.Cut(l, " >")
		meet(from)
		for _, name := range strings.Fields(to) {
			meet(name)
		}
	}
	for _, name := range names {
		if name != strings.ToUpper(name) {
			at[name] = int32(len(ps))
			ps = append(ps, Package{Type: "npm", Name: name, Version: "1", LayerIndex: -1})
		}
	}
	for _, name := range names {
		if name == strings.ToUpper(name) {
			at[name] = int32(len(ps) + len(cs))
			cs = append(cs, Component{Name: name, Root: true})
		}
	}
	needs := make([][]int32, len(names))
	for _, l := range lines {
		from, to, told := strings.Cut(l, " >")
		if !told {
			continue
		}
		needs[at[from]] = []int32{}
		for _, name := range strings.Fields(to) {
			needs[at[from]] = append(needs[at[from]], at[name])
		}
	}
	inv.Attach(ps, cs, needs)
	inv.Sort()
	return inv
}

func waysOf(inv *Inventory, name string, most int) []string {
	out := []string{}
	for _, p := range inv.Named(name) {
		for _, way := range NewWays(inv).To(p, most) {
			var steps []string
			for _, s := range way {
				steps = append(steps, strings.TrimSuffix(s.Label(), " 1"))
			}
			out = append(out, strings.Join(steps, " "))
		}
	}
	return out
}

func TestWays(t *testing.T) {
	for _, c := range []struct {
		name, of string
		graph    []string
		want     []string
	}{
		{"direct", "a", []string{"P > a"}, []string{"P a"}},
		{"the shortest", "c", []string{"P > a", "a > b c", "b > c"}, []string{"P a c"}},
		{"one for each direct", "c", []string{"P > a b", "a > x", "x > c", "b > c"}, []string{"P b c", "P a x c"}},
		{"direct and brought", "b", []string{"P > a b", "a > b"}, []string{"P b"}},
		{"not through another direct", "c", []string{"P > a b", "a > b", "b > c"}, []string{"P b c"}},
		{"circles", "c", []string{"P > a", "a > b", "b > a c", "c > b"}, []string{"P a b c"}},
		{"itself", "a", []string{"P > a", "a > a"}, []string{"P a"}},
		{"two projects", "c", []string{"P > a", "Q > b", "a > c", "b > c"}, []string{"P a c", "Q b c"}},
		{"direct in one of them", "c", []string{"P > a", "Q > c", "a > c"}, []string{"Q c", "P a c"}},
		{"a project that another needs", "c", []string{"P > Q a", "Q > c"}, []string{"Q c"}},
		{"nothing needs it", "c", []string{"P > a", "c >"}, []string{}},
		{"not told", "c", []string{"P", "c"}, []string{}},
		{"at most so many of one project", "z", []string{"P > a b c d e", "a > z", "b > z", "c > z", "d > z", "e > z"}, []string{"P a z", "P b z", "P c z", "P d z"}},
	} {
		if d := cmp.Diff(c.want, waysOf(graphOf(t, c.graph...), c.of, 4)); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
}

// What two lock files call by one name and version is one package, and may need
// something else in each: a way does not lead from one to the other.
func TestAWayStaysInItsProject(t *testing.T) {
	inv := graphOf(t, "P > a", "Q > a", "a > b c")
	place := func(name string, files ...string) {
		for _, f := range files {
			p := inv.Named(name)[0]
			p.Locations = append(p.Locations, Location{Path: f})
		}
	}
	inv.Components[0].Path, inv.Components[1].Path = "p.lock", "q.lock"
	place("a", "p.lock", "q.lock")
	place("b", "p.lock")
	place("c", "q.lock")
	for of, want := range map[string][]string{"b": {"P a b"}, "c": {"Q a c"}} {
		if d := cmp.Diff(want, waysOf(inv, of, 4)); d != "" {
			t.Errorf("%s: %s", of, d)
		}
	}
}

// drawnGraph draws projects A, B … and packages a, b ….
func drawnGraph(t *rapid.T) []string {
	n, roots := rapid.IntRange(1, 12).Draw(t, "packages"), rapid.IntRange(0, 3).Draw(t, "projects")
	var lines []string
	for i := range n + roots {
		name := fmt.Sprintf("p%d", i)
		if i >= n {
			name = fmt.Sprintf("P%d", i)
		}
		if i < n && rapid.Bool().Draw(t, "not told") {
			lines = append(lines, name)
			continue
		}
		line := name + " >"
		for range rapid.IntRange(0, 3).Draw(t, "needs") {
			line += fmt.Sprintf(" p%d", rapid.IntRange(0, n-1).Draw(t, "need"))
		}
		lines = append(lines, line)
	}
	return lines
}

// TestWaysAreWays: each step is needed by the one before, each way is as short as
// there is one by its direct dependency, and there is a way to a package if a
// project leads to it.
func TestWaysAreWays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := drawnGraph(t)
		inv := graphOf(noTB{}, lines...)
		ways := NewWays(inv)
		reached := map[int32]bool{}
		for _, c := range inv.Components {
			todo := []int32{c.Node}
			for len(todo) > 0 {
				n := todo[0]
				todo = todo[1:]
				for _, need := range inv.Graph[n] {
					if !reached[need] {
						reached[need] = true
						todo = append(todo, need)
					}
				}
			}
		}
		for i := range inv.Packages {
			p := &inv.Packages[i]
			found := ways.To(p, 100)
			if (len(found) > 0) != reached[p.Node] {
				t.Fatalf("%q: %d ways to %s", lines, len(found), p.Name)
			}
			for _, way := range found {
				if way[0].Component == nil || way[len(way)-1].Package != p {
					t.Fatalf("%q: a way from or to something else: %v", lines, way)
				}
				for k, s := range way[1:] {
					needs, _ := ways.Needs(way[k], "")
					if !slices.Contains(needs, s) {
						t.Fatalf("%q: %s does not need %s", lines, way[k].Label(), s.Label())
					}
				}
			}
		}
	})
}

// noTB is a testing.TB that is never told anything.
type noTB struct{ testing.TB }

func (noTB) Helper() {}

// TestForestHasAll: from the roots that a reader begins with, all is met that has
// a place in the graph, and the rest is what has none.
func TestForestHasAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := drawnGraph(t)
		inv := graphOf(noTB{}, lines...)
		roots, rest := inv.Forest()
		ways := NewWays(inv)
		met := map[Step]int{}
		var meet func(Step)
		meet = func(s Step) {
			if met[s]++; met[s] > 1 {
				return
			}
			needs, _ := ways.Needs(s, "")
			for _, n := range needs {
				meet(n)
			}
		}
		for _, r := range roots {
			if met[r] > 0 && r.Component != nil {
				t.Fatalf("%q: %s is a root and needed", lines, r.Label())
			}
			meet(r)
		}
		for i := range inv.Packages {
			p := &inv.Packages[i]
			if (met[Step{Package: p}] > 0) == slices.Contains(rest, p) {
				t.Fatalf("%q: %s is in both or in neither", lines, p.Name)
			}
		}
	})
}

// TestMergeUnitesNodes: two records of one package are one node, which needs what
// either does and is needed wherever one was.
func TestMergeUnitesNodes(t *testing.T) {
	inv := &Inventory{}
	p := func(name string) Package { return Package{Type: "npm", Name: name, Version: "1", LayerIndex: -1} }
	root := func(path string) []Component { return []Component{{Path: path, Root: true}} }
	inv.Packages = append(inv.Packages, p("c"))
	inv.Attach([]Package{p("a"), p("b")}, root("one"), [][]int32{{1}, {}, {0}})
	inv.Attach([]Package{p("c"), p("a")}, root("two"), [][]int32{nil, {0}, {1}})
	inv.Merge()
	var got []string
	for i := range inv.Packages {
		needs, told := inv.Graph.Of(inv.Packages[i].Node)
		got = append(got, fmt.Sprint(inv.Packages[i].Name, inv.Packages[i].Node, needs, told))
	}
	want := []string{"a1 [2 3] true", "b2 [] true", "c3 [] false"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(Graph{nil, {2, 3}, {}, nil, {1}, {1}}, inv.Graph); d != "" {
		t.Error(d)
	}
	inv.Packages = slices.DeleteFunc(inv.Packages, func(p Package) bool { return p.Name == "b" })
	inv.Sort()
	if d := cmp.Diff(Graph{nil, {2}, nil, {1}, {1}}, inv.Graph); d != "" {
		t.Errorf("after one has gone: %s", d)
	}
}

// TestWhatIsLeftOutIsNoStep: a way leads through no package that is left out.
func TestWhatIsLeftOutIsNoStep(t *testing.T) {
	inv := graphOf(t, "P > a m", "a > x y", "x > z", "m > z")
	inv.Named("m")[0].Dev = true
	if n := inv.OmitDev(); n != 1 {
		t.Fatal(n)
	}
	if d := cmp.Diff([]string{"P a x z"}, waysOf(inv, "z", 4)); d != "" {
		t.Error(d)
	}
	inv.Packages = slices.DeleteFunc(inv.Packages, func(p Package) bool { return p.Name == "x" })
	if d := cmp.Diff([]string{}, waysOf(inv, "z", 4)); d != "" { // without sorting anew
		t.Error(d)
	}
	inv.Components[0].Path = "go.mod"
	inv.AddFor("go.mod", Package{Type: "golang", Name: "stdlib", Version: "1"})
	inv.AddFor("other", Package{Type: "golang", Name: "lone", Version: "1"})
	inv.Merge()
	for of, want := range map[string][]string{"stdlib": {"P stdlib"}, "lone": {}, "y": {"P a y"}} {
		if d := cmp.Diff(want, waysOf(inv, of, 4)); d != "" {
			t.Errorf("%s: %s", of, d)
		}
	}
}

func TestIncludeKeepsBothGraphs(t *testing.T) {
	all := graphOf(t, "P > a", "a > b")
	all.Include(graphOf(t, "Q > c", "c > d"))
	all.Include(&Inventory{Packages: []Package{{Type: "npm", Name: "e", Version: "1"}}})
	for of, want := range map[string][]string{"b": {"P a b"}, "d": {"Q c d"}, "e": {}} {
		if d := cmp.Diff(want, waysOf(all, of, 4)); d != "" {
			t.Errorf("%s: %s", of, d)
		}
	}
}

func TestNamed(t *testing.T) {
	inv := &Inventory{Packages: []Package{
		{Type: "deb", Namespace: "debian", Name: "libssl3", Version: "3.0", Source: "openssl", Arch: "amd64"},
		{Type: "maven", Namespace: "org.slf4j", Name: "slf4j-api", Version: "2.0"},
		{Type: "npm", Namespace: "@babel", Name: "core", Version: "7.0.0"},
		{Type: "npm", Name: "core", Version: "1.0.0"},
		{Type: "npm", Name: "qs", Version: "6.7.0"},
		{Type: "npm", Name: "qs", Version: "6.8.0"},
		{Type: "npm", Name: "gone", Version: "1", Removed: true},
		{Type: "pypi", Name: "django", Version: "4.0"},
	}}
	for name, want := range map[string]string{
		"qs": "qs 6.7.0, qs 6.8.0", "qs@6.7.0": "qs 6.7.0", "qs 6.8.0": "qs 6.8.0", "QS": "qs 6.7.0, qs 6.8.0", "qs@9": "", "q": "", "": "", "gone": "",
		"@babel/core": "@babel/core 7.0.0", "@babel/core@7.0.0": "@babel/core 7.0.0", "core": "core 1.0.0",
		"org.slf4j:slf4j-api": "org.slf4j:slf4j-api 2.0", "org.slf4j/slf4j-api": "org.slf4j:slf4j-api 2.0", "slf4j-api": "org.slf4j:slf4j-api 2.0",
		"org.slf4j:slf4j-api:2.0": "org.slf4j:slf4j-api 2.0", "openssl": "libssl3 3.0", "Django": "django 4.0",
		"pkg:npm/qs@6.7.0": "qs 6.7.0", "pkg:npm/qs": "qs 6.7.0, qs 6.8.0", "pkg:npm/%40babel/core": "@babel/core 7.0.0",
		"pkg:deb/debian/libssl3?arch=amd64": "libssl3 3.0", "pkg:deb/libssl3": "libssl3 3.0", "pkg:deb/debian/libssl3?arch=arm64": "", "pkg:": "",
	} {
		var got []string
		for _, p := range inv.Named(name) {
			got = append(got, p.Label())
		}
		if s := strings.Join(got, ", "); s != want {
			t.Errorf("%q: %q, want %q", name, s, want)
		}
	}
}

// drawn is an inventory of n packages of one project, each of which needs up to four
// others, as lock files of some size have them.
func drawn(n int) *Inventory {
	inv := &Inventory{}
	ps := make([]Package, n)
	needs := make([][]int32, n+1)
	for i := range ps {
		ps[i] = Package{Type: "npm", Name: fmt.Sprintf("package-%d", i*7919%n), Version: "1.0.0", LayerIndex: -1, Locations: []Location{{Path: "package-lock.json", Line: i + 1}}}
		needs[i] = []int32{}
		for k := 1; k <= 4; k++ {
			if to := i + 1 + i*k*31%97; to < n {
				needs[i] = append(needs[i], int32(to))
			}
		}
	}
	for i := range min(n, 40) {
		needs[n] = append(needs[n], int32(i))
	}
	inv.Attach(ps, []Component{{Name: "shop", Path: "package-lock.json", Root: true}}, needs)
	return inv
}

// BenchmarkGraph is what the graph costs: to put in order, and to ask for the ways
// to each package.
func BenchmarkGraph(b *testing.B) {
	const n = 2000
	b.Run("merge", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			b.StopTimer()
			inv := drawn(n)
			b.StartTimer()
			inv.Merge()
		}
	})
	inv := drawn(n)
	inv.Merge()
	b.Run("ways", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			w, ways := NewWays(inv), 0
			for i := range inv.Packages {
				ways += len(w.To(&inv.Packages[i], 8))
			}
			if ways < n {
				b.Fatal(ways)
			}
		}
	})
	b.Run("forest", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if roots, _ := inv.Forest(); len(roots) == 0 {
				b.Fatal(len(roots))
			}
		}
	})
}
