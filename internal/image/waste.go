package image

import (
	"cmp"
	"slices"

	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// Waste is a path that more than one layer has, or has and removes; of a directory
// that was removed, with the files that went with it.
type Waste struct {
	Path  string
	Count int   // layers that have or remove it
	Bytes int64 // of all of them together: what dive calls cumulative size
}

// efficiency is an image's efficiency score and waste as dive
// (github.com/wagoodman/dive) defines them:
//
// Every path that is a leaf of a layer's own tree (a file, a link, a directory
// without anything in it in that layer, a whiteout) counts with its size, a
// whiteout with nothing. The score is the sum over all paths of the smallest
// size met, divided by the sum of all sizes met; 1 for an image without bytes.
// Wasted are all bytes of every path that was met more than once, the last
// time included.
//
// Two things are as dive means them and not as it does them. A whiteout of what
// is not there counts for nothing, and the rest of its layer still counts. And a
// layer that removes a directory, makes it opaque or puts something else in its
// place counts as a whiteout of each file in it: dive takes the directory and
// its files for different paths, and finds no waste. A directory in the place of
// a file counts likewise, with or without anything in it.
//
// Paths that waste nothing are not listed. A file whose only copy went with its
// directory is listed under the directory.
func (t *Tree) efficiency() (score float64, wasted int64, paths []Waste) {
	var least, all int64
	leaf, removers := t.leaves(), t.removers()
	dirs := map[int32]*removedDir{} // by the version that removed it
	t.groups(func(path string, lo, hi int) {
		met, copies := Waste{Path: path}, 0
		small := int64(-1)
		remover := int32(-1)
		for i := lo; i < hi; i++ {
			var size int64
			e := t.entry(t.versions[i])
			onFile := i > lo && t.entry(t.versions[i-1]).Kind == layer.File
			switch {
			case e.Kind == layer.Opaque, e.Kind != layer.Whiteout && !leaf[i] && !onFile:
				continue
			case e.Kind == layer.File:
				size = e.Size
			}
			copies++
			met.Count++
			met.Bytes += size
			if small < 0 || size < small {
				small = size
			}
			if at, ok := removers[int32(i)]; ok {
				met.Count++
				remover, small = at, 0
			}
		}
		if copies > 0 {
			least, all = least+small, all+met.Bytes
		}
		switch {
		case met.Count < 2 || met.Bytes == 0:
			return
		case copies > 1:
			paths = append(paths, met)
		default:
			d := dirs[remover]
			if d == nil {
				d = &removedDir{layers: map[int32]bool{t.versions[remover].layer: true}}
				dirs[remover] = d
			}
			d.layers[t.versions[lo].layer] = true
			d.bytes += met.Bytes
		}
		wasted += met.Bytes
	})
	for at, d := range dirs {
		paths = append(paths, Waste{clean(t.entry(t.versions[at]).Path), len(d.layers), d.bytes})
	}
	sorting.By(paths, func(a, b Waste) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Count, b.Count))
	})
	if all == 0 {
		return 1, 0, paths
	}
	return float64(least) / float64(all), wasted, paths
}

// removedDir is what went with a directory.
type removedDir struct {
	layers map[int32]bool // that had some of it, and the one that removed it
	bytes  int64
}

// groups calls f for every path with the range of its versions.
func (t *Tree) groups(f func(path string, lo, hi int)) {
	for lo := 0; lo < len(t.versions); {
		path := clean(t.entry(t.versions[lo]).Path)
		hi := lo + 1
		for hi < len(t.versions) && clean(t.entry(t.versions[hi]).Path) == path {
			hi++
		}
		f(path, lo, hi)
		lo = hi
	}
}

// leaves says of every version whether its layer has nothing below it. In the
// tree's order what is below a path comes right after it, so that the next path
// of the same layer decides.
func (t *Tree) leaves() []bool {
	leaf := make([]bool, len(t.versions))
	next := make([]string, len(t.records)) // by layer
	for i := len(t.versions) - 1; i >= 0; i-- {
		v := t.versions[i]
		path := clean(t.entry(v).Path)
		leaf[i] = path != "" && !within(next[v.layer], path)
		next[v.layer] = path
	}
	return leaf
}

// removers tells, of every file that a layer removed with a directory above it,
// the version that did: the outermost one of that layer.
func (t *Tree) removers() map[int32]int32 {
	found := map[int32]int32{}
	outer := map[int32]int32{} // by layer, the version that what comes next is below
	type open struct {
		path  string
		layer int32
	}
	var stack []open
	t.groups(func(path string, lo, hi int) {
		for len(stack) > 0 && !within(path, stack[len(stack)-1].path) {
			delete(outer, stack[len(stack)-1].layer)
			stack = stack[:len(stack)-1]
		}
		group := t.versions[lo:hi]
		if len(stack) > 0 {
			for i, v := range group {
				at, ok := outer[v.until]
				if ok && t.entry(v).Kind == layer.File && !slices.ContainsFunc(group, func(w version) bool { return w.layer == v.until }) {
					found[int32(lo+i)] = at
				}
			}
		}
		if hi == len(t.versions) || !within(t.entry(t.versions[hi]).Path, path) {
			return
		}
		for i, v := range group {
			if _, inside := outer[v.layer]; !inside && t.entry(v).Kind != layer.Dir {
				outer[v.layer] = int32(lo + i)
				stack = append(stack, open{path, v.layer})
			}
		}
	})
	return found
}
