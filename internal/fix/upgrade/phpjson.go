package upgrade

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
)

// phpJSON writes values as PHP's json_encode does of what json_decode read into
// arrays: an empty object is an empty list, and so is one with the keys 0, 1, 2.
type phpJSON struct {
	b      []byte // the document of the values
	pretty bool   // on lines, slashes and letters as they are; else neither
	unit   string // of indentation
	eol    string
	out    strings.Builder
	err    error
}

var errPHP = errors.New("a number that PHP may write otherwise")

func (w *phpJSON) value(n *plan.JSONNode, depth int) {
	switch n.Kind {
	case '{':
		w.object(n, depth)
	case '[':
		if len(n.Elements) == 0 {
			w.out.WriteString("[]")
			return
		}
		w.out.WriteByte('[')
		for i, e := range n.Elements {
			w.separate(i, depth)
			w.value(e, depth+1)
		}
		w.line(depth)
		w.out.WriteByte(']')
	case '"':
		w.text(n.Str(w.b))
	default:
		raw := n.Raw(w.b)
		if raw != "true" && raw != "false" && raw != "null" {
			if v, err := strconv.ParseInt(raw, 10, 64); err != nil || strconv.FormatInt(v, 10) != raw {
				w.err = errPHP
			}
		}
		w.out.WriteString(raw)
	}
}

func (w *phpJSON) object(n *plan.JSONNode, depth int) {
	members := lastMembers(n)
	list := true
	for i, m := range members {
		list = list && m.Key == strconv.Itoa(i)
	}
	switch {
	case len(members) == 0:
		w.out.WriteString("[]")
	case list:
		elements := &plan.JSONNode{Kind: '['}
		for _, m := range members {
			elements.Elements = append(elements.Elements, m.Value)
		}
		w.value(elements, depth)
	default:
		w.out.WriteByte('{')
		for i, m := range members {
			w.separate(i, depth)
			w.key(m.Key)
			w.value(m.Value, depth+1)
		}
		w.line(depth)
		w.out.WriteByte('}')
	}
}

// lastMembers are an object's, of which a later one of a name takes the place of
// the first.
func lastMembers(n *plan.JSONNode) []plan.JSONMember {
	at := map[string]int{}
	var out []plan.JSONMember
	for _, m := range n.Members {
		if i, ok := at[m.Key]; ok {
			out[i].Value = m.Value
			continue
		}
		at[m.Key], out = len(out), append(out, m)
	}
	return out
}

func (w *phpJSON) key(s string) {
	w.text(s)
	w.out.WriteByte(':')
	if w.pretty {
		w.out.WriteByte(' ')
	}
}

// separate begins an element after those before it.
func (w *phpJSON) separate(i, depth int) {
	if i > 0 {
		w.out.WriteByte(',')
	}
	w.line(depth + 1)
}

func (w *phpJSON) line(depth int) {
	if w.pretty {
		w.out.WriteString(w.eol + strings.Repeat(w.unit, depth))
	}
}

// text writes a string.
func (w *phpJSON) text(s string) {
	w.out.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			w.out.WriteString(`\` + string(r))
		case r == '/' && !w.pretty:
			w.out.WriteString(`\/`)
		case r == '\b':
			w.out.WriteString(`\b`)
		case r == '\f':
			w.out.WriteString(`\f`)
		case r == '\n':
			w.out.WriteString(`\n`)
		case r == '\r':
			w.out.WriteString(`\r`)
		case r == '\t':
			w.out.WriteString(`\t`)
		case r < 0x20 || r > 0x7e && !w.pretty && r != 0x7f || r == 0x2028 || r == 0x2029:
			for _, u := range utf16.Encode([]rune{r}) {
				fmt.Fprintf(&w.out, `\u%04x`, u)
			}
		default:
			w.out.WriteRune(r)
		}
	}
	w.out.WriteByte('"')
}
