package explore

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

func TestKeys(t *testing.T) {
	for in, want := range map[string][]string{
		"jq":                          {"j", "q"},
		"\x1b[A\x1b[B\x1bOC\x1b[D":    {"up", "down", "right", "left"},
		"\x1b[1;2A":                   {"up"},
		"\x1b[5~\x1b[6~\x1b[1~\x1b[F": {"pgup", "pgdown", "home", "end"},
		"\t\x1b[Z\r":                  {"tab", "shift+tab", "enter"},
		"\x1b":                        {"esc"},
		"\x1b\x1b[A":                  {"esc", "up"},
		"\x03\x02\x06\x7f":            {"ctrl+c", "ctrl+b", "ctrl+f", "backspace"},
		"é 漢":                         {"é", " ", "漢"},
		"\x1bx\x1b[200~a":             {"a"},
		"\xff\x00a":                   {"a"},
	} {
		keys, rest := decode([]byte(in))
		if !slices.Equal(keys, want) || len(rest) > 0 {
			t.Errorf("%q: %q and the rest %q, want %q", in, keys, rest, want)
		}
	}
}

// FuzzKeys: what comes in pieces says the same as at once, but for an ESC at the end of a piece; a key is one
// printable rune or a name; and little is kept.
func FuzzKeys(f *testing.F) {
	f.Add([]byte("ab\x1b[1;5A\xe6\xbc"), 3)
	f.Add([]byte("\x1b[5"), 1)
	f.Fuzz(func(t *testing.T, b []byte, at int) {
		keys, rest := decode(b)
		for _, k := range keys {
			if !utf8.ValidString(k) || strings.ContainsFunc(k, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Fatalf("%q is a key", k)
			}
		}
		if len(rest) >= maxSequence {
			t.Fatalf("%d bytes are kept", len(rest))
		}
		if at < 0 || at > len(b) || bytes.HasSuffix(b[:at], []byte{0x1b}) || len(b) > maxSequence {
			return
		}
		first, kept := decode(b[:at])
		second, left := decode(slices.Concat(kept, b[at:]))
		if !slices.Equal(slices.Concat(first, second), keys) || !bytes.Equal(left, rest) {
			t.Fatalf("%q and %q in pieces, %q at once", first, second, keys)
		}
	})
}

// TestLoop explores as a terminal would have it: keys in, frames out, another size on the way.
func TestLoop(t *testing.T) {
	m := explorer(t)
	in, hand := io.Pipe()
	var screen bytes.Buffer
	width := 100
	size := func() (int, int) { return width, 20 }
	done := make(chan error, 1)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	keys := pressed(ctx, in)
	go func() { done <- m.loop(ctx, keys, &screen, size) }()
	for _, k := range []string{"j", "\x1b", "[", "B", "q"} {
		if _, err := io.WriteString(hand, k); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	frames := strings.Split(screen.String(), ansi.CursorHomePosition)
	if text := ansi.Strip(frames[len(frames)-1]); !strings.Contains(text, "LAYER 2") || strings.Contains(strings.ReplaceAll(text, "\r\n", ""), "\n") {
		t.Errorf("the last frame: %q", text)
	}
	cancel()
	if err := m.loop(ctx, nil, io.Discard, size); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that ended: %v", err)
	}
}
