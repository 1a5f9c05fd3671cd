package explore

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/report"
)

// Lines that are not the tree's: title, blank, heads, blank, keys.
const chrome = 5

func (m *model) treeHeight() int { return max(1, m.height-chrome) }

// View implements tea.Model.
func (m *model) View() tea.View {
	v := tea.NewView(m.draw())
	v.AltScreen = true
	return v
}

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
	mark := func(on bool, key, what string) string {
		if on {
			return bold("[" + key + "] " + what)
		}
		return dim("[" + key + "] " + what)
	}
	keys := []string{
		mark(m.filter.added, "a", "added"), mark(m.filter.changed, "c", "changed"),
		mark(m.filter.removed, "r", "removed"), mark(m.filter.wasted, "w", "wasted"),
		mark(m.filter.text != "", "/", strings.TrimSpace("search "+m.filter.text)),
		dim("[tab] side"), dim("[←→] fold"), dim("[q] leave"),
	}
	for _, short := range []func(string) string{func(s string) string { return s }, unbracketed, bare} {
		line := make([]string, len(keys))
		for i, k := range keys {
			line[i] = short(k)
		}
		if s := strings.Join(line, " "); ansi.StringWidth(s) <= m.width {
			return s
		}
	}
	return bare(strings.Join(keys, " "))
}

// unbracketed is a key and what it does with fewer signs, and bare is the key alone,
// for screens that have no room for more.
func unbracketed(s string) string { return strings.NewReplacer("[", "", "] ", ":").Replace(s) }

func bare(s string) string {
	var keys []string
	for part := range strings.SplitSeq(ansi.Strip(s), "[") {
		if key, _, ok := strings.Cut(part, "]"); ok {
			keys = append(keys, key)
		}
	}
	return dim(strings.Join(keys, " "))
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
	return lipgloss.NewStyle().Reverse(active).Underline(!active).Render(s)
}

func bold(s string) string { return lipgloss.NewStyle().Bold(true).Render(s) }
func dim(s string) string  { return lipgloss.NewStyle().Faint(true).Render(s) }
func good(s string) string { return lipgloss.NewStyle().Foreground(lipgloss.Green).Render(s) }
func warn(s string) string { return lipgloss.NewStyle().Foreground(lipgloss.Yellow).Render(s) }
func bad(s string) string  { return lipgloss.NewStyle().Foreground(lipgloss.Red).Render(s) }
