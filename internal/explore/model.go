package explore

import (
	"unicode/utf8"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/image"
)

// noLayersError is a target that is not an image.
type noLayersError struct{ name string }

func (e *noLayersError) Error() string { return e.name + " has no layers to explore" }

// model is what is on the screen.
type model struct {
	target  check.Target
	stats   image.Stats
	changes map[int][]image.Change // by layer, once looked at

	width, height int
	layer         int  // chosen on the left
	inTree        bool // whether keys go to the right
	filter        filter
	typing        bool // the search text
	open          map[string]bool
	root          *node
	rows          []row
	cursor, top   int // in rows
}

func newModel(t check.Target) *model {
	m := &model{target: t, stats: t.Scan.Stats(), changes: map[int][]image.Change{}, width: 80, height: 24}
	m.choose(0)
	return m
}

// choose shows layer i.
func (m *model) choose(i int) {
	m.layer = max(0, min(i, len(m.target.Scan.Records)-1))
	m.open, m.cursor, m.top = map[string]bool{}, 0, 0
	m.regrow()
}

// regrow makes the tree anew for the layer and the filter.
func (m *model) regrow() {
	if len(m.target.Scan.Records) == 0 {
		m.root = &node{}
		return
	}
	if _, ok := m.changes[m.layer]; !ok {
		m.changes[m.layer] = m.target.Scan.Changes(m.layer)
	}
	m.root = grow(m.changes[m.layer], m.filter)
	m.relist()
}

func (m *model) relist() {
	m.rows = rows(m.root, m.open)
	m.move(0)
}

// move moves the cursor and keeps it in sight.
func (m *model) move(by int) {
	m.cursor = max(0, min(m.cursor+by, len(m.rows)-1))
	seen := m.treeHeight()
	m.top = min(m.top, m.cursor)
	m.top = max(m.top, m.cursor-seen+1)
}

func (m *model) resize(width, height int) {
	m.width, m.height = width, height
	m.move(0)
}

// press does what a key says, and reports whether the user leaves.
func (m *model) press(k string) (leaves bool) {
	if m.typing {
		m.typeKey(k)
		return false
	}
	if k == "q" || k == "ctrl+c" {
		return true
	}
	m.key(k)
	return false
}

func (m *model) key(k string) {
	switch k {
	case "tab", "shift+tab":
		m.inTree = !m.inTree
	case "a":
		m.toggle(&m.filter.added)
	case "c":
		m.toggle(&m.filter.changed)
	case "r":
		m.toggle(&m.filter.removed)
	case "w":
		m.toggle(&m.filter.wasted)
	case "esc":
		m.filter = filter{}
		m.regrow()
	case "/":
		m.typing, m.inTree = true, true
	case "up", "k":
		m.step(-1)
	case "down", "j":
		m.step(1)
	case "pgup", "ctrl+b":
		m.step(-m.treeHeight())
	case "pgdown", "ctrl+f":
		m.step(m.treeHeight())
	case "home", "g":
		m.step(-1 << 30)
	case "end", "G":
		m.step(1 << 30)
	case "enter", " ":
		m.unfold(!m.isOpen())
	case "right", "l":
		if !m.inTree {
			m.inTree = true
		} else {
			m.unfold(true)
		}
	case "left", "h":
		m.fold()
	}
}

func (m *model) toggle(b *bool) {
	*b = !*b
	m.regrow()
}

func (m *model) step(by int) {
	if m.inTree {
		m.move(by)
	} else {
		m.choose(m.layer + max(-1<<20, min(by, 1<<20)))
	}
}

func (m *model) isOpen() bool { return m.cursor < len(m.rows) && m.open[m.rows[m.cursor].path] }

func (m *model) unfold(open bool) {
	if !m.inTree {
		m.inTree = true
		return
	}
	if m.cursor < len(m.rows) && len(m.rows[m.cursor].children) > 0 {
		m.open[m.rows[m.cursor].path] = open
		m.relist()
	}
}

// fold closes the directory under the cursor, else goes to the one it is in,
// else to the layers.
func (m *model) fold() {
	if !m.inTree || m.cursor >= len(m.rows) {
		m.inTree = false
		return
	}
	if m.isOpen() {
		m.unfold(false)
		return
	}
	depth := m.rows[m.cursor].depth
	if depth == 0 {
		m.inTree = false
		return
	}
	for m.rows[m.cursor].depth >= depth {
		m.move(-1)
	}
}

// typeKey edits the search text.
func (m *model) typeKey(k string) {
	switch k {
	case "enter":
		m.typing = false
		return
	case "esc", "ctrl+c":
		m.typing, m.filter.text = false, ""
	case "backspace":
		if r := []rune(m.filter.text); len(r) > 0 {
			m.filter.text = string(r[:len(r)-1])
		}
	default:
		if utf8.RuneCountInString(k) == 1 {
			m.filter.text += k
		}
	}
	m.regrow()
}
