package catalog

import "strings"

// lockIndent tells how deep each line stands, by its indentation against that
// of the lines above, whatever a level's width and whether of spaces or tabs.
type lockIndent struct{ widths []int }

// depth is 0 for a line at the margin. A line that is indented less than its
// fellows and more than their parent is one of them.
func (l *lockIndent) depth(line string) (depth int, text string) {
	const tab = 8
	width := 0
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case ' ':
			width++
			continue
		case '\t':
			width += tab - width%tab
			continue
		}
		text = strings.TrimRight(line[i:], " \t")
		break
	}
	if text == "" {
		return 0, ""
	}
	n := len(l.widths)
	for n > 0 && l.widths[n-1] >= width {
		n--
	}
	if width == 0 {
		l.widths = l.widths[:0]
		return 0, text
	}
	l.widths = append(l.widths[:n], width)
	return n + 1, text
}
