package lsp_test

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/lsp"
)

func TestPositions(t *testing.T) {
	text := lsp.NewText("aß🐳x\r\n\rb\n")
	for at, want := range map[int]lsp.Position{
		0: {0, 0}, 1: {0, 1}, 3: {0, 2}, 7: {0, 4}, 8: {0, 5}, 9: {0, 5}, 10: {1, 0}, 11: {2, 0}, 12: {2, 1}, 13: {3, 0}, 99: {3, 0},
	} {
		if got := text.Position(at); got != want {
			t.Errorf("Position(%d) = %v, want %v", at, got, want)
		}
	}
	for p, want := range map[lsp.Position]int{
		{0, 0}: 0, {0, 2}: 3, {0, 3}: 3, {0, 4}: 7, {0, 99}: 8, {1, 7}: 10, {2, 1}: 12, {3, 0}: 13, {9, 9}: 13,
	} {
		if got := text.Offset(p); got != want {
			t.Errorf("Offset(%v) = %d, want %d", p, got, want)
		}
	}
}

// FuzzEdits: edits as an editor sends them, one after the other, leave the text that
// replacing the bytes leaves, with the lines of a text that is read anew; places and
// bytes tell each other; and each byte of what parses is one of its tokens'.
func FuzzEdits(f *testing.F) {
	f.Add("FROM debian:13-slim\nRUN apt-get install curl\n", []byte{0, 5, 1, 3, 1, 9, 0, 7, 2, 2, 20, 9})
	f.Add("# 🐳\r\nFROM a\rRUN x \\\n y\n", []byte{0, 1, 2, 1, 2, 3, 4, 0, 3, 1, 0, 9, 2, 1, 1})
	f.Add("a\r", []byte{0, 2, 0, 0, 1})
	pieces := []string{"", "\n", "\r", "\r\n", "🐳", "ß", "RUN ", "FROM x\n", "\\\n", "<<E\n", "\xff", "# c", "\"", " "}
	f.Fuzz(func(t *testing.T, s string, edits []byte) {
		if len(s) > 1<<12 || len(edits) > 200 {
			return
		}
		s = strings.ToValidUTF8(s, "�") // JSON has no other
		text := lsp.NewText(s)
		for ; len(edits) >= 5; edits = edits[5:] {
			r := lsp.Range{
				Start: lsp.Position{Line: int(edits[0]) % 12, Character: int(edits[1])},
				End:   lsp.Position{Line: int(edits[2]) % 12, Character: int(edits[3])},
			}
			with := strings.ToValidUTF8(pieces[int(edits[4])%len(pieces)], "�")
			start, end := text.Offset(r.Start), text.Offset(r.End)
			if end < start {
				end = start
			}
			want := s[:start] + with + s[end:]
			text = text.Edit(&r, with)
			if s = text.String(); s != want {
				t.Fatalf("%q, want %q", s, want)
			}
			anew := lsp.NewText(s)
			for at := 0; at <= len(s); at++ {
				p := text.Position(at)
				if q := anew.Position(at); p != q {
					t.Fatalf("%q: byte %d is at %v, and %v read anew", s, at, p, q)
				}
				if back := text.Offset(p); back != at && (at == len(s) || utf8.RuneStart(s[at])) && !inLineEnd(s, at) {
					t.Fatalf("%q: byte %d is at %v, which is byte %d", s, at, p, back)
				}
			}
		}
		file, err := dockerfile.Parse("Dockerfile", text.Bytes())
		if err != nil {
			return
		}
		var all []byte
		for _, tok := range file.Tokens() {
			all = append(all, text.Bytes()[tok.Start:tok.End]...)
		}
		if !bytes.Equal(all, text.Bytes()) {
			t.Fatalf("the tokens are %q, and the text is %q", all, s)
		}
	})
}

// inLineEnd reports whether a byte is the line feed after a carriage return.
func inLineEnd(s string, at int) bool {
	return at > 0 && at < len(s) && s[at] == '\n' && s[at-1] == '\r'
}
