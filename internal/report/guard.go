package report

import (
	"bufio"
	"bytes"
	"io"
	"unicode/utf8"
)

// guard is the last door of a report for people: it lets text and line ends
// through and, where colour is wanted, the colours of this package; of anything
// else that a terminal acts on it leaves a U+FFFD.
type guard struct {
	w       io.Writer
	colours []string // empty: none are let through
	rest    []byte   // the beginning of a rune or of a colour
}

func newGuard(w io.Writer, opt Options) *guard {
	g := &guard{w: w}
	if opt.Color {
		g.colours = colours()
	}
	return g
}

func (g *guard) Write(p []byte) (int, error) {
	in := p
	if len(g.rest) > 0 {
		in = append(g.rest, p...)
		g.rest = nil
	}
	_, err := g.w.Write(g.pass(in, false))
	return len(p), err
}

// flush writes what was held back for want of its end.
func (g *guard) flush() error {
	_, err := g.w.Write(g.pass(g.rest, true))
	g.rest = nil
	return err
}

func (g *guard) pass(in []byte, last bool) []byte {
	out := make([]byte, 0, len(in)+8)
	for len(in) > 0 {
		if c := in[0]; c >= ' ' && c < 0x7f || c == '\n' {
			out, in = append(out, c), in[1:]
			continue
		}
		if in[0] == 0x1b {
			n, more := g.colour(in)
			if more && !last {
				break
			}
			if n > 0 {
				out, in = append(out, in[:n]...), in[n:]
				continue
			}
		}
		if !last && !utf8.FullRune(in) {
			break
		}
		r, n := utf8.DecodeRune(in)
		out, in = utf8.AppendRune(out, shown(r)), in[n:]
	}
	g.rest = bytes.Clone(in)
	return out
}

// paged writes a page of text through the guard.
func paged(w io.Writer, opt Options, write func(*page)) error {
	g := newGuard(w, opt)
	b := bufio.NewWriter(g)
	write(&page{w: b, opt: opt})
	if err := b.Flush(); err != nil {
		return err
	}
	return g.flush()
}

// colours are the sequences that this package paints with: bold, faint, the
// terminal's own colours, and back. None of them hides text.
func colours() []string {
	return []string{"\x1b[m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[35m", "\x1b[36m", "\x1b[1;35m"}
}

// colour is the length of the colour that b begins with, and whether b ends
// before that can be told.
func (g *guard) colour(b []byte) (n int, more bool) {
	for _, c := range g.colours {
		if bytes.HasPrefix(b, []byte(c)) {
			return len(c), false
		}
		more = more || bytes.HasPrefix([]byte(c), b)
	}
	return 0, more
}
