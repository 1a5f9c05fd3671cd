package lsp

import (
	"sort"
	"unicode/utf8"
)

// Text is one version of a document, with the place of each of its lines. Places of
// the protocol count UTF-16 code units, places of findings bytes.
type Text struct {
	s     string
	lines []int // byte offset of each line's start; the first is 0
}

// NewText takes a text as it is.
func NewText(s string) *Text {
	t := &Text{s: s, lines: []int{0}}
	t.index(0)
	return t
}

// index adds the starts of the lines that begin after the byte at from.
func (t *Text) index(from int) {
	for i := from; i < len(t.s); i++ {
		switch {
		case t.s[i] == '\n', t.s[i] == '\r' && (i+1 == len(t.s) || t.s[i+1] != '\n'):
			t.lines = append(t.lines, i+1)
		}
	}
}

func (t *Text) String() string { return t.s }

// Bytes is a copy of the text.
func (t *Text) Bytes() []byte { return []byte(t.s) }

// Offset is the byte at a position. One beyond a line's end is the line's end, and one
// beyond the last line the end of the text, as the protocol has it.
func (t *Text) Offset(p Position) int {
	if p.Line >= len(t.lines) {
		return len(t.s)
	}
	at, end := t.lines[p.Line], t.lineEnd(p.Line)
	for units := 0; at < end && units < p.Character; {
		r, size := utf8.DecodeRuneInString(t.s[at:end])
		if units += utf16Len(r); units > p.Character {
			break // within a surrogate pair: before it
		}
		at += size
	}
	return at
}

// Position is where the byte at an offset is.
func (t *Text) Position(at int) Position {
	at = min(max(at, 0), len(t.s))
	line := sort.SearchInts(t.lines, at+1) - 1
	p := Position{Line: line}
	end := min(at, t.lineEnd(line))
	for i := t.lines[line]; i < end; {
		r, size := utf8.DecodeRuneInString(t.s[i:])
		if i += size; i > at {
			break
		}
		p.Character += utf16Len(r)
	}
	return p
}

// Range is where the bytes from start to end are.
func (t *Text) Range(start, end int) Range {
	return Range{t.Position(start), t.Position(max(start, end))}
}

// lineEnd is the offset of a line's end, before the characters that end it.
func (t *Text) lineEnd(line int) int {
	if line+1 == len(t.lines) {
		return len(t.s)
	}
	end := t.lines[line+1] - 1
	if end > t.lines[line] && t.s[end] == '\n' && t.s[end-1] == '\r' {
		end--
	}
	return end
}

// Edit is the text with a range of it replaced; a nil range is all of it.
func (t *Text) Edit(r *Range, with string) *Text {
	if r == nil {
		return NewText(with)
	}
	start, end := t.Offset(r.Start), t.Offset(r.End)
	end = max(start, end)
	n := &Text{s: t.s[:start] + with + t.s[end:]}
	// The lines that begin before the edit stay. One that begins at it may follow a
	// carriage return, to which the edit brings a line feed.
	keep := max(sort.SearchInts(t.lines, start), 1)
	n.lines = append(make([]int, 0, len(t.lines)+8), t.lines[:keep]...)
	n.index(n.lines[keep-1])
	return n
}

// utf16Len is how many UTF-16 code units a character has. A byte that is no part of
// one is read as the replacement character, which has one.
func utf16Len(r rune) int {
	if r > 0xffff {
		return 2
	}
	return 1
}
