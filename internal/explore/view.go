package explore

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/report"
)

// Lines that are not the tree's: title, blank, heads, blank, keys.
const chrome = 5

func (m *model) treeHeight() int { return max(1, m.height-chrome) }

func (m *model) draw() string {
	left := max(24, min(m.width*2/5, 56))
	right := max(10, m.width-left-3)
	layers, tree := m.drawLayers(left), m.drawTree(right)
	var b strings.Builder
	st := m.stats
	b.WriteString(ansi.Truncate(fmt.Sprintf("%s   %s of %s reclaimable   efficiency %.1f%%",
		bold(m.target.Subject.Name), report.Bytes(st.Reclaimable), report.Bytes(st.Bytes), 100*st.Efficiency), m.width, "…") + "\n\n")
	for i := range m.treeHeight() + 1 {
		l, r := "", ""
		if i < len(layers) {
			l = layers[i]
		}
		if i < len(tree) {
			r = tree[i]
		}
		b.WriteString(pad(l, left) + dim(" │ ") + ansi.Truncate(r, right, "…") + "\n")
	}
	b.WriteString("\n" + ansi.Truncate(m.keys(), m.width, "…"))
	return b.String()
}

func (m *model) drawLayers(width int) []string {
	out := []string{head("LAYERS", !m.inTree)}
	seen := m.treeHeight()
	top := max(0, m.layer-seen+1)
	for i := top; i < len(m.target.Scan.Records) && len(out) <= seen; i++ {
		step := image.Step{}
		if at := m.target.Scan.Image.Layers[i].Step; at >= 0 && at < len(m.target.Scan.Image.Steps) {
			step = m.target.Scan.Image.Steps[at]
		}
		line := fmt.Sprintf("%3d %9s  %s", i+1, report.Bytes(m.stats.Layers[i].Bytes), report.Instruction(step.CreatedBy))
		line = pad(ansi.Truncate(line, width, "…"), width)
		if i == m.layer {
			line = chosen(line, !m.inTree)
		}
		out = append(out, line)
	}
	return out
}

func (m *model) drawTree(width int) []string {
	ls := image.LayerStats{}
	if m.layer < len(m.stats.Layers) {
		ls = m.stats.Layers[m.layer]
	}
	out := []string{head(fmt.Sprintf("LAYER %d  +%d ~%d -%d", m.layer+1, ls.Added, ls.Changed, ls.Removed), m.inTree)}
	if ls.Wasted > 0 {
		out[0] += warn("  wasted " + report.Bytes(ls.Wasted))
	}
	if len(m.rows) == 0 {
		return append(out, dim("nothing here that the filter shows"))
	}
	for i := m.top; i < len(m.rows) && i < m.top+m.treeHeight(); i++ {
		line := pad(ansi.Truncate(m.drawRow(m.rows[i]), width, "…"), width)
		if i == m.cursor && m.inTree {
			line = chosen(ansi.Strip(line), true)
		}
		out = append(out, line)
	}
	return out
}

func (m *model) drawRow(r row) string {
	fold := "  "
	switch {
	case len(r.children) > 0 && m.open[r.path]:
		fold = "▾ "
	case len(r.children) > 0:
		fold = "▸ "
	}
	name := printable(r.name)
	sign := " "
	if c := r.change; c != nil {
		switch c.Status {
		case image.Added:
			sign = good("+")
		case image.Changed:
			sign = warn("~")
		case image.Removed:
			sign, name = bad("-"), bad(name)
		}
		if c.Node.Entry.Kind == layer.Symlink {
			name += dim(" → " + printable(c.Node.Entry.Link))
		}
	}
	if r.wasted > 0 && r.wasted == r.size {
		name = warn(ansi.Strip(name) + "  wasted")
	}
	return fmt.Sprintf("%s %9s %s%s%s", sign, report.Bytes(r.size), strings.Repeat("  ", r.depth), fold, name)
}

// printable keeps a hostile name from moving the cursor.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == 0xfffd {
			return '?'
		}
		return r
	}, s)
}

func (m *model) keys() string {
	if m.typing {
		return "search: " + m.filter.text + "▏  enter keeps it, esc clears it"
	}
	keys := []shortcut{
		{"a", "added", m.filter.added},
		{"c", "changed", m.filter.changed},
		{"r", "removed", m.filter.removed},
		{"w", "wasted", m.filter.wasted},
		{"/", strings.TrimSpace("search " + m.filter.text), m.filter.text != ""},
		{"tab", "side", false},
		{"←→", "fold", false},
		{"q", "leave", false},
	}
	line := ""
	for _, form := range []string{"[%s] %s", "%s:%s", "%s%.0s"} { // the last ones for screens with no room for more
		words := make([]string, len(keys))
		for i, k := range keys {
			words[i] = head(fmt.Sprintf(form, k.key, k.what), k.on)
		}
		if line = strings.Join(words, " "); ansi.StringWidth(line) <= m.width {
			break
		}
	}
	return line
}

// shortcut is a key, what it does, and whether that is on.
type shortcut struct {
	key, what string
	on        bool
}

func pad(s string, width int) string {
	s = ansi.Truncate(s, width, "…")
	return s + strings.Repeat(" ", max(0, width-ansi.StringWidth(s)))
}

func head(s string, active bool) string {
	if active {
		return bold(s)
	}
	return dim(s)
}

func chosen(s string, active bool) string {
	return ansi.Style{}.Reverse(active).Underline(!active).Styled(s)
}

func bold(s string) string { return ansi.Style{}.Bold().Styled(s) }
func dim(s string) string  { return ansi.Style{}.Faint().Styled(s) }
func good(s string) string { return ansi.Style{}.ForegroundColor(ansi.Green).Styled(s) }
func warn(s string) string { return ansi.Style{}.ForegroundColor(ansi.Yellow).Styled(s) }
func bad(s string) string  { return ansi.Style{}.ForegroundColor(ansi.Red).Styled(s) }
