package secret

import "github.com/drydock-dev/drydock/internal/finding"

// format is one kind of secret: the words that lead to it, and a function that
// reports whether there is one where a word was found.
type format struct {
	kind     string
	severity finding.Severity
	words    []string // each at least three bytes
	at       func(b []byte, at int, word string) (start, end, keep int, ok bool)
}

func (f *format) match(b []byte, at int, word string) (Match, bool) {
	start, end, keep, ok := f.at(b, at, word)
	if !ok {
		return Match{}, false
	}
	m := Match{Kind: f.kind, Severity: f.severity, Start: start, End: end, keep: keep}
	f.refine(&m, b[start:end])
	return m, true
}

// refine names a private key by what its own text says of it.
func (f *format) refine(m *Match, value []byte) {
	if f.kind == kindPrivateKey {
		m.Kind, m.Severity = keyKind(value)
	}
}

// set is a set of bytes.
type set [256]bool

// chars makes a set of single bytes and of ranges: "a-z", "0-9", "_".
func chars(ranges ...string) *set {
	var s set
	for _, r := range ranges {
		if len(r) == 3 && r[1] == '-' {
			for c := int(r[0]); c <= int(r[2]); c++ {
				s[c] = true
			}
			continue
		}
		for _, c := range []byte(r) {
			s[c] = true
		}
	}
	return &s
}

// The alphabets of tokens.
var (
	alnum   = chars("a-z", "A-Z", "0-9")
	word_   = chars("a-z", "A-Z", "0-9", "_")
	url64   = chars("a-z", "A-Z", "0-9", "_", "-")
	std64   = chars("a-z", "A-Z", "0-9", "+/=")
	dotted  = chars("a-z", "A-Z", "0-9", "_", "-", ".")
	hexLow  = chars("a-f", "0-9")
	hexAny  = chars("a-f", "A-F", "0-9")
	base32  = chars("A-Z", "2-7")
	upper   = chars("A-Z", "0-9")
	letters = chars("a-z", "A-Z")
	bech32  = chars("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L")
)

// run is how many bytes from i on are in s, at most limit.
func run(b []byte, i int, s *set, limit int) int {
	n := 0
	for i+n < len(b) && n < limit && s[b[i+n]] {
		n++
	}
	return n
}

// starts reports whether a token may begin at i: not in the middle of a word. An
// escape (\n, %3D) before it is no word.
func starts(b []byte, i int) bool {
	if i == 0 || !word_[b[i-1]] {
		return true
	}
	if i >= 2 && b[i-2] == '\\' && (b[i-1] == 'n' || b[i-1] == 't' || b[i-1] == 'r') {
		return true
	}
	return i >= 3 && b[i-3] == '%' && hexAny[b[i-2]] && hexAny[b[i-1]]
}

func ends(b []byte, i int) bool { return i >= len(b) || !word_[b[i]] }

// token is a format whose values are a public prefix and least to most bytes
// of an alphabet.
func token(kind string, severity finding.Severity, s *set, least, most int, prefixes ...string) format {
	return format{kind, severity, prefixes, func(b []byte, at int, prefix string) (int, int, int, bool) {
		if !starts(b, at) {
			return 0, 0, 0, false
		}
		from := at + len(prefix)
		n := run(b, from, s, most+1)
		if n < least || n > most || !ends(b, from+n) || Placeholder(string(b[from:from+n])) {
			return 0, 0, 0, false
		}
		return at, from + n, len(prefix), true
	}}
}

// parts is a format whose values are a prefix and runs of the given lengths
// with a separator between them.
func parts(kind string, severity finding.Severity, s *set, sep byte, lengths []int, prefixes ...string) format {
	return format{kind, severity, prefixes, func(b []byte, at int, prefix string) (int, int, int, bool) {
		if !starts(b, at) {
			return 0, 0, 0, false
		}
		i := at + len(prefix)
		for n, want := range lengths {
			if n > 0 {
				if i >= len(b) || b[i] != sep {
					return 0, 0, 0, false
				}
				i++
			}
			if run(b, i, s, want+1) != want {
				return 0, 0, 0, false
			}
			i += want
		}
		if !ends(b, i) || Placeholder(string(b[at+len(prefix):i])) {
			return 0, 0, 0, false
		}
		return at, i, len(prefix), true
	}}
}

// named is a format whose values have no mark of their own: least to most
// bytes of an alphabet behind one of some names and an assignment.
func named(kind string, severity finding.Severity, s *set, least, most int, names ...string) format {
	return format{kind, severity, names, func(b []byte, at int, name string) (int, int, int, bool) {
		i, ok := assignment(b, at+len(name))
		if !ok {
			return 0, 0, 0, false
		}
		n := run(b, i, s, most+1)
		if n < least || n > most || Placeholder(string(b[i:i+n])) {
			return 0, 0, 0, false
		}
		return i, i + n, 0, true
	}}
}

// assignment skips what may stand between a name and its value (`": "`, ` = '`,
// `">`, `=`) and reports whether there was something of the kind.
func assignment(b []byte, i int) (int, bool) {
	seen := false
	for n := 0; i < len(b) && n < 12; n, i = n+1, i+1 {
		switch b[i] {
		case '=', ':', '>', ',', '(':
			seen = true
		case ' ', '\t', '"', '\'', '\\', '`':
			if b[i] == ' ' || b[i] == '\t' {
				seen = true
			}
		default:
			return i, seen
		}
	}
	return i, false
}
