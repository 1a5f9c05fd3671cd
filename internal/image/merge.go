package image

import (
	"slices"

	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// merge lists the entries of all layers by path, then layer.
func (t *Tree) merge(total int) []version {
	all := make([]version, 0, total)
	var ends []int
	for l, r := range t.records {
		start := len(all)
		for e := range r.Entries {
			all = append(all, version{layer: int32(l), entry: int32(e)})
		}
		t.sort(all[start:])
		ends = append(ends, len(all))
	}
	return t.mergeRuns(all, ends)
}

// sort puts one layer's entries in order. Most are: tar writers walk folders.
func (t *Tree) sort(run []version) {
	compare := func(a, b version) int {
		if c := layer.ComparePaths(t.entry(a).Path, t.entry(b).Path); c != 0 {
			return c
		}
		return int(a.entry - b.entry)
	}
	if !slices.IsSortedFunc(run, compare) {
		sorting.By(run, compare)
	}
}

// mergeRuns merges neighbouring sorted runs pairwise until one is left. ends
// are where the runs end. The lower layer goes first among equal paths.
func (t *Tree) mergeRuns(from []version, ends []int) []version {
	if len(ends) <= 1 {
		return from
	}
	to := make([]version, len(from))
	for len(ends) > 1 {
		next := ends[:0]
		start := 0
		for i := 0; i < len(ends); i += 2 {
			mid, end := ends[i], ends[min(i+1, len(ends)-1)]
			t.mergeTwo(to[start:end], from[start:mid], from[mid:end])
			next = append(next, end)
			start = end
		}
		from, to, ends = to, from, next
	}
	return from
}

func (t *Tree) mergeTwo(to, a, b []version) {
	for len(a) > 0 && len(b) > 0 {
		if layer.ComparePaths(t.entry(a[0]).Path, t.entry(b[0]).Path) <= 0 {
			to[0], a = a[0], a[1:]
		} else {
			to[0], b = b[0], b[1:]
		}
		to = to[1:]
	}
	copy(to[copy(to, a):], b)
}

// frame is a directory on the way down, with the layers that hide what lower
// ones have below it, in order; those of its parents included.
type frame struct {
	path   string
	blocks []int32
}

// hide finds, for every version, the first layer above that hides it.
func (t *Tree) hide() {
	none := int32(len(t.records))
	var stack []frame
	for lo := 0; lo < len(t.versions); {
		path := clean(t.entry(t.versions[lo]).Path)
		hi := lo + 1
		for hi < len(t.versions) && clean(t.entry(t.versions[hi]).Path) == path {
			hi++
		}
		for len(stack) > 0 && !within(path, stack[len(stack)-1].path) {
			stack = stack[:len(stack)-1]
		}
		var above []int32
		if len(stack) > 0 {
			above = stack[len(stack)-1].blocks
		}
		group := t.versions[lo:hi]
		t.hideGroup(group, above, none)
		if hi < len(t.versions) && within(t.entry(t.versions[hi]).Path, path) {
			if blocks := t.blocks(group, above); len(blocks) > len(above) {
				stack = append(stack, frame{path: path, blocks: blocks})
			}
		}
		lo = hi
	}
}

// hideGroup settles the versions of one path.
func (t *Tree) hideGroup(group []version, above []int32, none int32) {
	next := none // the lowest layer above that has a version that replaces
	for i := len(group) - 1; i >= 0; {
		l := group[i].layer
		j := i
		for j > 0 && group[j-1].layer == l {
			j--
		}
		replaces := false
		last := true // of entries with the same path in one layer, the last
		for k := i; k >= j; k-- {
			v := &group[k]
			e := t.entry(*v)
			v.until = next
			if b := firstAbove(above, l); b >= 0 {
				v.until = min(v.until, b)
			}
			if e.Kind == layer.Opaque {
				continue
			}
			replaces = true
			if e.Kind == layer.Whiteout {
				continue
			}
			if !last {
				v.until = l
			}
			last = false
			if v.until == none {
				t.seen++
			}
		}
		if replaces {
			next = l
		}
		i = j - 1
	}
}

// firstAbove is the lowest of the sorted blocks that is above l; -1 for none.
func firstAbove(blocks []int32, l int32) int32 {
	i, _ := slices.BinarySearch(blocks, l+1)
	if i == len(blocks) {
		return -1
	}
	return blocks[i]
}

// blocks adds to above the layers that hide what lower ones have below this
// path.
func (t *Tree) blocks(group []version, above []int32) []int32 {
	var mine []int32
	for _, v := range group {
		if t.entry(v).Kind == layer.Dir || len(mine) > 0 && mine[len(mine)-1] == v.layer {
			continue
		}
		if _, known := slices.BinarySearch(above, v.layer); !known {
			mine = append(mine, v.layer)
		}
	}
	if mine == nil {
		return above
	}
	all := append(slices.Clone(above), mine...)
	slices.Sort(all)
	return all
}
