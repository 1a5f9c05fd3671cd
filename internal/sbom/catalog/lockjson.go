package catalog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// lockJSON reads one JSON text (RFC 8259) as a cursor over its bytes: names
// match exactly, nothing is kept but what is asked for, nesting is bounded, and
// every value has an offset, which is what a lock file's line numbers need.
// encoding/json has neither exact names nor, for a whole file, offsets.
type lockJSON struct {
	b     []byte
	i     int
	depth int
}

// lockJSONDepth is how deep objects and arrays may nest.
const lockJSONDepth = 256

var errLockJSONDepth = fmt.Errorf("nested deeper than %d levels", lockJSONDepth)

// newLockJSON starts at the first value of b; a byte order mark is skipped, as
// the programs that own these files do.
func newLockJSON(b []byte) *lockJSON {
	j := &lockJSON{b: bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))}
	j.space()
	return j
}

func (j *lockJSON) fail(what string) error {
	line := 1 + bytes.Count(j.b[:min(j.i, len(j.b))], []byte{'\n'})
	return fmt.Errorf("not JSON: line %d: %s", line, what)
}

func (j *lockJSON) space() {
	for j.i < len(j.b) {
		switch j.b[j.i] {
		case ' ', '\t', '\n', '\r':
			j.i++
		default:
			return
		}
	}
}

// kind is the first byte of the next value: '{', '[', '"', 't', 'f', 'n', '-',
// a digit; 0 at the end.
func (j *lockJSON) kind() byte {
	if j.i < len(j.b) {
		return j.b[j.i]
	}
	return 0
}

// end reports anything but white space after the last value.
func (j *lockJSON) end() error {
	j.space()
	if j.i < len(j.b) {
		return j.fail("something follows the last value")
	}
	return nil
}

// object calls each for every member of the object at the cursor. The cursor
// stands on the member's value, which each must consume; at is the offset of
// its name. A value that is not an object is consumed and has no members.
func (j *lockJSON) object(each func(name []byte, at int) error) error {
	if j.kind() != '{' {
		return j.skip()
	}
	return j.list('}', func() error {
		at := j.i
		if j.kind() != '"' {
			return j.fail("a name was expected")
		}
		name, err := j.text()
		if err != nil {
			return err
		}
		if j.kind() != ':' {
			return j.fail("a colon was expected")
		}
		j.i++
		j.space()
		return each(name, at)
	})
}

// array calls each with the cursor on every element of the array at the
// cursor; each must consume it. A value that is not an array is consumed and
// has no elements.
func (j *lockJSON) array(each func() error) error {
	if j.kind() != '[' {
		return j.skip()
	}
	return j.list(']', each)
}

// members is object for a part of the file that must be one: what it holds as
// anything else would be missed. null has no members.
func (j *lockJSON) members(what string, each func(name []byte, at int) error) error {
	if k := j.kind(); k != '{' && k != 'n' {
		return j.other(what, "an object")
	}
	return j.object(each)
}

// elements is array in the same way. As PHP writes an empty list, an empty
// object is one.
func (j *lockJSON) elements(what string, each func() error) error {
	switch j.kind() {
	case '[', 'n':
		return j.array(each)
	case '{':
		return j.object(func([]byte, int) error { return j.other(what, "a list") })
	}
	return j.other(what, "a list")
}

func (j *lockJSON) other(what, kind string) error {
	line := 1 + bytes.Count(j.b[:min(j.i, len(j.b))], []byte{'\n'})
	return fmt.Errorf("line %d: %s is not %s", line, what, kind)
}

func (j *lockJSON) list(closing byte, each func() error) error {
	if j.depth++; j.depth > lockJSONDepth {
		return errLockJSONDepth
	}
	j.i++
	j.space()
	if j.kind() == closing {
		return j.leave()
	}
	for {
		if err := each(); err != nil {
			return err
		}
		switch j.kind() {
		case ',':
			j.i++
			j.space()
		case closing:
			return j.leave()
		default:
			return j.fail("a comma or the end of a list was expected")
		}
	}
}

func (j *lockJSON) leave() error {
	j.depth--
	j.i++
	j.space()
	return nil
}

// str is the string at the cursor. Any other value is consumed and is "".
func (j *lockJSON) str() (string, error) {
	if j.kind() != '"' {
		return "", j.skip()
	}
	b, err := j.text()
	return string(b), err
}

// boolean is the truth of the value at the cursor: whether it is true.
func (j *lockJSON) boolean() (bool, error) {
	yes := j.kind() == 't'
	return yes, j.skip()
}

// text consumes the string at the cursor and decodes it; without escapes it is
// a part of the input.
func (j *lockJSON) text() ([]byte, error) {
	start := j.i
	plain := true
	for i := j.i + 1; i < len(j.b); i++ {
		switch c := j.b[i]; {
		case c == '"':
			j.i = i + 1
			raw := j.b[start:j.i]
			j.space()
			if plain {
				return raw[1 : len(raw)-1], nil
			}
			var s string
			if err := json.Unmarshal(raw, &s); err != nil {
				return nil, j.fail("a string is malformed")
			}
			return []byte(s), nil
		case c == '\\':
			plain = false
			i++
		case c < ' ':
			j.i = i
			return nil, j.fail("a control character in a string")
		case c >= utf8.RuneSelf && plain:
			plain = false // decoding replaces what is not UTF-8
		}
	}
	j.i = len(j.b)
	return nil, j.fail("a string has no end")
}

// skip consumes the value at the cursor, holding it to the grammar.
func (j *lockJSON) skip() error {
	switch c := j.kind(); {
	case c == '{':
		return j.object(func([]byte, int) error { return j.skip() })
	case c == '[':
		return j.array(j.skip)
	case c == '"':
		_, err := j.text()
		return err
	case c == '-' || '0' <= c && c <= '9':
		return j.number()
	}
	for _, word := range []string{"true", "false", "null"} {
		if bytes.HasPrefix(j.b[j.i:], []byte(word)) {
			j.i += len(word)
			j.space()
			return nil
		}
	}
	return j.fail("a value was expected")
}

func (j *lockJSON) number() error {
	if j.kind() == '-' {
		j.i++
	}
	digits := func() bool {
		start := j.i
		for '0' <= j.kind() && j.kind() <= '9' {
			j.i++
		}
		return j.i > start
	}
	if j.kind() == '0' {
		j.i++
	} else if !digits() {
		return j.fail("a number is malformed")
	}
	if j.kind() == '.' {
		j.i++
		if !digits() {
			return j.fail("a number is malformed")
		}
	}
	if j.kind() == 'e' || j.kind() == 'E' {
		j.i++
		if j.kind() == '+' || j.kind() == '-' {
			j.i++
		}
		if !digits() {
			return j.fail("a number is malformed")
		}
	}
	j.space()
	return nil
}

// document reads a text that is one object, and nothing else.
func (j *lockJSON) document(each func(name []byte, at int) error) error {
	if j.kind() != '{' {
		if j.kind() == 0 {
			return errors.New("the file is empty")
		}
		return j.fail("an object was expected")
	}
	if err := j.object(each); err != nil {
		return err
	}
	return j.end()
}
