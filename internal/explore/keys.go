package explore

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// maxSequence is how many bytes a key has at most. What is longer is no key.
const maxSequence = 32

// decode reads the keys that a terminal sent: a rune as itself, others by name ("up", "tab", "esc"). The rest is
// the beginning of one of which more is to come.
func decode(b []byte) (keys []string, rest []byte) {
	for len(b) > 0 {
		key, n := one(b)
		if n == 0 {
			if len(b) < maxSequence {
				return keys, bytes.Clone(b)
			}
			n = len(b)
		}
		if key != "" {
			keys = append(keys, key)
		}
		b = b[n:]
	}
	return keys, nil
}

// one reads the first key, and how many bytes it has: none where more must come. A key without a name has no
// meaning here.
func one(b []byte) (key string, n int) {
	switch c := b[0]; {
	case c == 0x1b:
		return escape(b)
	case c < ' ' || c == 0x7f:
		return control(c), 1
	case !utf8.FullRune(b):
		return "", 0
	}
	r, n := utf8.DecodeRune(b)
	if r == utf8.RuneError || !unicode.IsPrint(r) {
		return "", n
	}
	return string(r), n
}

func control(c byte) string {
	switch c {
	case '\t':
		return "tab"
	case '\r', '\n':
		return "enter"
	case 0x08, 0x7f:
		return "backspace"
	case 0x02:
		return "ctrl+b"
	case 0x03:
		return "ctrl+c"
	case 0x06:
		return "ctrl+f"
	}
	return ""
}

// escape reads a sequence of ECMA-48: ESC [ parameters final, or ESC O final. An ESC with nothing behind it is
// the key of that name, since terminals send a sequence at once.
func escape(b []byte) (key string, n int) {
	if len(b) == 1 || b[1] == 0x1b {
		return "esc", 1
	}
	if b[1] != '[' && b[1] != 'O' {
		return "", 2 // with Alt
	}
	end := 2
	for end < len(b) && b[end] >= 0x20 && b[end] <= 0x3f {
		end++
	}
	switch {
	case end == len(b):
		return "", 0
	case b[end] < 0x40 || b[end] > 0x7e:
		return "", end
	case b[end] == '~':
		number, _, _ := bytes.Cut(b[2:end], []byte(";"))
		return numbered(string(number)), end + 1
	}
	return lettered(b[end]), end + 1
}

func numbered(n string) string {
	switch n {
	case "1", "7":
		return "home"
	case "4", "8":
		return "end"
	case "5":
		return "pgup"
	case "6":
		return "pgdown"
	}
	return ""
}

func lettered(c byte) string {
	switch c {
	case 'A':
		return "up"
	case 'B':
		return "down"
	case 'C':
		return "right"
	case 'D':
		return "left"
	case 'F':
		return "end"
	case 'H':
		return "home"
	case 'M':
		return "enter" // of the keypad
	case 'Z':
		return "shift+tab"
	}
	return ""
}
