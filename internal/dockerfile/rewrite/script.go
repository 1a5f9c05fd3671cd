package rewrite

import (
	"slices"
	"strings"
	"unicode"
)

// setting is what a configuration written in JavaScript says of a key.
type setting struct {
	value   string // of a string, number or word
	literal bool   // false: it is there, and what it is cannot be told
}

// settings reads the keys of the object literals in a JavaScript text, by
// their path: "build.outDir". Only keys are looked for, the last of equal ones
// counts, and what follows a key is taken where it is a literal.
func settings(text string) map[string]setting {
	out := map[string]setting{}
	s := &jsScanner{text: text}
	var stack []string
	key := "" // the key that has just been read, with its colon
	prev := jsToken{}
	for tok := s.next(); tok.kind != 0; tok = s.next() {
		switch {
		case tok.kind == '{':
			stack = append(stack, key)
			key = ""
		case tok.kind == '}':
			if len(stack) > 0 {
				stack = stack[:len(stack)-1]
			}
			key = ""
		case tok.kind == ':' && (prev.kind == 'w' || prev.kind == 's'):
			key = prev.text
			if len(stack) < maxNesting {
				out[jsPath(stack, key)] = setting{}
			}
		case key != "" && (tok.kind == 'w' || tok.kind == 's') && prev.kind == ':':
			after := s.peek()
			if len(stack) < maxNesting && (after.kind == ',' || after.kind == '}' || after.kind == 0) {
				literal := tok.kind == 's' || tok.text == "true" || tok.text == "false" || tok.text[0] >= '0' && tok.text[0] <= '9'
				out[jsPath(stack, key)] = setting{value: tok.text, literal: literal}
			}
			key = ""
		case tok.kind == ',':
			key = ""
		}
		prev = tok
	}
	return out
}

// maxNesting is how deep objects are looked into.
const maxNesting = 32

// jsPath is the keys that lead to one, without the objects that have none.
func jsPath(stack []string, key string) string {
	keys := slices.DeleteFunc(slices.Clone(stack), func(s string) bool { return s == "" })
	return strings.Join(append(keys, key), ".")
}

// jsToken is a word or number ('w'), a string ('s') or a sign; 0: the end.
type jsToken struct {
	kind rune
	text string
}

type jsScanner struct {
	text string
	at   int
}

func (s *jsScanner) peek() jsToken {
	at := s.at
	tok := s.next()
	s.at = at
	return tok
}

func (s *jsScanner) next() jsToken {
	for s.at < len(s.text) {
		rest := s.text[s.at:]
		switch ch := rest[0]; {
		case strings.HasPrefix(rest, "//"):
			s.skip(rest, "\n")
		case strings.HasPrefix(rest, "/*"):
			s.skip(rest, "*/")
		case ch == '"' || ch == '\'' || ch == '`':
			return s.quoted(ch)
		case wordLength(rest) > 0:
			n := wordLength(rest)
			s.at += n
			return jsToken{'w', rest[:n]}
		case ch <= ' ':
			s.at++
		default:
			s.at++
			return jsToken{rune(ch), rest[:1]}
		}
	}
	return jsToken{}
}

func (s *jsScanner) skip(rest, end string) {
	if n := strings.Index(rest, end); n >= 0 {
		s.at += n + len(end)
		return
	}
	s.at = len(s.text)
}

// quoted reads a string; a template with something filled in is a sign.
func (s *jsScanner) quoted(quote byte) jsToken {
	start := s.at + 1
	for s.at++; s.at < len(s.text); s.at++ {
		switch ch := s.text[s.at]; {
		case ch == '\\':
			s.at++
		case ch == '\n' && quote != '`':
			return jsToken{'?', ""}
		case ch == quote:
			s.at++
			text := s.text[start : s.at-1]
			if strings.ContainsRune(text, '\\') || quote == '`' && strings.Contains(text, "${") {
				return jsToken{'?', ""}
			}
			return jsToken{'s', text}
		}
	}
	return jsToken{}
}

// wordLength is how many bytes at the start of a text are of a word.
func wordLength(text string) int {
	if n := strings.IndexFunc(text, func(r rune) bool { return !isWord(r) }); n >= 0 {
		return n
	}
	return len(text)
}

func isWord(r rune) bool { return r == '_' || r == '$' || unicode.IsLetter(r) || unicode.IsDigit(r) }
