package upgrade

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
)

// jsonDepth bounds how deeply a document nests.
const jsonDepth = 200

// jsonNode is a value of a JSON document with its bytes.
type jsonNode struct {
	kind       byte // '{', '[', '"', or 'v' for a number, true, false and null
	start, end int
	members    []jsonMember // of an object, in order
	elements   []*jsonNode  // of an array
}

// jsonMember is one member of an object; its key's bytes, quotes included, are
// at start.
type jsonMember struct {
	key   string
	start int
	value *jsonNode
}

// parseJSON reads a document for editing. A byte order mark before it is
// passed over.
func parseJSON(b []byte) (*jsonNode, error) {
	body := bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	if !json.Valid(body) {
		var v any
		if err := json.Unmarshal(body, &v); err != nil {
			return nil, err
		}
		return nil, errors.New("not JSON")
	}
	s := &jsonScan{b: b, at: len(b) - len(body)}
	return s.value(0)
}

// jsonScan walks over a document that is known to be valid.
type jsonScan struct {
	b  []byte
	at int
}

func (s *jsonScan) space() {
	for s.at < len(s.b) && strings.IndexByte(" \t\r\n", s.b[s.at]) >= 0 {
		s.at++
	}
}

func (s *jsonScan) value(depth int) (*jsonNode, error) {
	if depth > jsonDepth {
		return nil, errors.New("nests too deeply")
	}
	s.space()
	n := &jsonNode{kind: s.b[s.at], start: s.at}
	switch n.kind {
	case '{', '[':
		closing := n.kind + 2
		s.at++
		for {
			s.space()
			switch s.b[s.at] {
			case closing:
				s.at++
				n.end = s.at
				return n, nil
			case ',':
				s.at++
				continue
			}
			var m jsonMember
			if n.kind == '{' {
				m.start = s.at
				s.str()
				if err := json.Unmarshal(s.b[m.start:s.at], &m.key); err != nil {
					return nil, err
				}
				s.space()
				s.at++ // the colon
			}
			v, err := s.value(depth + 1)
			if err != nil {
				return nil, err
			}
			if m.value = v; n.kind == '{' {
				n.members = append(n.members, m)
			} else {
				n.elements = append(n.elements, v)
			}
		}
	case '"':
		s.str()
	default:
		n.kind = 'v'
		for s.at < len(s.b) && strings.IndexByte(" \t\r\n,]}", s.b[s.at]) < 0 {
			s.at++
		}
	}
	n.end = s.at
	return n, nil
}

func (s *jsonScan) str() {
	for s.at++; s.b[s.at] != '"'; s.at++ {
		if s.b[s.at] == '\\' {
			s.at++
		}
	}
	s.at++
}

// get is the value of a member, the last of that name as everybody reads it;
// nil: there is none.
func (n *jsonNode) get(key string) *jsonNode {
	if m := n.member(key); m != nil {
		return m.value
	}
	return nil
}

func (n *jsonNode) member(key string) *jsonMember {
	if n == nil {
		return nil
	}
	for i := len(n.members) - 1; i >= 0; i-- {
		if n.members[i].key == key {
			return &n.members[i]
		}
	}
	return nil
}

// text is the string that a member holds; "": none, or no string.
func (n *jsonNode) text(b []byte, key string) string {
	v := n.get(key)
	if v == nil || v.kind != '"' {
		return ""
	}
	return v.str(b)
}

func (n *jsonNode) str(b []byte) string {
	var s string
	if json.Unmarshal(b[n.start:n.end], &s) != nil {
		return ""
	}
	return s
}

func (n *jsonNode) raw(b []byte) string { return string(b[n.start:n.end]) }

// yes reports whether a member is true.
func (n *jsonNode) yes(b []byte, key string) bool {
	v := n.get(key)
	return v != nil && v.raw(b) == "true"
}

// quote is s as npm writes a string.
func quote(s string) string {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if e.Encode(s) != nil {
		return `""`
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// jsonLayout is how a document is laid out.
type jsonLayout struct{ unit, eol string }

// layout takes the indentation from the document's first member; a document
// on one line has none.
func (f *file) layout(root *jsonNode) jsonLayout {
	l := jsonLayout{eol: f.eol()}
	if len(root.members) == 0 || bytes.IndexByte(f.b[root.start:root.members[0].start], '\n') < 0 {
		return jsonLayout{}
	}
	l.unit = f.indent(root.members[0].start)
	return l
}

// pad is the start of a line at a depth, the line end before it included.
func (l jsonLayout) pad(depth int) string {
	if l.eol == "" {
		return ""
	}
	return l.eol + strings.Repeat(l.unit, depth)
}

// colon is what stands between a key and its value.
func (l jsonLayout) colon() string {
	if l.eol == "" {
		return ":"
	}
	return ": "
}
