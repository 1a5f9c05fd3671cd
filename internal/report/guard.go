package report

import (
	"bytes"
	"io"
	"unicode/utf8"
)

// guard is the last door of a report for people: it lets text and line ends
// through and, where colour is wanted, the colours of this package; of anything
// else that a terminal acts on it leaves a U+FFFD.
type guard struct {
	w     io.Writer
	color bool
	rest  []byte // the beginning of a rune or of a colour
}

// longestColor bounds what is waited for: "\x1b[1;38;5;255m" is the longest
// that a palette of terminal colours needs.
const longestColor = 16

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
		if in[0] == 0x1b && g.color {
			n, more := colour(in)
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

// colour is the length of the colour that b begins with, and whether b ends
// before that can be told. Only what paints counts: not "conceal" (8), nor
// anything else that hides text.
func colour(b []byte) (n int, more bool) {
	if len(b) == 1 {
		return 0, true
	}
	if b[1] != '[' {
		return 0, false
	}
	for i := 2; i < min(len(b), longestColor); i++ {
		switch c := b[i]; {
		case c == 'm':
			if bytes.Equal(b[2:i], []byte("8")) || bytes.Contains(b[2:i], []byte(";8")) || bytes.HasPrefix(b[2:i], []byte("8;")) {
				return 0, false
			}
			return i + 1, false
		case c != ';' && (c < '0' || c > '9'):
			return 0, false
		}
	}
	return 0, len(b) < longestColor
}
