package report

import (
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// column is one column of a table, as its head says: ">" sets it flush right,
// "~" lets its cells be shortened in the middle, and "+", on the last column
// only, wraps its cells.
type column struct {
	title              string
	right, short, wrap bool
	width, gap         int // gap: before it
}

const (
	columnGap   = 2
	fairShort   = 20 // what is left at first of a column whose cells are shortened
	leastShort  = 8  // and at last
	leastWrap   = 16 // of one whose cells are wrapped beside the others
	leastCut    = 24 // and of one that is cut
	underIndent = 4  // of what stands under its row for want of room beside it
)

func (p *page) columns(head []string, rows [][]string) []column {
	cols := make([]column, len(head))
	for i, h := range head {
		title := strings.TrimLeft(h, ">~+")
		marks := h[:len(h)-len(title)]
		cols[i] = column{
			title: p.paint(dim, title), width: widthOf(title), right: strings.Contains(marks, ">"),
			short: strings.Contains(marks, "~"), wrap: strings.Contains(marks, "+"), gap: columnGap * min(i, 1),
		}
	}
	for _, r := range rows {
		for i, c := range r {
			// The only cell of a row that ends early may stand out to the right.
			if i < len(r)-1 || i == len(head)-1 {
				cols[i].width = max(cols[i].width, widthOf(c))
			}
		}
	}
	return cols
}

// squeeze narrows the columns that may be shortened until all fit in room or none
// can be narrowed any more: the last first, as names stand in the first, and then
// the widest.
func squeeze(cols []column, room int) {
	for over := narrow(cols, roomOf(cols)-room); over > 0; over-- {
		widest := -1
		for i, c := range cols {
			if c.short && c.width > leastShort && (widest < 0 || c.width > cols[widest].width) {
				widest = i
			}
		}
		if widest < 0 {
			return
		}
		cols[widest].width--
	}
}

// narrow takes over columns off those that may be shortened, as long as a name in
// them is still a name, and returns how many are left to be taken off.
func narrow(cols []column, over int) int {
	for i := len(cols) - 1; i >= 0 && over > 0; i-- {
		if cols[i].short {
			by := min(over, max(0, cols[i].width-fairShort))
			cols[i].width, over = cols[i].width-by, over-by
		}
	}
	return max(0, over)
}

// table prints rows with their columns aligned, as wide as the page at most: see
// [column]. What still does not fit is cut.
func (p *page) table(indent int, head []string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	cols := p.columns(head, rows)
	room := p.opt.Width - indent
	near := slices.Clone(cols) // numbers stand close where no name is shortened then
	for i := 1; i < len(near) && roomOf(near) > room; i++ {
		if near[i-1].right && near[i].right {
			near[i].gap = 1
		}
	}
	if roomOf(near) <= room {
		cols = near
	}
	last := len(cols) - 1
	if fair := slices.Clone(cols); cols[last].wrap && narrow(fair, roomOf(fair)-room) == 0 {
		cols = fair
	}
	under := cols[last].wrap && p.under(cols, room, rows)
	switch {
	case under:
		squeeze(cols[:last], room)
	case cols[last].wrap:
		beside := slices.Clone(cols)
		beside[last].width = min(cols[last].width, leastWrap)
		squeeze(beside, room)
		copy(cols[:last], beside[:last])
		cols[last].width = max(leastWrap, room-roomOf(cols[:last])-cols[last].gap)
	case !cols[last].short && !cols[last].right: // is cut
		beside := slices.Clone(cols)
		beside[last].width = min(cols[last].width, leastCut)
		squeeze(beside, room)
		copy(cols[:last], beside[:last])
	default:
		squeeze(cols, room)
	}
	rows = shortened(cols, rows)
	if slices.ContainsFunc(cols, func(c column) bool { return ansi.Strip(c.title) != "" }) {
		titles := make([]string, len(cols))
		for i, c := range cols {
			titles[i] = c.title
		}
		if under {
			titles[last] = ""
		}
		p.tableLine(indent, cols, titles)
	}
	for _, r := range rows {
		if len(r) < len(cols) || !cols[last].wrap {
			p.tableLine(indent, cols, r)
			continue
		}
		if under {
			p.tableLine(indent, cols, r[:last])
			if r[last] != "" {
				p.wrap(indent+underIndent, r[last])
			}
			continue
		}
		for i, l := range wrapped(r[last], cols[last].width) {
			if i > 0 {
				r = make([]string, len(cols))
			}
			p.tableLine(indent, cols, append(slices.Clone(r[:last]), l))
		}
	}
}

// roomOf is how much room columns take side by side.
func roomOf(cols []column) int {
	n := 0
	for _, c := range cols {
		n += c.gap + c.width
	}
	return n
}

// under reports whether the last column's cells take fewer lines under their
// rows than wrapped beside them.
func (p *page) under(cols []column, room int, rows [][]string) bool {
	last := len(cols) - 1
	width := room - roomOf(cols[:last]) - cols[last].gap
	if cols[last].width <= width {
		return false
	}
	if width < leastWrap {
		return true
	}
	beside, under := 0, 0
	for _, r := range rows {
		if len(r) < len(cols) || r[last] == "" {
			continue
		}
		beside += len(wrapped(r[last], width))
		under += 1 + len(wrapped(r[last], room-underIndent))
	}
	return under < beside
}

func (p *page) tableLine(indent int, cols []column, r []string) {
	var b strings.Builder
	b.WriteString(strings.Repeat(" ", indent))
	for i, c := range r {
		b.WriteString(strings.Repeat(" ", cols[i].gap))
		pad := strings.Repeat(" ", max(0, cols[i].width-widthOf(c)))
		if cols[i].right {
			b.WriteString(pad + c)
		} else {
			b.WriteString(c + pad)
		}
	}
	p.line("%s", p.fit(strings.TrimRight(b.String(), " ")))
}

// shortened are the rows with the cells of narrow columns in short.
func shortened(cols []column, rows [][]string) [][]string {
	out := make([][]string, len(rows))
	for i, r := range rows {
		out[i] = slices.Clone(r)
	}
	for c, col := range cols {
		if !col.short {
			continue
		}
		aligned := func(r []string) bool { return c < len(r)-1 || len(r) == len(cols) }
		var names []string
		for _, r := range rows {
			if aligned(r) {
				names = append(names, r[c])
			}
		}
		short := shortenAll(names, col.width)
		for i, r := range rows {
			if aligned(r) {
				out[i][c] = short[r[c]]
			}
		}
	}
	return out
}

// shortenAll shortens each name so that names that differ still do, where there
// is a way.
func shortenAll(names []string, width int) map[string]string {
	out, by := map[string]string{}, map[string][]string{}
	for _, n := range names {
		if _, ok := out[n]; !ok {
			out[n] = shorten(n, width)
			by[out[n]] = append(by[out[n]], n)
		}
	}
	for _, alike := range by {
		if len(alike) == 1 {
			continue
		}
		forms := []func(string) string{
			func(n string) string { return middle(n, 4, width) },
			func(n string) string { return middle(n, 0, width) },
			func(n string) string { return from(n, differ(alike), width) },
		}
		for _, form := range forms {
			seen := map[string]bool{}
			for _, n := range alike {
				out[n] = form(n)
				seen[out[n]] = true
			}
			if len(seen) == len(alike) {
				break
			}
		}
	}
	return out
}

// differ is the column in which names that differ begin to.
func differ(names []string) int {
	common := ansi.Strip(names[0])
	for _, n := range names[1:] {
		n, i := ansi.Strip(n), 0
		for i < len(n) && i < len(common) && n[i] == common[i] {
			i++
		}
		common = common[:i]
	}
	return widthOf(common)
}

// from is what stands around the column at of a longer text.
func from(s string, at, width int) string {
	const before = 4
	start := max(0, min(at-before, widthOf(s)-width+1))
	return ansi.Truncate("…"+ansi.TruncateLeft(s, start, ""), width, "…")
}

// shorten is a name, a path or a reference in at most width columns: without
// folders in its middle where that is enough, else without other text of it. Of
// what is left, most is the end, which tells names of one folder apart.
func shorten(s string, width int) string {
	if widthOf(s) <= width {
		return s
	}
	if s = strings.Replace(s, "@sha256:", "@", 1); widthOf(s) <= width {
		return s
	}
	plain := ansi.Strip(s)
	if first := strings.IndexByte(plain, '/'); first > 0 {
		for i := first + 2; i < len(plain) && strings.Count(plain[i:], "/") > 1; i++ {
			if plain[i] != '/' {
				continue
			}
			if kept := plain[:first] + "/…" + plain[i:]; widthOf(kept) <= width {
				return strings.Replace(s, plain, kept, 1)
			}
		}
	}
	return middle(s, (width-1)/3, width)
}

// middle is the first head columns of a longer text and as much of its end as
// width holds beside them.
func middle(s string, head, width int) string {
	if widthOf(s) <= width {
		return s
	}
	if width <= head+1 {
		return ansi.Truncate(s, width, "…")
	}
	tail := width - 1 - head
	return ansi.Truncate(s, head, "") + "…" + ansi.TruncateLeft(s, widthOf(s)-tail, "")
}

// shortDigests leaves of each digest in a text its first twelve digits, as people
// read it: "nginx@sha256:2c60d1f4e0c1".
func shortDigests(s string) string {
	const mark, full, kept = "sha256:", 64, 12
	var b strings.Builder
	for {
		i := strings.Index(s, mark)
		if i < 0 {
			break
		}
		i += len(mark)
		n := 0
		for i+n < len(s) && strings.IndexByte("0123456789abcdef", s[i+n]) >= 0 {
			n++
		}
		if n == full {
			b.WriteString(s[:i+kept])
		} else {
			b.WriteString(s[:i+n])
		}
		s = s[i+n:]
	}
	b.WriteString(s)
	return b.String()
}
