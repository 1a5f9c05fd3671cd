package layer

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// gather collects a layer's entries and facts, and makes a record of them.
type gather struct {
	lim     Limits
	entries []Entry // in the archive's order
	facts   []noted
	text    arena
	names   int64 // bytes of paths and links
	learned int64 // bytes of facts
}

// noted is a fact with its entry's place in the archive's order.
type noted struct {
	Fact
	at int
}

// add keeps e, with copies of its strings, and says where.
func (g *gather) add(e Entry) (int, error) {
	if len(g.entries) >= g.lim.Files {
		return 0, over(g.lim.Files, "files")
	}
	if g.names += int64(len(e.Path) + len(e.Link)); g.names > g.lim.Names {
		return 0, over(g.lim.Names, "bytes of names")
	}
	e.Path = g.text.join(e.Path, nil)
	e.Link = g.text.join(e.Link, nil)
	g.entries = append(g.entries, e)
	return len(g.entries) - 1, nil
}

// note keeps what an analyzer learned of the entry at index at: nothing, if there
// is neither data nor an error.
func (g *gather) note(at int, analyzer, path string, data []byte, err error) error {
	if data == nil && err == nil {
		return nil
	}
	f := Fact{Analyzer: analyzer, Path: path, Data: data}
	if err != nil {
		f.Data, f.Err = nil, cutText(err.Error())
	}
	if g.learned += int64(len(f.Data)+len(f.Err)) + factCost; g.learned > g.lim.Facts {
		return over(g.lim.Facts, "bytes of facts")
	}
	g.facts = append(g.facts, noted{Fact: f, at: at})
	return nil
}

func cutText(s string) string {
	const most = 1000
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}

// settle puts the entries in order and drops those that others replaced, with
// their facts. What is left of gather is the record's.
func (g *gather) settle() ([]Entry, []Fact, error) {
	order := make([]int32, len(g.entries))
	sorted := true
	for i := range order {
		order[i] = int32(i)
		if sorted && i > 0 && g.compare(int32(i-1), int32(i)) >= 0 {
			sorted = false
		}
	}
	if !sorted {
		slices.SortFunc(order, g.compare)
	}
	gone := make([]bool, len(order))
	for i := 1; i < len(order); i++ {
		a, b := order[i-1], order[i]
		if ea, eb := &g.entries[a], &g.entries[b]; ea.Path == eb.Path && ea.Kind.hides() == eb.Kind.hides() {
			gone[a] = true
		}
	}
	if err := g.bury(order, gone); err != nil {
		return nil, nil, err
	}
	var facts []Fact
	for _, f := range g.facts {
		if !gone[f.at] {
			facts = append(facts, f.Fact)
		}
	}
	slices.SortStableFunc(facts, func(a, b Fact) int {
		return cmp.Or(strings.Compare(a.Analyzer, b.Analyzer), strings.Compare(a.Path, b.Path))
	})
	permute(g.entries, order)
	i := 0
	entries := slices.DeleteFunc(g.entries, func(Entry) bool {
		i++
		return gone[order[i-1]]
	})
	return slices.Clip(entries), facts, nil
}

// hides reports whether the kind speaks of the layers below.
func (k Kind) hides() bool { return k == Whiteout || k == Opaque }

// compare orders by path; for one path, what hides before what is; of several
// that hide, the whiteout last, as it hides the most; else the later last.
func (g *gather) compare(a, b int32) int {
	ea, eb := &g.entries[a], &g.entries[b]
	if c := ComparePaths(ea.Path, eb.Path); c != 0 {
		return c
	}
	if ea.Kind.hides() != eb.Kind.hides() {
		if ea.Kind.hides() {
			return -1
		}
		return 1
	}
	if ea.Kind.hides() && ea.Kind != eb.Kind {
		if ea.Kind == Opaque {
			return -1
		}
		return 1
	}
	return cmp.Compare(a, b)
}

// bury marks as gone what lay in a folder that the archive replaced, later on,
// by something that is not a folder.
func (g *gather) bury(order []int32, gone []bool) error {
	budget := 8*len(order) + 1<<20 // a tower of files in files is not worth quadratic time
	for i, at := range order {
		e := &g.entries[at]
		if e.Kind == Dir || e.Kind.hides() || gone[at] {
			continue
		}
		for _, below := range order[i+1:] {
			if g.entries[below].Path == e.Path {
				continue
			}
			if !isBelow(g.entries[below].Path, e.Path) {
				break
			}
			if below < at && !g.entries[below].Kind.hides() {
				gone[below] = true
			}
			if budget--; budget < 0 {
				return fmt.Errorf("%q: files in files in files: %w", e.Path, ErrLimit)
			}
		}
	}
	return nil
}

func isBelow(path, dir string) bool {
	return len(path) > len(dir) && path[len(dir)] == '/' && path[:len(dir)] == dir
}

// permute puts entries into order, in place: cycle by cycle. It leaves order
// as it was.
func permute(entries []Entry, order []int32) {
	for start := range order {
		if order[start] < 0 || int(order[start]) == start {
			continue
		}
		first, to := entries[start], start
		for {
			from := int(order[to])
			order[to] = ^order[to] // seen
			if from == start {
				break
			}
			entries[to] = entries[from]
			to = from
		}
		entries[to] = first
	}
	for i, o := range order {
		if o < 0 {
			order[i] = ^o
		}
	}
}
