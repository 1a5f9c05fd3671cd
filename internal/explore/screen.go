package explore

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/term"

	"github.com/drydock-dev/drydock/internal/check"
)

// Run explores a scanned image until the user leaves, the input ends, or ctx does. Both in and out are
// terminals.
func Run(ctx context.Context, in io.Reader, out io.Writer, t check.Target) error {
	if t.Scan == nil {
		return &noLayersError{t.Subject.Name}
	}
	keyboard, ok := in.(interface{ Fd() uintptr })
	screen, both := out.(interface{ Fd() uintptr })
	if !ok || !both {
		return errors.New("layers are explored in a terminal, and this is none")
	}
	was, err := term.MakeRaw(keyboard.Fd())
	if err != nil {
		return err
	}
	defer term.Restore(keyboard.Fd(), was) //nolint:errcheck // there is nobody left to tell
	if _, err := io.WriteString(out, ansi.SetModeAltScreenSaveCursor+ansi.HideCursor); err != nil {
		return err
	}
	defer io.WriteString(out, ansi.ShowCursor+ansi.ResetModeAltScreenSaveCursor)
	m := newModel(t)
	size := func() (int, int) {
		if w, h, err := term.GetSize(screen.Fd()); err == nil {
			return w, h
		}
		return m.width, m.height
	}
	return m.loop(ctx, pressed(ctx, in), out, size)
}

// sized is how often the size of the terminal is asked for: not every system tells when it changes.
const sized = 200 * time.Millisecond

// loop draws what there is, and again after each key and each change of the size.
func (m *model) loop(ctx context.Context, keys <-chan string, out io.Writer, size func() (width, height int)) error {
	tick := time.NewTicker(sized)
	defer tick.Stop()
	m.resize(size())
	for {
		if _, err := io.WriteString(out, frame(m.draw())); err != nil {
			return err
		}
		for again := true; again; {
			again = false
			select {
			case <-ctx.Done():
				return ctx.Err()
			case k, ok := <-keys:
				if !ok || m.press(k) {
					return nil
				}
			case <-tick.C:
				w, h := size()
				again = w == m.width && h == m.height
				m.resize(w, h)
			}
		}
	}
}

// frame writes a text over what is on the screen.
func frame(text string) string {
	return ansi.CursorHomePosition + strings.ReplaceAll(text, "\n", ansi.EraseLineRight+"\r\n") + ansi.EraseLineRight + ansi.EraseScreenBelow
}

// pressed are the keys that come from a terminal, until it ends. The reader stays behind with the read that it
// is in: no system can take that back.
func pressed(ctx context.Context, in io.Reader) <-chan string {
	keys := make(chan string)
	go func() {
		defer close(keys)
		var rest []byte
		b := make([]byte, 256)
		for {
			n, err := in.Read(b)
			var names []string
			names, rest = decode(append(rest, b[:n]...))
			for _, k := range names {
				select {
				case keys <- k:
				case <-ctx.Done():
					return
				}
			}
			if err != nil {
				return
			}
		}
	}()
	return keys
}
