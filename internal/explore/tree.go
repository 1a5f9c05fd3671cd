package explore

import (
	"cmp"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/image"
)

// filter says which changes are shown; the zero value shows all.
type filter struct {
	added, changed, removed, wasted bool
	text                            string
}

func (f filter) keeps(c image.Change) bool {
	if f.text != "" && !strings.Contains(c.Path, f.text) {
		return false
	}
	if !f.added && !f.changed && !f.removed && !f.wasted {
		return true
	}
	return f.wasted && c.Wasted ||
		f.added && c.Status == image.Added ||
		f.changed && c.Status == image.Changed ||
		f.removed && c.Status == image.Removed
}

// node is one path of the tree. A directory's size is of all that is shown
// below it.
type node struct {
	name     string
	path     string
	change   *image.Change // nil: a directory on the way to something else
	children []*node
	size     int64
	wasted   int64
}

// grow makes a tree of the changes that the filter keeps, the largest first.
func grow(changes []image.Change, f filter) *node {
	root := &node{}
	dirs := map[string]*node{"": root}
	for i := range changes {
		c := &changes[i]
		if !f.keeps(*c) {
			continue
		}
		n := dirs[c.Path]
		if n == nil {
			n = attach(dirs, c.Path)
		}
		n.change = c
	}
	root.sum()
	return root
}

// attach makes the node of a path, with the directories above it.
func attach(dirs map[string]*node, path string) *node {
	i := strings.LastIndexByte(path, '/')
	above := ""
	if i >= 0 {
		above = path[:i]
	}
	dir := dirs[above]
	if dir == nil {
		dir = attach(dirs, above)
	}
	n := &node{name: path[i+1:], path: path}
	dir.children = append(dir.children, n)
	dirs[path] = n
	return n
}

func (n *node) sum() {
	if n.change != nil {
		n.size = n.change.Size()
		if n.change.Wasted {
			n.wasted = n.size
		}
	}
	for _, c := range n.children {
		c.sum()
		n.size += c.size
		n.wasted += c.wasted
	}
	slices.SortFunc(n.children, func(a, b *node) int {
		return cmp.Or(cmp.Compare(b.size, a.size), cmp.Compare(a.name, b.name))
	})
}

// row is a node as it stands on the screen.
type row struct {
	*node
	depth int
}

// rows lists what is visible of the tree: the children of open directories.
func rows(root *node, open map[string]bool) []row {
	var out []row
	var walk func(n *node, depth int)
	walk = func(n *node, depth int) {
		for _, c := range n.children {
			out = append(out, row{c, depth})
			if open[c.path] {
				walk(c, depth+1)
			}
		}
	}
	walk(root, 0)
	return out
}
