package fix

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// Plan is what fixes make of files.
type Plan struct {
	Files   map[string][]byte // every file that changes, as it is after
	Applied []int             // indices of the fixes, in order
	Refused []Refusal         // the others, in order
}

// Refusal is a fix that was not applied, wholly, with the reason.
type Refusal struct {
	Index int
	Why   string
}

// Compose applies fixes to files. A file that an edit names and files has not
// is a new one, whose bytes before are none. Every edit is held to the digest
// it was computed for. Where fixes overlap, the safer goes before the other,
// and then the one that stands earlier; the same edit in two fixes is made
// once, and insertions at one place stand in the order of their text: words of a
// command before what goes on after it, and that before lines. So the result does not depend on the order of fixes.
func Compose(files map[string][]byte, fixes []finding.Fix) Plan {
	c := composing{files: files, digests: map[string]finding.Digest{}, edits: map[string]*taken{}}
	order := make([]int, len(fixes))
	sorted := make([][]finding.Edit, len(fixes))
	for i, f := range fixes {
		order[i] = i
		sorted[i] = slices.Compact(slices.SortedFunc(slices.Values(f.Edits), compareEdits))
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(fixes[b].Safety, fixes[a].Safety), slices.CompareFunc(sorted[a], sorted[b], compareEdits))
	})
	var p Plan
	for _, i := range order {
		if why := c.add(sorted[i], fixes[i].Safety); why != "" {
			p.Refused = append(p.Refused, Refusal{i, why})
		} else {
			p.Applied = append(p.Applied, i)
		}
	}
	slices.Sort(p.Applied)
	sorting.By(p.Refused, func(a, b Refusal) int { return cmp.Compare(a.Index, b.Index) })
	p.Files = c.result()
	return p
}

type composing struct {
	files   map[string][]byte
	digests map[string]finding.Digest
	edits   map[string]*taken // by file
}

// taken are the edits of one file that are made, none of which overlap. Those of
// fixes that are equally safe come nearly in order: kept apart, each goes to the
// end or near it, and many cost no more for each than few.
type taken [finding.Safe + 1]struct{ insertions, replacements []finding.Edit }

// takes reports whether an edit overlaps none that is taken.
func (t *taken) takes(e finding.Edit) bool {
	for i := range t {
		replaced := t[i].replacements
		at, _ := slices.BinarySearchFunc(replaced, e, compareEdits)
		if at > 0 && overlap(replaced[at-1], e) || at < len(replaced) && overlap(e, replaced[at]) {
			return false
		}
		if e.Start == e.End {
			continue
		}
		inserted := t[i].insertions
		at, _ = slices.BinarySearchFunc(inserted, e.Start+1, func(x finding.Edit, pos int) int { return cmp.Compare(x.Start, pos) })
		if at < len(inserted) && inserted[at].Start < e.End {
			return false
		}
	}
	return true
}

// has reports whether the same edit is taken already.
func (t *taken) has(e finding.Edit) bool {
	for i := range t {
		for _, edits := range [][]finding.Edit{t[i].insertions, t[i].replacements} {
			if _, same := slices.BinarySearchFunc(edits, e, compareEdits); same {
				return true
			}
		}
	}
	return false
}

func (t *taken) add(e finding.Edit, s finding.Safety) {
	edits := &t[s].replacements
	if e.Start == e.End {
		edits = &t[s].insertions
	}
	at, _ := slices.BinarySearchFunc(*edits, e, compareEdits)
	*edits = slices.Insert(*edits, at, e)
}

// sorted are all of them, in the order of the file.
func (t *taken) sorted() []finding.Edit {
	var out []finding.Edit
	for i := range t {
		out = slices.Concat(out, t[i].insertions, t[i].replacements)
	}
	sorting.By(out, compareEdits)
	return out
}

// add takes the edits of one fix, or none of them and says why.
func (c *composing) add(edits []finding.Edit, s finding.Safety) string {
	if len(edits) == 0 {
		return "there is nothing to edit: it is done by hand"
	}
	for i, e := range edits {
		if why := c.refuse(e); why != "" {
			return why
		}
		if i > 0 && edits[i-1].File == e.File && overlap(edits[i-1], e) {
			return "its own edits overlap"
		}
	}
	for _, e := range edits {
		if t := c.edits[e.File]; t != nil && !t.has(e) && !t.takes(e) {
			return clash(e)
		}
	}
	for _, e := range edits {
		t := c.edits[e.File]
		if t == nil {
			t = &taken{}
			c.edits[e.File] = t
		}
		if !t.has(e) {
			t.add(e, s)
		}
	}
	return ""
}

func clash(e finding.Edit) string { return "another fix edits the same place of " + e.File }

// refuse says why an edit cannot be made, and is empty if it can.
func (c *composing) refuse(e finding.Edit) string {
	b := c.files[e.File]
	d, ok := c.digests[e.File]
	if !ok {
		d = finding.DigestOf(b)
		c.digests[e.File] = d
	}
	switch {
	case e.File == "" || strings.ContainsRune(e.File, 0):
		return "it names no file"
	case e.Base != d:
		return e.File + " has changed since the fix was computed"
	case e.Start < 0 || e.End < e.Start || e.End > len(b):
		return fmt.Sprintf("%s has no bytes %d to %d", e.File, e.Start, e.End)
	}
	return ""
}

// compareEdits orders edits by place; at one place, insertions come before what
// replaces bytes.
func compareEdits(a, b finding.Edit) int {
	return cmp.Or(
		cmp.Compare(a.File, b.File), cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End),
		cmp.Compare(later(a.New), later(b.New)), cmp.Compare(a.New, b.New), cmp.Compare(a.Base, b.Base),
	)
}

// later is how far behind others a text stands that is inserted where they are.
func later(text string) int {
	switch {
	case strings.HasPrefix(text, "\n") || strings.HasPrefix(text, "\r\n"):
		return 2
	case strings.HasPrefix(strings.TrimLeft(text, " \t\r\n\\`"), "&&"):
		return 1
	}
	return 0
}

// overlap reports whether two edits of one file, in order, want the same bytes:
// an insertion may touch the ends of a replacement.
func overlap(a, b finding.Edit) bool {
	if a.Start == a.End || b.Start == b.End {
		p, r := a, b // the insertion, and the other
		if a.Start != a.End {
			p, r = b, a
		}
		return r.Start < p.Start && p.Start < r.End
	}
	return a.Start < b.End && b.Start < a.End
}

func (c *composing) result() map[string][]byte {
	out := map[string][]byte{}
	for name, t := range c.edits {
		b, edits := c.files[name], t.sorted()
		size := len(b)
		for _, e := range edits {
			size += len(e.New) - (e.End - e.Start)
		}
		done := make([]byte, 0, size)
		at := 0
		for _, e := range edits {
			done = append(done, b[at:e.Start]...)
			done = append(done, e.New...)
			at = e.End
		}
		out[name] = append(done, b[at:]...)
	}
	return out
}
