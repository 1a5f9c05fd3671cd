package image

import (
	"cmp"
	"slices"

	"github.com/drydock-dev/drydock/internal/layer"
)

// Waste is a path that more than one layer has, or has and removes.
type Waste struct {
	Path  string
	Count int   // layers that have or remove it
	Bytes int64 // of all of them together: what dive calls cumulative size
}

// efficiency is an image's efficiency score and waste as dive
// (github.com/wagoodman/dive) defines them:
//
// Every path that is a leaf of a layer's own tree (a file, a link, a directory
// without anything in it in that layer, a whiteout) counts with its size; a
// directory's whiteout with all that it removed, a file's with nothing. The
// score is the sum over all paths of the smallest size met, divided by the sum
// of all sizes met; 1 for an image without bytes. Wasted are all bytes of every
// path that was met more than once, the last time included.
//
// Two things are as dive means them and not as it does them: a whiteout of
// what is not there counts for nothing and the rest of its layer still counts,
// and what a directory's whiteout removes is what was really left there.
// Paths that waste nothing are not listed.
func (t *Tree) efficiency() (score float64, wasted int64, paths []Waste) {
	var least, all int64
	leaf, removed := t.leaves(), t.removed()
	t.groups(func(path string, lo, hi int) {
		met := Waste{Path: path}
		small := int64(-1)
		for i := lo; i < hi; i++ {
			var size int64
			switch e := t.entry(t.versions[i]); e.Kind {
			case layer.Whiteout:
				size = removed[i]
			case layer.Opaque:
				continue // dive leaves them out
			case layer.File:
				size = e.Size
				fallthrough
			default:
				if !leaf[i] {
					continue
				}
			}
			met.Count++
			met.Bytes += size
			if small < 0 || size < small {
				small = size
			}
		}
		if met.Count > 0 {
			least, all = least+small, all+met.Bytes
		}
		if met.Count > 1 && met.Bytes > 0 {
			wasted += met.Bytes
			paths = append(paths, met)
		}
	})
	slices.SortFunc(paths, func(a, b Waste) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Path, b.Path))
	})
	if all == 0 {
		return 1, 0, paths
	}
	return float64(least) / float64(all), wasted, paths
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

// removed gives every whiteout of a directory the bytes of the files below it
// that it was the first to hide; of whiteouts within whiteouts of one layer, to
// the outermost.
func (t *Tree) removed() []int64 {
	bytes := make([]int64, len(t.versions))
	outer := map[int32]int{} // by layer, the whiteout that what comes next is below
	type open struct {
		path  string
		layer int32
	}
	var stack []open
	for i, v := range t.versions {
		e := t.entry(v)
		path := clean(e.Path)
		for len(stack) > 0 && !within(path, stack[len(stack)-1].path) {
			delete(outer, stack[len(stack)-1].layer)
			stack = stack[:len(stack)-1]
		}
		switch e.Kind {
		case layer.Whiteout:
			if _, inside := outer[v.layer]; !inside {
				outer[v.layer] = i
				stack = append(stack, open{path, v.layer})
			}
		case layer.File:
			if at, ok := outer[v.until]; ok && v.layer < v.until && t.versions[at].layer == v.until && within(path, clean(t.entry(t.versions[at]).Path)) {
				bytes[at] += e.Size
			}
		}
	}
	return bytes
}
