package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// tree shows what needs what in each target.
func (p *page) tree() {
	for i, t := range p.res.Targets {
		if i > 0 {
			p.line("")
		}
		p.subject(t)
		if t.Inventory == nil {
			continue
		}
		roots, rest := t.Inventory.Forest()
		w := &treeWalk{page: p, deepest: treeDeepest, ways: sbom.NewWays(t.Inventory), above: map[sbom.Step]bool{}}
		if d := p.opt.Depth; d > 0 {
			w.deepest = min(d, treeDeepest)
		}
		for _, r := range roots {
			w.under(r)
			p.line("")
			w.node(r, "", "", 0)
		}
		p.unplaced(t, rest)
	}
	p.footer(p.next()...)
}

// treeWalk prints a tree. What a node needs is shown where it is met first, for
// each file that tells of needs.
type treeWalk struct {
	*page
	ways         *sbom.Ways
	path         string // the file; empty: not of one
	above, shown map[sbom.Step]bool
	deepest      int  // steps from a root
	silent       bool // it was said above that what these need is not told
}

// under begins with a root.
func (w *treeWalk) under(r sbom.Step) {
	path := ""
	if r.Component != nil {
		path = r.Component.Path
	}
	if w.shown == nil || path != w.path {
		w.path, w.shown = path, map[sbom.Step]bool{}
	}
}

// untold reports whether what they need is not told of any of some nodes.
func (w *treeWalk) untold(all []sbom.Step) bool {
	return len(all) > 0 && !slices.ContainsFunc(all, func(s sbom.Step) bool {
		_, told := w.ways.Needs(s, w.path)
		return told
	})
}

// treeDeepest bounds a line's length, whatever the graph is.
const treeDeepest = 64

// node prints a node and what it needs: first stands before its own line, more
// before the lines below.
func (w *treeWalk) node(s sbom.Step, first, more string, depth int) {
	needs, told := w.ways.Needs(s, w.path)
	note := treeNote(s)
	switch {
	case w.above[s]:
		note = append(note, "↻ cycle")
	case w.shown[s] && len(needs) > 0:
		note = append(note, "↑ shown above")
	case depth >= w.deepest && len(needs) > 0:
		note = append(note, fmt.Sprintf("+%d", len(needs)))
	case !told && !w.silent:
		note = append(note, "? what it needs is not told")
	case w.untold(needs):
		note = append(note, "? what these need is not told")
	}
	label := s.Label()
	if first == "" {
		label = w.paint(heading, label)
	}
	w.line("%s%s", w.paint(dim, first), strings.TrimRight(label+"  "+w.paint(dim, strings.Join(note, "  ")), " "))
	if w.above[s] || w.shown[s] || depth >= w.deepest {
		return
	}
	w.above[s], w.shown[s] = true, true
	defer func(was bool) { w.silent = was }(w.silent)
	w.silent = w.untold(needs)
	sorting.By(needs, func(a, b sbom.Step) int { return strings.Compare(a.Label(), b.Label()) })
	for i, n := range needs {
		if i < len(needs)-1 {
			w.node(n, more+"├─ ", more+"│  ", depth+1)
		} else {
			w.node(n, more+"└─ ", more+"   ", depth+1)
		}
	}
	delete(w.above, s)
}

// treeNote says of a node what its name does not.
func treeNote(s sbom.Step) []string {
	if s.Package != nil {
		if s.Package.Dev {
			return []string{"dev"}
		}
		return nil
	}
	var note []string
	c := s.Component
	if c.Root && c.Path != "" && c.Name != "" {
		at := c.Path
		if c.Folder != "" {
			at = c.Folder + " in " + at
		}
		note = append(note, at)
	}
	if c.Guessed {
		note = append(note, "what nothing else needs")
	}
	return note
}

// unplacedShown is how many packages of one file the tree lists that have no
// place in it.
const unplacedShown = 20

// unplaced lists, by file, the packages that have no place in the tree.
func (p *page) unplaced(t check.Target, rest []*sbom.Package) {
	if len(rest) == 0 {
		return
	}
	by := map[string][]string{}
	for _, pkg := range rest {
		file := pkg.Cataloger
		if len(pkg.Locations) > 0 {
			file = pkg.Locations[0].Path
		}
		by[file] = append(by[file], pkg.Label())
	}
	p.line("")
	p.line("%s", p.paint(heading, "What needs these is not told")+"  "+p.paint(dim, finding.Count(len(rest), "package")))
	for _, file := range slices.Sorted(maps.Keys(by)) {
		names := by[file]
		p.line("  %s", p.paint(dim, strings.TrimSpace(clean(file)+"  "+fmt.Sprint(len(names)))))
		shown := names[:min(len(names), unplacedShown)]
		more := ""
		if n := len(names) - len(shown); n > 0 {
			more = fmt.Sprintf(", … and %d more", n)
		}
		p.wrap(4, strings.Join(shown, ", ")+more)
	}
}
