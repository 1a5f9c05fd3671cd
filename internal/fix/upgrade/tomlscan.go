package upgrade

import (
	"errors"
	"strings"

	"github.com/BurntSushi/toml"
)

// tomlString is a string in a TOML document with the keys that lead to it and
// its bytes, quotes included. An element of an array has its array's keys.
type tomlString struct {
	keys       []string
	start, end int
	inArray    bool
}

// tomlDepth bounds how deeply values nest.
const tomlDepth = 64

var errTOML = errors.New("not understood")

// scanTOML finds the strings of a document that the library has accepted. It
// knows just so much of TOML as it takes to pass over everything else.
func scanTOML(b []byte) ([]tomlString, error) {
	var any map[string]any
	if err := toml.Unmarshal(b, &any); err != nil {
		return nil, err
	}
	s := &tomlScan{s: string(b)}
	s.at = len(b) - len(strings.TrimPrefix(s.s, "\xef\xbb\xbf"))
	var table []string
	for {
		s.space(true)
		if s.at >= len(s.s) {
			return s.out, nil
		}
		if s.s[s.at] == '[' {
			double := strings.HasPrefix(s.s[s.at:], "[[")
			s.at++
			if double {
				s.at++
			}
			keys, ok := s.key(']')
			if !ok {
				return nil, errTOML
			}
			table = keys
			s.at++
			if double {
				s.at++
			}
			continue
		}
		keys, ok := s.key('=')
		if !ok {
			return nil, errTOML
		}
		s.at++
		if !s.value(append(table[:len(table):len(table)], keys...), false, 0) {
			return nil, errTOML
		}
	}
}

type tomlScan struct {
	s   string
	at  int
	out []tomlString
}

// space passes over blanks, and over line ends and comments if lines is set.
func (s *tomlScan) space(lines bool) {
	for s.at < len(s.s) {
		switch c := s.s[s.at]; {
		case c == ' ' || c == '\t':
			s.at++
		case lines && (c == '\n' || c == '\r'):
			s.at++
		case lines && c == '#':
			n := strings.IndexByte(s.s[s.at:], '\n')
			if n < 0 {
				n = len(s.s) - s.at
			}
			s.at += n
		default:
			return
		}
	}
}

// key reads a dotted key up to the closing byte, on which it stays.
func (s *tomlScan) key(closing byte) (keys []string, ok bool) {
	for {
		s.space(false)
		from := s.at
		switch {
		case s.at >= len(s.s):
			return nil, false
		case s.s[s.at] == '"' || s.s[s.at] == '\'':
			if !s.str() {
				return nil, false
			}
			keys = append(keys, s.s[from+1:s.at-1])
		default:
			for s.at < len(s.s) && strings.IndexByte(" \t.=]\r\n", s.s[s.at]) < 0 {
				s.at++
			}
			if s.at == from {
				return nil, false
			}
			keys = append(keys, s.s[from:s.at])
		}
		s.space(false)
		switch {
		case s.at >= len(s.s):
			return nil, false
		case s.s[s.at] == closing:
			return keys, true
		case s.s[s.at] != '.':
			return nil, false
		}
		s.at++
	}
}

// str passes over a string of any of the four kinds.
func (s *tomlScan) str() bool {
	rest := s.s[s.at:]
	for _, q := range []string{`"""`, `'''`, `"`, `'`} {
		if !strings.HasPrefix(rest, q) {
			continue
		}
		for i := len(q); i < len(rest); i++ {
			switch {
			case q[0] == '"' && rest[i] == '\\':
				i++
			case strings.HasPrefix(rest[i:], q):
				i += len(q)
				for n := 0; n < 2 && len(q) == 3 && i < len(rest) && rest[i] == q[0]; n++ {
					i++ // quotes may stand before the closing three
				}
				s.at += i
				return true
			}
		}
		return false
	}
	return false
}

func (s *tomlScan) value(keys []string, inArray bool, depth int) bool {
	s.space(false)
	if s.at >= len(s.s) || depth > tomlDepth {
		return false
	}
	switch s.s[s.at] {
	case '"', '\'':
		from := s.at
		if !s.str() {
			return false
		}
		s.out = append(s.out, tomlString{keys, from, s.at, inArray})
	case '[':
		return s.list(']', func() bool { return s.value(keys, true, depth+1) })
	case '{':
		return s.list('}', func() bool {
			k, ok := s.key('=')
			if !ok {
				return false
			}
			s.at++
			return s.value(append(keys[:len(keys):len(keys)], k...), false, depth+1)
		})
	default:
		for s.at < len(s.s) && strings.IndexByte(",]}#\r\n", s.s[s.at]) < 0 {
			s.at++
		}
	}
	return true
}

// list passes over what stands between brackets.
func (s *tomlScan) list(closing byte, each func() bool) bool {
	for s.at++; ; {
		s.space(true)
		switch {
		case s.at >= len(s.s):
			return false
		case s.s[s.at] == closing:
			s.at++
			return true
		case s.s[s.at] == ',':
			s.at++
		default:
			from := s.at
			if !each() || s.at == from {
				return false
			}
		}
	}
}
