package fix

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/secret"
)

// Hunk is a run of lines that differ, with the lines around them.
type Hunk struct {
	OldStart, OldLines int // from 1; 0 where there are none
	NewStart, NewLines int
	Lines              []Line
}

// Line is one line of a hunk. Text has no line end and no secret.
type Line struct {
	Op    byte // ' ', '-' or '+'
	Text  string
	NoEnd bool // the file ends here without a line end

	starred bool // a secret was taken out of it
}

const around = 3 // lines of context

// Diff is what changes from before to after, line by line, three lines around
// each change. It anchors on lines that both have exactly once, and so takes
// n log n time; what lies between anchors and is unlike is replaced as a whole.
func Diff(before, after []byte) []Hunk {
	if bytes.Equal(before, after) {
		return nil
	}
	old, now := linesOf(before), linesOf(after)
	d := differ{old: old, now: now}
	d.match(0, len(old), 0, len(now), 0)
	d.pairs = append(d.pairs, pair{len(old), len(now)})
	return d.hunks(shown(before, old), shown(after, now))
}

// Edits are what makes one content of a file of another, whole lines each, for a
// program: secrets stay in them.
func Edits(name string, before, after []byte) []finding.Edit {
	d := differ{old: linesOf(before), now: linesOf(after)}
	d.match(0, len(d.old), 0, len(d.now), 0)
	d.pairs = append(d.pairs, pair{len(d.old), len(d.now)})
	base := finding.DigestOf(before)
	var out []finding.Edit
	line, at, x := 0, 0, 0
	for _, p := range d.pairs {
		start := at
		for ; line < p.old; line++ {
			at += len(d.old[line])
		}
		if text := strings.Join(d.now[x:p.now], ""); at > start || text != "" {
			out = append(out, finding.Edit{File: name, Base: base, Start: start, End: at, New: text})
		}
		if p.old < len(d.old) {
			at += len(d.old[p.old])
		}
		line, x = p.old+1, p.now+1
	}
	return out
}

// linesOf splits after each line end.
func linesOf(b []byte) []string {
	if len(b) == 0 {
		return nil
	}
	lines := strings.SplitAfter(string(b), "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// pair is a line that both have.
type pair struct{ old, now int }

type differ struct {
	old, now []string
	pairs    []pair
}

// depth is how often what lies between anchors is searched for anchors of its own.
const depth = 8

// match finds the lines that old[a:b] and now[x:y] have in common, in order.
func (d *differ) match(a, b, x, y, deep int) {
	for a < b && x < y && d.old[a] == d.now[x] {
		d.pairs = append(d.pairs, pair{a, x})
		a, x = a+1, x+1
	}
	tail := 0
	for a < b && x < y && d.old[b-1] == d.now[y-1] {
		b, y, tail = b-1, y-1, tail+1
	}
	if a < b && x < y && deep < depth {
		anchors := d.anchors(a, b, x, y)
		for _, p := range anchors {
			if p.old < a || p.now < x {
				continue // swallowed by the run of the anchor before
			}
			d.match(a, p.old, x, p.now, deep+1)
			a, x = p.old, p.now
			for a < b && x < y && d.old[a] == d.now[x] {
				d.pairs = append(d.pairs, pair{a, x})
				a, x = a+1, x+1
			}
		}
		if len(anchors) > 0 {
			d.match(a, b, x, y, deep+1)
		}
	}
	for i := range tail {
		d.pairs = append(d.pairs, pair{b + i, y + i})
	}
}

// anchors are the lines that stand exactly once on either side: the longest run
// of them that is in the same order.
func (d *differ) anchors(a, b, x, y int) []pair {
	type seen struct{ old, now, oldAt, nowAt int }
	count := map[string]*seen{}
	for i := a; i < b; i++ {
		s := count[d.old[i]]
		if s == nil {
			s = &seen{}
			count[d.old[i]] = s
		}
		s.old, s.oldAt = s.old+1, i
	}
	for i := x; i < y; i++ {
		if s := count[d.now[i]]; s != nil {
			s.now, s.nowAt = s.now+1, i
		}
	}
	// Patience: piles by their top card, each card remembering the pile before.
	var cards []pair
	var before []int
	var tops []int // index into cards
	for i := a; i < b; i++ {
		s := count[d.old[i]]
		if s.old != 1 || s.now != 1 {
			continue
		}
		lo, hi := 0, len(tops)
		for lo < hi {
			if mid := (lo + hi) / 2; cards[tops[mid]].now < s.nowAt {
				lo = mid + 1
			} else {
				hi = mid
			}
		}
		prev := -1
		if lo > 0 {
			prev = tops[lo-1]
		}
		cards, before = append(cards, pair{i, s.nowAt}), append(before, prev)
		if lo == len(tops) {
			tops = append(tops, 0)
		}
		tops[lo] = len(cards) - 1
	}
	if len(tops) == 0 {
		return nil
	}
	out := make([]pair, len(tops))
	for at, i := tops[len(tops)-1], len(tops)-1; at >= 0; at, i = before[at], i-1 {
		out[i] = cards[at]
	}
	return out
}

// hunks writes the runs between matched lines. old and now are the lines as
// they may be shown.
func (d *differ) hunks(old, now []Line) []Hunk {
	var out []Hunk
	var h *Hunk
	a, x := 0, 0 // the lines that are done
	common := func(from, to int) {
		for i := from; i < to; i++ {
			h.Lines = append(h.Lines, now[i])
			h.OldLines, h.NewLines = h.OldLines+1, h.NewLines+1
		}
	}
	last := 0 // end, in now, of the last change
	for _, p := range d.pairs {
		if p.old == a && p.now == x {
			a, x = a+1, x+1
			continue
		}
		if h != nil && x-last <= 2*around {
			common(last, x)
		} else {
			if h != nil {
				common(last, min(last+around, x))
			}
			back := min(around, x)
			if h != nil {
				back = min(back, x-last)
			}
			out = append(out, Hunk{OldStart: a - back + 1, NewStart: x - back + 1})
			h = &out[len(out)-1]
			common(x-back, x)
		}
		for ; a < p.old; a++ {
			l := old[a]
			l.Op = '-'
			h.Lines = append(h.Lines, l)
			h.OldLines++
		}
		for ; x < p.now; x++ {
			l := now[x]
			l.Op = '+'
			h.Lines = append(h.Lines, l)
			h.NewLines++
		}
		last = x
		a, x = a+1, x+1
	}
	if h != nil {
		common(last, min(last+around, len(now)))
	}
	for i := range out {
		// GNU's way: a side without lines begins after the line before it.
		if out[i].OldLines == 0 {
			out[i].OldStart--
		}
		if out[i].NewLines == 0 {
			out[i].NewStart--
		}
	}
	return out
}

// shown is a file's lines without line ends and secrets. A secret that spans
// lines is taken out of each.
func shown(b []byte, lines []string) []Line {
	out := make([]Line, len(lines))
	found := secret.FindCommand(b)
	at := 0
	for i, l := range lines {
		end := at + len(l)
		text := strings.TrimSuffix(l, "\n")
		var clean strings.Builder
		from := at
		for _, m := range found {
			if m.End <= from || m.Start >= at+len(text) {
				continue
			}
			clean.Write(b[from:max(m.Start, from)])
			if m.Start >= at && m.End <= at+len(text) {
				clean.WriteString(m.Redacted(b))
			} else {
				clean.WriteString("****")
			}
			from = min(m.End, at+len(text))
		}
		clean.Write(b[from : at+len(text)])
		safe := secret.Redact(clean.String())
		out[i] = Line{Op: ' ', Text: safe, NoEnd: !strings.HasSuffix(l, "\n"), starred: safe != text}
		at = end
		for len(found) > 0 && found[0].End <= at {
			found = found[1:]
		}
	}
	return out
}

// Unified writes hunks as `diff -u` does, without colours, redacted.
func Unified(name string, hunks []Hunk) string {
	if len(hunks) == 0 {
		return ""
	}
	var b strings.Builder
	name = strings.TrimPrefix(name, "/")
	fmt.Fprintf(&b, "--- a/%s\n+++ b/%s\n", name, name)
	for _, h := range hunks {
		b.WriteString(h.Head() + "\n")
		for _, l := range h.Lines {
			b.WriteByte(l.Op)
			b.WriteString(l.Text + "\n")
			if l.NoEnd {
				b.WriteString("\\ No newline at end of file\n")
			}
		}
	}
	return b.String()
}

// Head is the line that says where the hunk is.
func (h Hunk) Head() string {
	side := func(start, n int) string {
		if n == 1 {
			return fmt.Sprint(start)
		}
		return fmt.Sprintf("%d,%d", start, n)
	}
	return fmt.Sprintf("@@ -%s +%s @@", side(h.OldStart, h.OldLines), side(h.NewStart, h.NewLines))
}
