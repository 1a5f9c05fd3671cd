package image

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-dev/drydock/internal/layer"
)

// record makes a layer of lines like "d etc", "f etc/passwd 12", "l bin usr/bin",
// "h b a", "w etc/motd", "o etc".
func record(lines ...string) *layer.Record {
	kinds := map[string]layer.Kind{"f": layer.File, "d": layer.Dir, "l": layer.Symlink, "h": layer.Hardlink, "w": layer.Whiteout, "o": layer.Opaque}
	r := &layer.Record{}
	for _, l := range lines {
		part := strings.Fields(l)
		e := layer.Entry{Kind: kinds[part[0]], Path: part[1]}
		if len(part) > 2 && e.Kind == layer.File {
			if _, err := fmt.Sscan(part[2], &e.Size); err != nil {
				panic(err)
			}
		} else if len(part) > 2 {
			e.Link = part[2]
		}
		r.Entries = append(r.Entries, e)
	}
	return r
}

func seen(t *Tree) []string {
	var out []string
	t.Walk(func(path string, n Node) bool {
		out = append(out, fmt.Sprintf("%d %s", n.Layer, path))
		return true
	})
	return out
}

func TestTree(t *testing.T) {
	for _, c := range []struct {
		name   string
		layers []*layer.Record
		want   []string
	}{
		{
			"one layer, directories before what is in them",
			[]*layer.Record{record("f a/b/c 1", "d a-b", "d a", "d a/b", "f a.txt 1")},
			[]string{"0 a", "0 a/b", "0 a/b/c", "0 a-b", "0 a.txt"},
		},
		{"whiteout of a file", []*layer.Record{record("f a 1", "f b 1"), record("w a")}, []string{"0 b"}},
		{"whiteout of a directory", []*layer.Record{record("d a", "f a/x 1", "f ab 1"), record("w a")}, []string{"0 ab"}},
		{"whiteout of what is not there", []*layer.Record{record("f a 1"), record("w b")}, []string{"0 a"}},
		{"whiteout and again in the same layer", []*layer.Record{record("d a", "f a/x 1"), record("d a", "f a/y 1", "w a")}, []string{"1 a", "1 a/y"}},
		{
			"opaque keeps its own and the directory",
			[]*layer.Record{record("d a", "f a/x 1", "d a/s", "f a/s/y 1"), record("o a", "f a/z 1")},
			[]string{"0 a", "1 a/z"},
		},
		{"opaque root", []*layer.Record{record("f a 1", "d b"), record("o .", "f c 1")}, []string{"1 c"}},
		{"file over directory", []*layer.Record{record("d a", "f a/x 1"), record("f a 1")}, []string{"1 a"}},
		{"directory over file", []*layer.Record{record("f a 1"), record("d a", "f a/x 1")}, []string{"1 a", "1 a/x"}},
		{"directory over directory keeps what is in it", []*layer.Record{record("d a", "f a/x 1"), record("d a", "f a/y 1")}, []string{"1 a", "0 a/x", "1 a/y"}},
		{"link over directory", []*layer.Record{record("d lib", "f lib/x 1"), record("l lib usr/lib")}, []string{"1 lib"}},
		{"file, then nothing, then below it", []*layer.Record{record("d a", "f a/x 1"), record("f a 1"), record("d a", "f a/y 1")}, []string{"2 a", "2 a/y"}},
		{"removed, then back", []*layer.Record{record("f a 1"), record("w a"), record("f a 2")}, []string{"2 a"}},
		{"a missing record is an empty layer", []*layer.Record{record("f a 1"), nil, record("f b 1")}, []string{"0 a", "2 b"}},
		{"no layers", nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			tree := BuildTree(c.layers)
			if diff := cmp.Diff(c.want, seen(tree)); diff != "" {
				t.Error(diff)
			}
			if tree.Len() != len(c.want) {
				t.Errorf("Len is %d, Walk shows %d", tree.Len(), len(c.want))
			}
		})
	}
}

// TestTreeAgainstModel stacks random layers in the obvious way, with a map, and
// holds every path after every layer to it.
func TestTreeAgainstModel(t *testing.T) {
	names := []string{"a", "b", "a-", "a.b"}
	for seed := range uint64(400) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		path := func() string {
			p := names[rnd.IntN(len(names))]
			for rnd.IntN(3) > 0 && len(p) < 9 {
				p += "/" + names[rnd.IntN(len(names))]
			}
			return p
		}
		var layers []*layer.Record
		for range 1 + rnd.IntN(5) {
			r := &layer.Record{}
			have := map[string]bool{}
			for range rnd.IntN(12) {
				e := layer.Entry{Path: path(), Kind: []layer.Kind{layer.File, layer.Dir, layer.Dir, layer.Symlink, layer.Whiteout, layer.Opaque}[rnd.IntN(6)]}
				if !have[e.Path] {
					have[e.Path] = true
					r.Entries = append(r.Entries, e)
				}
			}
			layers = append(layers, r)
		}
		tree := BuildTree(layers)
		model := map[string]*layer.Entry{}
		for top, r := range layers {
			for i := range r.Entries {
				e := &r.Entries[i]
				for p := range model {
					if e.Kind != layer.Dir && strings.HasPrefix(p, e.Path+"/") || e.Kind == layer.Whiteout && p == e.Path {
						delete(model, p)
					}
				}
			}
			for i := range r.Entries {
				if e := &r.Entries[i]; e.Kind != layer.Whiteout && e.Kind != layer.Opaque {
					model[e.Path] = e
				}
			}
			for range 40 {
				p := path()
				n, ok := tree.At(top, p)
				if ok != (model[p] != nil) || ok && n.Entry != model[p] {
					t.Fatalf("seed %d, layer %d, %s: tree has %v %v, model %v", seed, top, p, ok, n, model[p])
				}
			}
		}
		count := 0
		tree.Walk(func(p string, n Node) bool {
			count++
			if model[p] != n.Entry {
				t.Fatalf("seed %d: Walk shows %s, model has %v", seed, p, model[p])
			}
			return true
		})
		if count != len(model) || tree.Len() != count {
			t.Fatalf("seed %d: %d entries, Len %d, model %d", seed, count, tree.Len(), len(model))
		}
	}
}

func TestVersionsAndUntil(t *testing.T) {
	tree := BuildTree([]*layer.Record{
		record("d etc", "f etc/x 1"), record("f etc/x 2"), record("w etc"), record("d etc", "f etc/x 3"),
	})
	var got []string
	for _, n := range tree.Versions("/etc/x") {
		got = append(got, fmt.Sprintf("%d until %d", n.Layer, n.Until))
	}
	if diff := cmp.Diff([]string{"0 until 1", "1 until 2", "3 until 4"}, got); diff != "" {
		t.Error(diff)
	}
	if n, ok := tree.At(1, "etc/x"); !ok || n.Entry.Size != 2 {
		t.Errorf("after layer 1: %v %v", n, ok)
	}
	if _, ok := tree.At(2, "etc/x"); ok {
		t.Error("after layer 2 it is still there")
	}
}

func TestResolve(t *testing.T) {
	tree := BuildTree([]*layer.Record{record(
		"d usr", "d usr/lib", "f usr/lib/os-release 1", "l lib usr/lib", "d etc", "l etc/os-release ../usr/lib/os-release",
		"l etc/abs /lib/os-release", "l etc/climb ../../../../etc/abs", "l loop1 loop2", "l loop2 loop1", "l dangling nowhere",
		"f deep/er/file 1", "l self .", "l root /",
	)})
	for _, c := range []struct{ path, want string }{
		{"lib/os-release", "usr/lib/os-release"},
		{"/etc/os-release", "usr/lib/os-release"},
		{"etc/abs", "usr/lib/os-release"},
		{"etc/climb", "usr/lib/os-release"},
		{"deep/er/file", "deep/er/file"},
		{"deep/./er/../er/file", "deep/er/file"},
		{"self/self/self/usr", "usr"},
		{"root/root/etc/abs", "usr/lib/os-release"},
	} {
		if got, n, err := tree.Resolve(c.path); err != nil || got != c.want || n.Entry.Path != c.want {
			t.Errorf("%s: %s %v", c.path, got, err)
		}
	}
	for _, p := range []string{"nowhere", "dangling", "etc/none", "deep/nothing/x", ""} {
		if _, _, err := tree.Resolve(p); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", p, err)
		}
	}
	if _, _, err := tree.Resolve("loop1/x"); !errors.Is(err, errLinks) {
		t.Errorf("loop: %v", err)
	}
}

// TestResolveEnds is given links that double what is left to walk.
func TestResolveEnds(t *testing.T) {
	r := record("d z")
	for i := range 30 {
		r.Entries = append(r.Entries, layer.Entry{Kind: layer.Symlink, Path: fmt.Sprintf("l%d", i), Link: strings.Repeat(fmt.Sprintf("l%d/", i+1), 1000)})
	}
	if _, _, err := BuildTree([]*layer.Record{r}).Resolve("l0"); err == nil {
		t.Error("resolved")
	}
}

func TestHardLinks(t *testing.T) {
	tree := BuildTree([]*layer.Record{
		record("f bin/perl 100", "h bin/perl5 bin/perl"),
		record("h bin/again bin/perl", "h bin/lost bin/none", "h bin/a bin/b", "h bin/b bin/a"),
		record("w bin/perl"),
	})
	n, _ := tree.Lookup("bin/perl5")
	if c, ok := tree.Content(n); !ok || c.Entry.Path != "bin/perl" || c.Layer != 0 {
		t.Errorf("same layer: %v %v", c, ok)
	}
	n, _ = tree.Lookup("bin/again")
	if c, ok := tree.Content(n); !ok || c.Entry.Path != "bin/perl" {
		t.Errorf("lower layer: %v %v", c, ok)
	}
	for _, p := range []string{"bin/lost", "bin/a"} {
		n, _ = tree.Lookup(p)
		if _, ok := tree.Content(n); ok {
			t.Errorf("%s has content", p)
		}
	}
	if p, ok := tree.Live(0, "bin/perl"); !ok || p != "bin/perl5" {
		t.Errorf("removed, but linked: %q %v", p, ok)
	}
	s := &Scan{Tree: tree, Records: tree.records}
	if w := s.Stats().Layers[0].Wasted; w != 0 {
		t.Errorf("%d bytes wasted that a link keeps", w)
	}
}

func TestUnder(t *testing.T) {
	tree := BuildTree([]*layer.Record{record("d a", "f a/x 1", "d a/b", "f a/b/y 1", "f a-z 1"), record("w a/x")})
	var got []string
	tree.Under("/a/", func(p string, _ Node) bool { got = append(got, p); return true })
	if !slices.Equal(got, []string{"a/b", "a/b/y"}) {
		t.Error(got)
	}
}

// million makes layers of n entries together, in the order of a file system
// walk, the upper ones overwriting parts of the lower.
func million(n, layers int) []*layer.Record {
	var all []*layer.Record
	for l := range layers {
		r := &layer.Record{Entries: make([]layer.Entry, 0, n/layers)}
		for i := range n / layers {
			r.Entries = append(r.Entries, layer.Entry{Path: fmt.Sprintf("usr/lib/node_modules/pkg-%04d/dist/lib/file-%02d.%d.js", i/100, i%100, l*(i%7)), Size: int64(i)})
		}
		all = append(all, r)
	}
	return all
}

func BenchmarkBuildTree(b *testing.B) {
	recs := million(1_000_000, 5)
	b.ReportAllocs()
	for b.Loop() {
		BuildTree(recs)
	}
}

func BenchmarkStats(b *testing.B) {
	s := &Scan{Tree: BuildTree(million(1_000_000, 5))}
	b.ReportAllocs()
	for b.Loop() {
		s.Stats()
	}
}

func BenchmarkLookup(b *testing.B) {
	recs := million(1_000_000, 5)
	tree := BuildTree(recs)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if _, ok := tree.Lookup(recs[0].Entries[i%len(recs[0].Entries)].Path); !ok {
			b.Fatal("lost")
		}
		i += 7919
	}
}
