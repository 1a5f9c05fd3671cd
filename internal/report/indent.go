package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
)

// writeJSON writes v as JSON for people and programs alike: two blanks a level,
// and no HTML escapes.
func writeJSON(w io.Writer, v any) error {
	var compact bytes.Buffer
	enc := json.NewEncoder(&compact)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	b := bufio.NewWriterSize(w, 64<<10)
	indentJSON(b, bytes.TrimSuffix(compact.Bytes(), []byte("\n")))
	_ = b.WriteByte('\n')
	return b.Flush() // which has the first error of all
}

// indentJSON writes compact JSON as json.Indent lays it out. It takes what the
// encoder made for well-formed, and so costs a fraction: reports of thousands of
// findings spent most of their time there.
func indentJSON(w *bufio.Writer, compact []byte) {
	depth := 0
	line := func() {
		_ = w.WriteByte('\n')
		for range depth {
			_, _ = w.WriteString("  ")
		}
	}
	for i := 0; i < len(compact); {
		c := compact[i]
		switch c {
		case '{', '[':
			_ = w.WriteByte(c)
			i++
			if i < len(compact) && compact[i] == c+2 {
				_ = w.WriteByte(c + 2)
				i++
				continue
			}
			depth++
			line()
			continue
		case '}', ']':
			depth--
			line()
		case ',':
			_ = w.WriteByte(c)
			i++
			line()
			continue
		case ':':
			_, _ = w.WriteString(": ")
			i++
			continue
		}
		end := i + 1
		if c == '"' {
			for end < len(compact) && compact[end] != '"' {
				if compact[end] == '\\' {
					end++
				}
				end++
			}
			end = min(end+1, len(compact))
		}
		_, _ = w.Write(compact[i:end])
		i = end
	}
}
