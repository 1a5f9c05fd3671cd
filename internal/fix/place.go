package fix

import (
	"bytes"
	"slices"
	"sort"

	"github.com/drydock-dev/drydock/internal/finding"
)

// places puts what is found in versions of files where it stands in the files as
// they lie on the disk.
type places struct {
	before, now map[string][]byte
	shifts      map[string]*shift // by file, once it is needed
}

// onDisk is x with the places that the files have on the disk. What a fix before
// put in stands where it was put in.
func (p *places) onDisk(x finding.Finding) finding.Finding {
	x.At = slices.Clone(x.At)
	for i, at := range x.At {
		s := at.Source
		if s == nil || s.Line < 1 || p.before[s.File] == nil || bytes.Equal(p.before[s.File], p.now[s.File]) {
			continue
		}
		if p.shifts == nil {
			p.shifts = map[string]*shift{}
		}
		m := p.shifts[s.File]
		if m == nil {
			m = shiftOf(p.before[s.File], p.now[s.File])
			p.shifts[s.File] = m
		}
		x.At[i].Source = m.back(*s)
	}
	return x
}

// shift is where the lines of a file were before it was edited.
type shift struct {
	pairs    []pair // of the lines that both have, in order, and of their ends
	old, now []int  // where each line begins, and the last ends
}

func shiftOf(before, now []byte) *shift {
	d := differ{old: linesOf(before), now: linesOf(now)}
	d.match(0, len(d.old), 0, len(d.now), 0)
	return &shift{append(d.pairs, pair{len(d.old), len(d.now)}), beginnings(d.old), beginnings(d.now)}
}

func beginnings(lines []string) []int {
	at := make([]int, len(lines)+1)
	for i, l := range lines {
		at[i+1] = at[i] + len(l)
	}
	return at
}

// line is which line of the old file the line i of the new one is, from 0. One
// that is not the same stands for the old line at its place.
func (m *shift) line(i int) (was int, same bool) {
	next := sort.Search(len(m.pairs), func(n int) bool { return m.pairs[n].now >= i })
	if next == len(m.pairs) {
		next--
	}
	p := m.pairs[next]
	if p.now == i && p.old < len(m.old)-1 {
		return p.old, true
	}
	before := pair{-1, -1}
	if next > 0 {
		before = m.pairs[next-1]
	}
	was = min(before.old+i-before.now, max(p.old-1, before.old+1))
	return max(0, min(was, len(m.old)-2)), false
}

func (m *shift) back(s finding.Span) *finding.Span {
	was, same := m.line(s.Line - 1)
	if !same {
		return &finding.Span{File: s.File, Line: was + 1, Column: 1, Start: m.old[was], End: m.old[was]}
	}
	by := m.old[was] - m.now[s.Line-1]
	// What follows on further lines may have changed: the end is of this line then.
	end := s.End + by
	last := sort.Search(len(m.now), func(n int) bool { return m.now[n] >= s.End }) - 1
	if last >= s.Line {
		if to, same := m.line(last); same {
			end = m.old[to] + s.End - m.now[last]
		} else {
			end = m.old[was+1]
		}
	}
	s.Line, s.Start, s.End = was+1, s.Start+by, max(end, s.Start+by)
	return &s
}
