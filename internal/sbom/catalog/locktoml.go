package catalog

import (
	"bytes"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// lockTOML reads one TOML document (v1.0, https://toml.io/en/v1.0.0) as a
// cursor over its bytes, like [lockJSON]: every key and value has an offset,
// nesting is bounded, and nothing is kept but what is asked for. The general
// decoders give neither lines nor a bound, and build the whole document: 17
// times the bytes of a Cargo.lock, in four times the time.
type lockTOML struct {
	b     []byte
	i     int
	depth int
}

// lockTOMLDepth is how deep arrays and inline tables may nest.
const lockTOMLDepth = 128

// tomlVisit is what a document is told to. Both are given the whole path of
// keys, which they must not keep.
type tomlVisit struct {
	header func(path [][]byte, list bool, at int) error // [path] or, of a list, [[path]]
	pair   func(path [][]byte, at int) error            // the cursor is on the value, which it must consume
}

func newLockTOML(b []byte) *lockTOML {
	return &lockTOML{b: bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))}
}

func (t *lockTOML) fail(what string) error {
	line := 1 + bytes.Count(t.b[:min(t.i, len(t.b))], []byte{'\n'})
	return fmt.Errorf("not TOML: line %d: %s", line, what)
}

// peek is the byte at the cursor; 0 at the end.
func (t *lockTOML) peek() byte {
	if t.i < len(t.b) {
		return t.b[t.i]
	}
	return 0
}

func (t *lockTOML) starts(s string) bool { return bytes.HasPrefix(t.b[t.i:], []byte(s)) }

// blank passes over spaces and tabs.
func (t *lockTOML) blank() {
	for t.peek() == ' ' || t.peek() == '\t' {
		t.i++
	}
}

// gap passes over white space, ends of lines and comments.
func (t *lockTOML) gap() {
	for {
		switch t.blank(); {
		case t.peek() == '\n':
			t.i++
		case t.starts("\r\n"):
			t.i += 2
		case t.peek() == '#':
			if n := bytes.IndexByte(t.b[t.i:], '\n'); n >= 0 {
				t.i += n
			} else {
				t.i = len(t.b)
			}
		default:
			return
		}
	}
}

// document reads the text as a whole.
func (t *lockTOML) document(v tomlVisit) error {
	var table [][]byte
	for {
		t.gap()
		if t.i >= len(t.b) {
			return nil
		}
		at := t.i
		var err error
		if t.peek() == '[' {
			table, err = t.header(table[:0], v, at)
		} else {
			var path [][]byte
			if path, err = t.assign(table); err == nil {
				err = v.pair(path, at)
			}
		}
		if err != nil {
			return err
		}
		t.blank()
		if t.i < len(t.b) && t.peek() != '\n' && t.peek() != '#' && !t.starts("\r\n") {
			return t.fail("something follows the value on its line")
		}
	}
}

func (t *lockTOML) header(path [][]byte, v tomlVisit, at int) ([][]byte, error) {
	t.i++
	list := t.peek() == '['
	closing := "]"
	if list {
		t.i++
		closing = "]]"
	}
	path, err := t.key(path)
	if err != nil {
		return nil, err
	}
	if !t.starts(closing) {
		return nil, t.fail("the name of a table has no end")
	}
	t.i += len(closing)
	return path, v.header(path, list, at)
}

// assign reads "key =" and leaves the cursor on the value.
func (t *lockTOML) assign(path [][]byte) ([][]byte, error) {
	path, err := t.key(path)
	if err != nil {
		return nil, err
	}
	if t.peek() != '=' {
		return nil, t.fail("an equals sign was expected")
	}
	t.i++
	t.blank()
	return path, nil
}

// key reads a key, which may be dotted, and adds its parts to path.
func (t *lockTOML) key(path [][]byte) ([][]byte, error) {
	for {
		if len(path) > lockTOMLDepth {
			return nil, t.fail("a key of too many parts")
		}
		t.blank()
		var part []byte
		if c := t.peek(); c == '"' || c == '\'' {
			var err error
			if part, err = t.line(c); err != nil {
				return nil, err
			}
		} else {
			start := t.i
			for tomlBare(t.peek()) {
				t.i++
			}
			if part = t.b[start:t.i]; len(part) == 0 {
				return nil, t.fail("a key was expected")
			}
		}
		path = append(path, part)
		if t.blank(); t.peek() != '.' {
			return path, nil
		}
		t.i++
	}
}

func tomlBare(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-'
}

// value consumes the value at the cursor and gives leaf every scalar in it:
// those of an array under the array's path, those of an inline table under
// theirs. A nil leaf takes nothing.
func (t *lockTOML) value(path [][]byte, leaf func(path [][]byte, text []byte) error) error {
	switch c := t.peek(); c {
	case '"', '\'':
		text, err := t.text(c)
		if err != nil || leaf == nil {
			return err
		}
		return leaf(path, text)
	case '[':
		return t.array(func() error { return t.value(path, leaf) })
	case '{':
		return t.inline(path, leaf)
	}
	text, err := t.scalar()
	if err != nil || leaf == nil {
		return err
	}
	return leaf(path, text)
}

// array calls each with the cursor on every element of the array at the
// cursor; each must consume it.
func (t *lockTOML) array(each func() error) error {
	return t.list(']', each)
}

func (t *lockTOML) inline(path [][]byte, leaf func([][]byte, []byte) error) error {
	return t.list('}', func() error {
		inner, err := t.assign(path)
		if err != nil {
			return err
		}
		return t.value(inner, leaf)
	})
}

func (t *lockTOML) list(closing byte, each func() error) error {
	if t.depth++; t.depth > lockTOMLDepth {
		return t.fail(fmt.Sprintf("nested deeper than %d levels", lockTOMLDepth))
	}
	t.i++
	for {
		t.gap()
		if t.peek() == closing {
			break
		}
		if err := each(); err != nil {
			return err
		}
		if t.gap(); t.peek() == ',' {
			t.i++
		} else if t.peek() != closing {
			return t.fail("a comma or the end of a list was expected")
		}
	}
	t.i++
	t.depth--
	return nil
}

// scalar is a number, a date or a truth, unjudged.
func (t *lockTOML) scalar() ([]byte, error) {
	start := t.i
	for c := t.peek(); tomlBare(c) || c == '+' || c == '.' || c == ':' ||
		c == ' ' && tomlDate(t.b[start:t.i]) && t.i+1 < len(t.b) && '0' <= t.b[t.i+1] && t.b[t.i+1] <= '9'; c = t.peek() {
		t.i++
	}
	if t.i == start {
		return nil, t.fail("a value was expected")
	}
	return t.b[start:t.i], nil
}

// tomlDate reports whether s is a date, which a space and a time may follow.
func tomlDate(s []byte) bool { return len(s) == len("1979-05-27") && s[4] == '-' && s[7] == '-' }

// text is the string at the cursor, of one or of several lines.
func (t *lockTOML) text(quote byte) ([]byte, error) {
	if long := string([]byte{quote, quote, quote}); t.starts(long) {
		return t.long(quote, long)
	}
	return t.line(quote)
}

func (t *lockTOML) line(quote byte) ([]byte, error) {
	start := t.i + 1
	plain := true
	for i := start; i < len(t.b); i++ {
		switch c := t.b[i]; {
		case c == quote:
			t.i = i + 1
			if plain {
				return t.b[start:i], nil
			}
			return t.unescape(t.b[start:i])
		case c == '\\' && quote == '"':
			plain = false
			i++
		case c < ' ' && c != '\t':
			t.i = i
			return nil, t.fail("a control character in a string")
		}
	}
	t.i = len(t.b)
	return nil, t.fail("a string has no end")
}

// long is a string in triple quotes, which may hold one or two of them, also
// right before its end.
func (t *lockTOML) long(quote byte, closing string) ([]byte, error) {
	t.i += len(closing)
	if t.starts("\r\n") {
		t.i++
	}
	if t.peek() == '\n' {
		t.i++
	}
	start := t.i
	for ; t.i < len(t.b); t.i++ {
		switch c := t.b[t.i]; {
		case c == '\\' && quote == '"':
			t.i++
		case c == quote && t.starts(closing):
			end := t.i
			for n := 0; n < 2 && end+len(closing) < len(t.b) && t.b[end+len(closing)] == quote; n++ {
				end++
			}
			t.i = end + len(closing)
			if quote == '\'' || bytes.IndexByte(t.b[start:end], '\\') < 0 {
				return t.b[start:end], nil
			}
			return t.unescape(t.b[start:end])
		}
	}
	return nil, t.fail("a string has no end")
}

// tomlEscapes are the escapes of one character.
const tomlEscapes, tomlEscaped = `btnfre"\`, "\b\t\n\f\r\x1b\"\\"

func (t *lockTOML) unescape(raw []byte) ([]byte, error) {
	out := make([]byte, 0, len(raw))
	for len(raw) > 0 {
		c := raw[0]
		if raw = raw[1:]; c != '\\' {
			out = append(out, c)
			continue
		}
		if len(raw) == 0 {
			return nil, t.fail("a string is malformed")
		}
		if k := bytes.IndexByte([]byte(tomlEscapes), raw[0]); k >= 0 {
			out, raw = append(out, tomlEscaped[k]), raw[1:]
			continue
		}
		if rest := bytes.TrimLeft(raw, " \t\r\n"); len(rest) < len(raw) { // the line goes on
			if !bytes.Contains(raw[:len(raw)-len(rest)], []byte{'\n'}) {
				return nil, t.fail("a string is malformed")
			}
			raw = rest
			continue
		}
		n := map[byte]int{'x': 2, 'u': 4, 'U': 8}[raw[0]]
		if n == 0 || len(raw) <= n {
			return nil, t.fail("an unknown escape in a string")
		}
		v, err := strconv.ParseUint(string(raw[1:1+n]), 16, 32)
		if err != nil || v > utf8.MaxRune || !utf8.ValidRune(rune(v)) {
			return nil, t.fail("an unknown escape in a string")
		}
		out, raw = utf8.AppendRune(out, rune(v)), raw[1+n:]
	}
	return out, nil
}
