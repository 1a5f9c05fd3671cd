package image

import (
	"slices"
	"sort"

	"github.com/drydock-dev/drydock/internal/layer"
)

// Tree is the merged file system of an image, with what lies hidden in it:
// every entry of every layer, by path, and from which layer on it is gone. It
// is one sorted list of twelve bytes an entry beside the records themselves.
//
// Paths are those of [layer.Entry]: relative to the root, "" or "." for the
// root itself. They are ordered so that a directory comes right before what is
// in it: '/' sorts before all else. A directory that no layer lists, and that
// is there only because something is in it, is not in the tree.
type Tree struct {
	records  []*layer.Record
	versions []version // by path, then layer
	seen     int       // entries of the merged file system
	links    map[linkKey][]string
}

// version is one entry of one layer. Whiteouts and opaque directories are
// versions too: they hide and are not seen.
type version struct {
	layer, entry int32
	until        int32 // the first layer above that hides or replaces it; len(records) for none
}

// Node is one path as one layer has it.
type Node struct {
	Entry *layer.Entry
	Layer int // index into Image.Layers, and of Scan.Records
	// Until is the first layer that replaced or removed it, and the number of
	// layers where none did: it is then part of the image's file system.
	Until int
}

// Lookup is what is at a path of the merged file system. Links are not
// followed: see [Tree.Resolve].
func (t *Tree) Lookup(path string) (Node, bool) { return t.At(len(t.records)-1, path) }

// At is what is at a path once the layers up to and with top are stacked.
func (t *Tree) At(top int, path string) (Node, bool) {
	lo, hi := t.find(path)
	for i := hi - 1; i >= lo; i-- {
		v := t.versions[i]
		if int(v.layer) <= top && int(v.until) > top && !t.entry(v).hides() {
			return t.node(v), true
		}
	}
	return Node{}, false
}

// Versions are all entries that any layer has at a path, the lowest layer
// first, hidden ones included; whiteouts are not among them.
func (t *Tree) Versions(path string) []Node {
	lo, hi := t.find(path)
	var out []Node
	for _, v := range t.versions[lo:hi] {
		if !t.entry(v).hides() {
			out = append(out, t.node(v))
		}
	}
	return out
}

// Walk calls f for everything in the merged file system, in the tree's order,
// until f returns false.
func (t *Tree) Walk(f func(path string, n Node) bool) {
	t.All(func(path string, n Node) bool {
		return n.Until < len(t.records) || f(path, n)
	})
}

// All calls f for every entry of every layer, hidden ones included, by path
// and then by layer, until f returns false. Whiteouts are not among them.
func (t *Tree) All(f func(path string, n Node) bool) {
	for _, v := range t.versions {
		e := t.entry(v)
		if !e.hides() && !f(e.Path, t.node(v)) {
			return
		}
	}
}

// Under is Walk for what is below a directory, the directory itself left out.
func (t *Tree) Under(dir string, f func(path string, n Node) bool) {
	dir = clean(dir)
	for _, v := range t.versions[t.after(dir):] {
		e := t.entry(v)
		if !within(e.Path, dir) {
			return
		}
		if int(v.until) == len(t.records) && !e.hides() && !f(e.Path, t.node(v)) {
			return
		}
	}
}

// Len is the number of entries of the merged file system.
func (t *Tree) Len() int { return t.seen }

// Layers is the number of layers that the tree was made of.
func (t *Tree) Layers() int { return len(t.records) }

func (t *Tree) node(v version) Node {
	return Node{Entry: t.entry(v).Entry, Layer: int(v.layer), Until: int(v.until)}
}

// item is an entry with what the tree asks of it.
type item struct{ *layer.Entry }

func (t *Tree) entry(v version) item {
	return item{&t.records[v.layer].Entries[v.entry]}
}

func (e item) hides() bool { return e.Kind == layer.Whiteout || e.Kind == layer.Opaque }

// find is the range of versions of one path.
func (t *Tree) find(path string) (lo, hi int) {
	path = clean(path)
	lo = sort.Search(len(t.versions), func(i int) bool { return layer.ComparePaths(t.entry(t.versions[i]).Path, path) >= 0 })
	hi = lo
	for hi < len(t.versions) && clean(t.entry(t.versions[hi]).Path) == path {
		hi++
	}
	return lo, hi
}

// after is where the versions of what is below a directory begin.
func (t *Tree) after(dir string) int {
	_, hi := t.find(dir)
	return hi
}

// clean is a path as entries have it. The root is "".
func clean(path string) string {
	for len(path) > 0 && path[0] == '/' {
		path = path[1:]
	}
	for len(path) > 0 && path[len(path)-1] == '/' {
		path = path[:len(path)-1]
	}
	if path == "." {
		return ""
	}
	return path
}

// within reports whether path is below dir.
func within(path, dir string) bool {
	if dir == "" {
		return path != "" && path != "."
	}
	return len(path) > len(dir) && path[len(dir)] == '/' && path[:len(dir)] == dir
}

// BuildTree merges layers, the lowest first. A nil record is an empty layer.
//
// Its rules are the OCI image specification's (layer.md, "Changesets"): a
// whiteout hides what lower layers have at its path and below, an opaque
// directory what they have below it, and anything but a directory what they
// have below its path. None of them hides what its own layer adds. An entry
// replaces those of lower layers at its path; a directory over a directory
// keeps what is in it.
func BuildTree(records []*layer.Record) *Tree {
	t := &Tree{records: slices.Clone(records)}
	total := 0
	for i, r := range t.records {
		if r == nil {
			t.records[i] = &layer.Record{}
		}
		total += len(t.records[i].Entries)
	}
	t.versions = t.merge(total)
	t.hide()
	t.indexLinks()
	return t
}
