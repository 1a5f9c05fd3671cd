package image

import (
	"slices"
	"sync"

	"github.com/drydock-dev/drydock/internal/layer"
)

// maxLargest is how many of a layer's largest files are listed.
const maxLargest = 10

// Stats is what an image's layers hold and waste.
type Stats struct {
	Efficiency  float64      // dive's score: 0 to 1
	WastedBytes int64        // dive's: every copy of a path that is there twice
	Reclaimable int64        // what would be saved if nothing were stored for nothing: all copies but the last
	Bytes       int64        // of all regular files of all layers
	UserBytes   int64        // the same without the lowest layer: what dive takes for the user's own
	Layers      []LayerStats // one a layer, bottom first
	Inefficient []Waste      // the most wasteful path first
}

// LayerStats is what one layer does. Directories are not counted.
type LayerStats struct {
	Files   int   // files, links and devices in the layer
	Added   int   // paths that were not there below
	Changed int   // paths that were
	Removed int   // paths that are gone with it
	Bytes   int64 // of its regular files
	Wasted  int64 // of those, bytes of files that a layer above overwrites or removes, and that no hard link keeps
	Largest []Change
}

// Status is what a layer does to a path.
type Status uint8

// The three things a layer can do.
const (
	Added Status = iota
	Changed
	Removed
)

func (s Status) String() string {
	return [...]string{"added", "changed", "removed"}[s]
}

// Change is what one layer does to one path.
type Change struct {
	Path   string
	Status Status
	Node   Node // as this layer has it; of a removed path, as it was below
	// Wasted says that the layer stores the content for nothing: a layer above
	// overwrites or removes it, and no hard link keeps it.
	Wasted bool
}

// Size is the bytes of the file that was added, changed or removed.
func (c Change) Size() int64 {
	if c.Node.Entry.Kind == layer.File {
		return c.Node.Entry.Size
	}
	return 0
}

// Stats counts what the layers add, change, remove and waste, once: it is the
// caller's to read only.
func (s *Scan) Stats() Stats {
	if s.stats == nil {
		return s.Tree.stats()
	}
	return s.stats()
}

func (t *Tree) stats() Stats {
	st := Stats{Layers: make([]LayerStats, len(t.records))}
	var score sync.WaitGroup // the tree is only read from, and either takes as long
	score.Go(func() { st.Efficiency, st.WastedBytes, st.Inefficient = t.efficiency() })
	t.changes(func(l int, c Change) {
		ls := &st.Layers[l]
		if c.Node.Entry.Kind == layer.Dir {
			return
		}
		switch c.Status {
		case Added:
			ls.Added++
		case Changed:
			ls.Changed++
		case Removed:
			ls.Removed++
			return
		}
		ls.Files++
		size := c.Size()
		ls.Bytes += size
		if c.Wasted {
			ls.Wasted += size
		}
		ls.Largest = insert(ls.Largest, c)
	})
	for l, ls := range st.Layers {
		st.Bytes += ls.Bytes
		st.Reclaimable += ls.Wasted
		if l > 0 {
			st.UserBytes += ls.Bytes
		}
	}
	score.Wait()
	return st
}

// insert keeps the largest changes, the largest first.
func insert(top []Change, c Change) []Change {
	size := c.Size()
	if size == 0 || len(top) == maxLargest && top[len(top)-1].Size() >= size {
		return top
	}
	i, _ := slices.BinarySearchFunc(top, size, func(c Change, size int64) int {
		if c.Size() >= size {
			return -1
		}
		return 1
	})
	top = slices.Insert(top, i, c)
	return top[:min(len(top), maxLargest)]
}

// Changes are what one layer does, in the tree's order. Directories that it
// only lists on the way to something else are not among them.
func (s *Scan) Changes(index int) []Change {
	var out []Change
	s.Tree.changes(func(l int, c Change) {
		if l == index {
			out = append(out, c)
		}
	})
	return out
}

// changes tells what every layer does, path by path.
func (t *Tree) changes(f func(layer int, c Change)) {
	t.groups(func(path string, lo, hi int) {
		below := -1 // the version that the next one finds, if it is still there
		for i := lo; i < hi; i++ {
			v := t.versions[i]
			if t.entry(v).hides() || v.until == v.layer {
				continue // a whiteout, or an entry that its own layer repeats
			}
			n := t.node(v)
			c := Change{Path: path, Node: n, Wasted: t.wasted(n, path)}
			if below >= 0 && t.versions[below].until == v.layer {
				c.Status = Changed
				if sameDir(t.node(t.versions[below]).Entry, n.Entry) {
					c.Node.Entry = nil
				}
			}
			if c.Node.Entry != nil {
				f(n.Layer, c)
			}
			if n.Until < len(t.records) && !t.replaced(i, hi) {
				f(n.Until, Change{Path: path, Status: Removed, Node: n})
			}
			below = i
		}
	})
}

// replaced reports whether the layer that hides version i has its path too.
func (t *Tree) replaced(i, hi int) bool {
	until := t.versions[i].until
	for j := i + 1; j < hi && t.versions[j].layer <= until; j++ {
		if t.versions[j].layer == until && !t.entry(t.versions[j]).hides() {
			return true
		}
	}
	return false
}

func sameDir(a, b *layer.Entry) bool {
	return a.Kind == layer.Dir && b.Kind == layer.Dir && a.Mode == b.Mode && a.UID == b.UID && a.GID == b.GID
}

// wasted reports a regular file whose bytes the image stores and does not show.
func (t *Tree) wasted(n Node, path string) bool {
	if n.Entry.Kind != layer.File || n.Until == len(t.records) {
		return false
	}
	for _, l := range t.links[linkKey{n.Layer, path}] {
		if at, ok := t.Lookup(l); ok && at.Layer == n.Layer {
			return false
		}
	}
	return true
}
