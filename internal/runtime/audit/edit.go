package audit

import (
	"bytes"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/drydock-dev/drydock/internal/finding"
)

// serviceEditor writes fixes into one service of a compose file.
type serviceEditor struct {
	d      *document
	name   string
	body   *yaml.Node            // the service's own mapping
	places map[string]*yaml.Node // of the values that were read, by field
}

// set gives a field of the service a value.
func (e *serviceEditor) set(field, value string) []finding.Edit {
	if p, own := e.own(field); own {
		if p.value.Kind != yaml.ScalarNode {
			return nil
		}
		return e.proved(field, e.over(p.value, value))
	}
	return e.proved(field, e.insert(field+": "+value))
}

// add puts an item into a list of the service.
func (e *serviceEditor) add(field, value string) []finding.Edit {
	p, own := e.own(field)
	if !own {
		return e.proved(field, e.insert(field+":", "  - "+value))
	}
	list := p.value
	if list.Kind != yaml.SequenceNode || len(list.Content) == 0 || list.Style&yaml.FlowStyle != 0 {
		return nil
	}
	last := list.Content[len(list.Content)-1]
	start, end, ok := e.d.extent(last)
	if !ok {
		return nil
	}
	line := e.d.startOfLine(start)
	dash := string(e.d.b[line:start])
	if strings.Trim(dash, " -") != "" || strings.Count(dash, "-") != 1 {
		return nil
	}
	return e.proved(field, e.below(end, dash+value))
}

// remove takes a field with one value, or an item of a list, away with its line.
func (e *serviceEditor) remove(field string) []finding.Edit {
	name, item, isItem := strings.Cut(field, "/")
	p, own := e.own(name)
	if !own {
		return nil
	}
	first, last := p.key, p.value
	if isItem {
		n, err := strconv.Atoi(item)
		if err != nil || p.value.Kind != yaml.SequenceNode || p.value.Style&yaml.FlowStyle != 0 || n >= len(p.value.Content) {
			return nil
		}
		last = p.value.Content[n]
		if len(p.value.Content) > 1 {
			first = last
		}
	}
	start, ok := e.d.offset(first)
	_, end, ok2 := e.d.extent(last)
	if !ok || !ok2 {
		return nil
	}
	start, end = e.d.startOfLine(start), e.d.endOfLine(end)
	if end < len(e.d.b) {
		end++
	}
	if bytes.IndexByte(e.d.b[start:end], '#') >= 0 {
		return nil // a comment would go with it
	}
	return e.proved(name, &finding.Edit{Start: start, End: end})
}

// replace writes another value in the place of one.
func (e *serviceEditor) replace(field, value string) []finding.Edit {
	n, ok := e.places[field]
	if !ok {
		return nil
	}
	name, _, _ := strings.Cut(field, "/")
	return e.proved(name, e.over(n, value))
}

// outside has an environment variable filled in from outside of the file, which
// must then say it.
func (e *serviceEditor) outside(field, name string) []finding.Edit {
	n, ok := e.places[field]
	if !ok || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789") != "" {
		return nil
	}
	value := "${" + name + ":?}"
	if strings.HasPrefix(n.Value, name+"=") {
		value = name + "=" + value
	}
	return e.proved("environment", e.over(n, strconv.Quote(value)))
}

// own is a field that the service itself has, not by a merge.
func (e *serviceEditor) own(field string) (pair, bool) {
	for i := 0; i+1 < len(e.body.Content); i += 2 {
		if e.body.Content[i].Value == field && !isMerge(e.body.Content[i]) {
			return pair{e.body.Content[i], e.body.Content[i+1]}, true
		}
	}
	return pair{}, false
}

// over is the edit that writes a value over a scalar; nil: its bytes are not known.
func (e *serviceEditor) over(n *yaml.Node, value string) *finding.Edit {
	start, end, ok := e.d.extent(n)
	if !ok {
		return nil
	}
	return &finding.Edit{Start: start, End: end, New: value}
}

// insert is the edit that puts lines into the service: below its image, or another
// field of one line, else above its first field.
func (e *serviceEditor) insert(lines ...string) *finding.Edit {
	if e.body.Kind != yaml.MappingNode || e.body.Style&yaml.FlowStyle != 0 || len(e.body.Content) == 0 {
		return nil
	}
	start, ok := e.d.offset(e.body.Content[0])
	if !ok {
		return nil
	}
	line := e.d.startOfLine(start)
	indent := string(e.d.b[line:start])
	if strings.Trim(indent, " ") != "" {
		return nil
	}
	text := indent + strings.Join(lines, e.newline()+indent)
	for _, wanted := range []string{"image", "build", "container_name", "restart"} {
		if p, own := e.own(wanted); own && p.value.Kind == yaml.ScalarNode {
			if _, end, ok := e.d.extent(p.value); ok {
				return e.below(end, text)
			}
		}
	}
	return &finding.Edit{Start: line, End: line, New: text + e.newline()}
}

// below is the edit that puts text on the line after the one of an offset.
func (e *serviceEditor) below(at int, text string) *finding.Edit {
	end := e.d.endOfLine(at)
	if end < len(e.d.b) {
		return &finding.Edit{Start: end + 1, End: end + 1, New: text + e.newline()}
	}
	return &finding.Edit{Start: end, End: end, New: e.newline() + text}
}

func (e *serviceEditor) newline() string {
	if bytes.Contains(e.d.b, []byte("\r\n")) {
		return "\r\n"
	}
	return "\n"
}

// proved is an edit after which the file says the same but for a field of the
// service; nil: it is none.
func (e *serviceEditor) proved(field string, edit *finding.Edit) []finding.Edit {
	if edit == nil {
		return nil
	}
	edit.File, edit.Base = e.d.name, e.d.base
	now, err := parse(e.d.name, Apply(e.d.b, *edit))
	if err != nil {
		return nil
	}
	was, ok := e.d.meaning()
	is, ok2 := now.meaning()
	place := "/services/" + escape(e.name) + "/" + escape(field)
	if !ok || !ok2 || !onlyAt(place, was, is) {
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
