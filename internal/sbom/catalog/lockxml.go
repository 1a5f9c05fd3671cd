package catalog

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// xmlElement is one element as it ends.
type xmlElement struct {
	path  []string // names from the root down, its own last
	attrs []xml.Attr
	text  string // directly in it
	line  int    // on which it begins
}

// attr is an attribute's value by its name; upper and lower case are one.
func (e xmlElement) attr(name string) string {
	for _, a := range e.attrs {
		if strings.EqualFold(a.Name.Local, name) {
			return strings.TrimSpace(a.Value)
		}
	}
	return ""
}

func (e xmlElement) at() string { return strings.Join(e.path, "/") }

// lockXML calls each with every element, in the order in which they end.
func lockXML(body []byte, each func(e xmlElement) error) error {
	d := xml.NewDecoder(bytes.NewReader(body))
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // names and versions are ASCII
	type open struct {
		attrs []xml.Attr
		line  int
		text  strings.Builder
	}
	var path []string
	var stack []*open
	some := false
	for {
		t, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if len(path) >= mavenDepth {
				return fmt.Errorf("nested deeper than %d elements", mavenDepth)
			}
			line, _ := d.InputPos()
			some, path = true, append(path, t.Name.Local)
			stack = append(stack, &open{attrs: t.Copy().Attr, line: line})
		case xml.CharData:
			if n := len(stack); n > 0 && stack[n-1].text.Len()+len(t) <= 4096 {
				stack[n-1].text.Write(t)
			}
		case xml.EndElement:
			n := len(path)
			if n == 0 || path[n-1] != t.Name.Local {
				return fmt.Errorf("</%s> closes nothing", t.Name.Local)
			}
			o := stack[n-1]
			if err := each(xmlElement{path, o.attrs, strings.TrimSpace(o.text.String()), o.line}); err != nil {
				return err
			}
			path, stack = path[:n-1], stack[:n-1]
		}
	}
	switch {
	case len(path) > 0:
		return fmt.Errorf("<%s> has no end", path[len(path)-1])
	case !some:
		return errors.New("the file is empty")
	}
	return nil
}
