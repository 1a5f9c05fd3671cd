package audit

import (
	"errors"
	"strings"
)

// splitWords takes a line apart as a shell does, up to where another command
// begins. Expansions stay as they are written.
func splitWords(s string) ([]string, error) {
	var out []string
	var word strings.Builder
	in := false
	end := func() {
		if in {
			out = append(out, word.String())
		}
		word.Reset()
		in = false
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case ' ', '\t', '\n', '\r':
			end()
		case ';', '|', '&':
			end()
			return out, nil
		case '#':
			if !in {
				return out, nil
			}
			word.WriteByte(c)
		case '\'':
			in = true
			n := strings.IndexByte(s[i+1:], '\'')
			if n < 0 {
				return nil, errors.New("a quote is not closed")
			}
			word.WriteString(s[i+1 : i+1+n])
			i += n + 1
		case '"':
			in = true
			for i++; ; i++ {
				if i >= len(s) {
					return nil, errors.New("a quote is not closed")
				}
				if s[i] == '"' {
					break
				}
				if s[i] == '\\' && i+1 < len(s) && strings.IndexByte("\"\\$`", s[i+1]) >= 0 {
					i++
				}
				word.WriteByte(s[i])
			}
		case '\\':
			if rest := strings.TrimPrefix(s[i+1:], "\r"); strings.HasPrefix(rest, "\n") {
				i = len(s) - len(rest)
				continue // the line goes on
			}
			if i++; i < len(s) {
				in = true
				word.WriteByte(s[i])
			}
		default:
			in = true
			word.WriteByte(c)
		}
	}
	end()
	return out, nil
}
