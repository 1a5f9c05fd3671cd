package audit

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/drydock-dev/drydock/internal/finding"
)

// spot is a mapping of a YAML file that fixes are written into.
type spot struct {
	d     *document
	at    string     // its path among what the file means
	node  *yaml.Node // the mapping itself, and no alias
	after []string   // keys below whose value a new one may stand
}

// own is a key that the mapping itself has, not by a merge.
func (s spot) own(key string) (pair, bool) {
	if s.node.Kind != yaml.MappingNode {
		return pair{}, false
	}
	for i := 0; i+1 < len(s.node.Content); i += 2 {
		if s.node.Content[i].Value == key && !isMerge(s.node.Content[i]) {
			return pair{s.node.Content[i], s.node.Content[i+1]}, true
		}
	}
	return pair{}, false
}

// down is the mapping at the end of a path, as far as there is one, and the rest of
// the path.
func (s spot) down(path []string) (spot, []string) {
	for len(path) > 1 {
		p, ok := s.own(path[0])
		if !ok || p.value.Kind != yaml.MappingNode {
			break
		}
		s, path = spot{d: s.d, at: s.at + "/" + escape(path[0]), node: p.value}, path[1:]
	}
	return s, path
}

// set gives the key at the end of a path a value.
func (s spot) set(value string, path ...string) []finding.Edit {
	in, rest := s.down(path)
	if p, own := in.own(rest[0]); own {
		if len(rest) > 1 || p.value.Kind != yaml.ScalarNode {
			return nil
		}
		return in.proved(rest[0], in.d.over(p.value, value))
	}
	return in.proved(rest[0], in.insert(rest, value))
}

// add puts an item into the list at the end of a path.
func (s spot) add(item string, path ...string) []finding.Edit {
	in, rest := s.down(path)
	p, own := in.own(rest[0])
	switch {
	case !own && in.flow():
		return in.proved(rest[0], in.insert(rest, "["+item+"]"))
	case !own:
		return in.proved(rest[0], in.insert(rest, "", "- "+item))
	case len(rest) > 1 || p.value.Kind != yaml.SequenceNode:
		return nil
	}
	list := p.value
	if list.Style&yaml.FlowStyle != 0 {
		return in.proved(rest[0], in.d.intoFlow(list, item))
	}
	if len(list.Content) == 0 {
		return nil
	}
	start, end, ok := in.d.extent(list.Content[len(list.Content)-1])
	if !ok {
		return nil
	}
	dash := string(in.d.b[in.d.startOfLine(start):start])
	if strings.Trim(dash, " -") != "" || strings.Count(dash, "-") != 1 {
		return nil
	}
	return in.proved(rest[0], in.fromKey(p.key, in.d.below(end, dash+item)))
}

// fromKey has an edit of a list begin at the list's key. Edits of one list then
// overlap, and are made one after the other: the last item takes the key with it,
// below which another fix may just have put one.
func (s spot) fromKey(key *yaml.Node, edit *finding.Edit) *finding.Edit {
	if at, ok := s.d.offset(key); ok && s.d.startOfLine(at) < edit.Start {
		from := s.d.startOfLine(at)
		edit.New = string(s.d.b[from:edit.Start]) + edit.New
		edit.Start = from
	}
	return edit
}

// remove takes the key at the end of a path away with its line; item, which is not
// negative, takes away one item of its list.
func (s spot) remove(item int, path ...string) []finding.Edit {
	in, rest := s.down(path)
	p, own := in.own(rest[0])
	if !own || len(rest) > 1 {
		return nil
	}
	first, last := p.key, p.value
	if item >= 0 {
		list := p.value
		if list.Kind != yaml.SequenceNode || item >= len(list.Content) {
			return nil
		}
		if last = list.Content[item]; len(list.Content) > 1 {
			if list.Style&yaml.FlowStyle != 0 {
				return in.proved(rest[0], in.d.outOfFlow(list, item))
			}
			first = last
		}
	}
	start, ok := in.d.offset(first)
	_, end, ok2 := in.d.extent(last)
	if !ok || !ok2 || in.flow() {
		return nil
	}
	start, end = in.d.startOfLine(start), in.d.endOfLine(end)
	if end < len(in.d.b) {
		end++
	}
	if bytes.IndexByte(in.d.b[start:end], '#') >= 0 {
		return nil // a comment would go with it
	}
	return in.proved(rest[0], in.fromKey(p.key, &finding.Edit{Start: start, End: end}))
}

// flow reports whether the mapping is written in braces.
func (s spot) flow() bool { return s.node.Style&yaml.FlowStyle != 0 }

// insert is the edit that puts a key with a value, or with the keys below it, into
// the mapping: below one of the keys that it may stand below, else above the first.
// Further lines stand below the last key.
func (s spot) insert(path []string, value string, more ...string) *finding.Edit {
	if s.node.Kind != yaml.MappingNode {
		return nil
	}
	if s.flow() {
		return s.d.intoFlow(s.node, s.d.inBraces(path, value))
	}
	if len(s.node.Content) == 0 {
		return nil
	}
	start, ok := s.d.offset(s.node.Content[0])
	if !ok {
		return nil
	}
	line := s.d.startOfLine(start)
	before := string(s.d.b[line:start])
	indent := strings.Repeat(" ", len(before)) // a dash may stand before the first key
	if strings.Trim(before, " -") != "" {
		return nil
	}
	var lines []string
	for i, key := range path {
		text := strings.Repeat("  ", i) + key + ":"
		if i == len(path)-1 && value != "" {
			text += " " + value
		}
		lines = append(lines, indent+text)
	}
	for _, m := range more {
		lines = append(lines, indent+strings.Repeat("  ", len(path))+m)
	}
	text := strings.Join(lines, s.d.newline())
	for _, wanted := range s.after {
		if p, own := s.own(wanted); own && p.value.Kind == yaml.ScalarNode {
			if _, end, ok := s.d.extent(p.value); ok {
				return s.d.below(end, text)
			}
		}
	}
	if indent != before {
		return s.d.above(s.node.Content, text)
	}
	return &finding.Edit{Start: line, End: line, New: text + s.d.newline()}
}

// inBraces is a key with a value, or with the keys below it, as JSON where the file
// is JSON.
func (d *document) inBraces(path []string, value string) string {
	text := make([]string, len(path))
	copy(text, path)
	if d.isJSON() {
		for i := range text {
			text[i] = strconv.Quote(text[i])
		}
		if !json.Valid([]byte(value)) {
			value = strconv.Quote(value)
		}
	}
	return strings.Join(text, ": {") + ": " + value + strings.Repeat("}", len(text)-1)
}

// isJSON reports whether the file is JSON, which YAML includes, and is to stay that.
func (d *document) isJSON() bool { return d.b[0] == '{' && json.Valid(d.b) }

// above is the edit that puts text above the second key of a mapping, whose first
// stands behind a dash.
func (d *document) above(keys []*yaml.Node, text string) *finding.Edit {
	if len(keys) < 4 {
		return nil
	}
	start, ok := d.offset(keys[2])
	if !ok {
		return nil
	}
	line := d.startOfLine(start)
	if strings.Trim(string(d.b[line:start]), " ") != "" {
		return nil
	}
	return &finding.Edit{Start: line, End: line, New: text + d.newline()}
}

// over is the edit that writes a value over a scalar; nil: its bytes are not known.
func (d *document) over(n *yaml.Node, value string) *finding.Edit {
	start, end, ok := d.extent(n)
	if !ok {
		return nil
	}
	return &finding.Edit{Start: start, End: end, New: value}
}

// intoFlow is the edit that puts text first into what is written in braces or
// brackets.
func (d *document) intoFlow(n *yaml.Node, text string) *finding.Edit {
	start, ok := d.offset(n)
	if !ok || d.b[start] != '{' && d.b[start] != '[' {
		return nil
	}
	if len(n.Content) > 0 {
		text += ", "
	}
	return &finding.Edit{Start: start + 1, End: start + 1, New: text}
}

// outOfFlow is the edit that takes an item with its comma out of brackets.
func (d *document) outOfFlow(list *yaml.Node, item int) *finding.Edit {
	start, end, ok := d.extent(list.Content[item])
	if !ok {
		return nil
	}
	if item+1 < len(list.Content) {
		end, ok = d.offset(list.Content[item+1])
	} else {
		_, start, ok = d.extent(list.Content[item-1])
	}
	if !ok || start > end || bytes.ContainsAny(d.b[start:end], "#\n") {
		return nil
	}
	return &finding.Edit{Start: start, End: end}
}

// below is the edit that puts text on the line after the one of an offset.
func (d *document) below(at int, text string) *finding.Edit {
	end := d.endOfLine(at)
	if end < len(d.b) {
		return &finding.Edit{Start: end + 1, End: end + 1, New: text + d.newline()}
	}
	return &finding.Edit{Start: end, End: end, New: d.newline() + text}
}

func (d *document) newline() string {
	if bytes.Contains(d.b, []byte("\r\n")) {
		return "\r\n"
	}
	return "\n"
}

// proved is an edit after which the file says the same but at a key of the mapping;
// nil: it is none.
func (s spot) proved(key string, edit *finding.Edit) []finding.Edit {
	if edit == nil {
		return nil
	}
	edit.File, edit.Base = s.d.name, s.d.base
	after := Apply(s.d.b, *edit)
	now, err := parse(s.d.name, after)
	if err != nil || s.d.isJSON() && !json.Valid(after) {
		return nil
	}
	was, ok := s.d.meaning()
	is, ok2 := now.meaning()
	if !ok || !ok2 || !onlyAt(s.at+"/"+escape(key), was, is) {
		return nil
	}
	return []finding.Edit{*edit}
}

// onlyAt reports whether two meanings differ, and only at or below a place.
func onlyAt(place string, was, is map[string]string) bool {
	within := func(path string) bool { return path == place || strings.HasPrefix(path, place+"/") }
	changed := false
	for path, v := range was {
		if w, ok := is[path]; !ok || v != w {
			if !within(path) {
				return false
			}
			changed = true
		}
	}
	for path := range is {
		if _, ok := was[path]; !ok {
			if !within(path) {
				return false
			}
			changed = true
		}
	}
	return changed
}

// Apply makes an edit.
func Apply(b []byte, e finding.Edit) []byte {
	return bytes.Join([][]byte{b[:e.Start], []byte(e.New), b[e.End:]}, nil)
}

// item is the number of a field like "ports/2", and the field; -1: it has none.
func item(field string) (name string, n int) {
	name, number, ok := strings.Cut(field, "/")
	n, err := strconv.Atoi(number)
	if !ok || err != nil || n < 0 {
		return field, -1
	}
	return name, n
}
