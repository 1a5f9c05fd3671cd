package plan

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
)

// JsonDepth bounds how deeply a document nests.
const JsonDepth = 200

// JSONNode is a value of a JSON document with its bytes.
type JSONNode struct {
	Kind       byte // '{', '[', '"', or 'v' for a number, true, false and null
	Start, End int
	Members    []JSONMember // of an object, in order
	Elements   []*JSONNode  // of an array
}

// JSONMember is one member of an object; its key's bytes, quotes included, are
// at start.
type JSONMember struct {
	Key   string
	Start int
	Value *JSONNode
}

// ParseJSON reads a document for editing. A byte order mark before it is
// passed over.
func ParseJSON(b []byte) (*JSONNode, error) {
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

func (s *jsonScan) value(depth int) (*JSONNode, error) {
	if depth > JsonDepth {
		return nil, errors.New("nests too deeply")
	}
	s.space()
	n := &JSONNode{Kind: s.b[s.at], Start: s.at}
	switch n.Kind {
	case '{', '[':
		closing := n.Kind + 2
		s.at++
		for {
			s.space()
			switch s.b[s.at] {
			case closing:
				s.at++
				n.End = s.at
				return n, nil
			case ',':
				s.at++
				continue
			}
			var m JSONMember
			if n.Kind == '{' {
				m.Start = s.at
				s.str()
				if err := json.Unmarshal(s.b[m.Start:s.at], &m.Key); err != nil {
					return nil, err
				}
				s.space()
				s.at++ // the colon
			}
			v, err := s.value(depth + 1)
			if err != nil {
				return nil, err
			}
			if m.Value = v; n.Kind == '{' {
				n.Members = append(n.Members, m)
			} else {
				n.Elements = append(n.Elements, v)
			}
		}
	case '"':
		s.str()
	default:
		n.Kind = 'v'
		for s.at < len(s.b) && strings.IndexByte(" \t\r\n,]}", s.b[s.at]) < 0 {
			s.at++
		}
	}
	n.End = s.at
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

// Get is the value of a member, the last of that name as everybody reads it;
// nil: there is none.
func (n *JSONNode) Get(key string) *JSONNode {
	if m := n.member(key); m != nil {
		return m.Value
	}
	return nil
}

func (n *JSONNode) member(key string) *JSONMember {
	if n == nil {
		return nil
	}
	for i := len(n.Members) - 1; i >= 0; i-- {
		if n.Members[i].Key == key {
			return &n.Members[i]
		}
	}
	return nil
}

// Text is the string that a member holds; "": none, or no string.
func (n *JSONNode) Text(b []byte, key string) string {
	v := n.Get(key)
	if v == nil || v.Kind != '"' {
		return ""
	}
	return v.Str(b)
}

// Str is the text of a node that is a string; empty: it is none.
func (n *JSONNode) Str(b []byte) string {
	var s string
	if json.Unmarshal(b[n.Start:n.End], &s) != nil {
		return ""
	}
	return s
}

// Raw is the value as it is written.
func (n *JSONNode) Raw(b []byte) string { return string(b[n.Start:n.End]) }

// Yes reports whether a member is true.
func (n *JSONNode) Yes(b []byte, key string) bool {
	v := n.Get(key)
	return v != nil && v.Raw(b) == "true"
}

// Quote is s as npm writes a string.
func Quote(s string) string {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if e.Encode(s) != nil {
		return `""`
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// JSONLayout is how a document is laid out.
type JSONLayout struct{ Unit, Eol string }

// Layout takes the indentation from the document's first member; a document
// on one line has none.
func (f *File) Layout(root *JSONNode) JSONLayout {
	l := JSONLayout{Eol: f.Eol()}
	if len(root.Members) == 0 || bytes.IndexByte(f.B[root.Start:root.Members[0].Start], '\n') < 0 {
		return JSONLayout{}
	}
	l.Unit = f.Indent(root.Members[0].Start)
	return l
}

// Pad is the start of a line at a depth, the line end before it included.
func (l JSONLayout) Pad(depth int) string {
	if l.Eol == "" {
		return ""
	}
	return l.Eol + strings.Repeat(l.Unit, depth)
}

// Colon is what stands between a key and its value.
func (l JSONLayout) Colon() string {
	if l.Eol == "" {
		return ":"
	}
	return ": "
}
