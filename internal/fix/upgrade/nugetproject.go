package upgrade

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

// msbuildText is a text of an MSBuild file that may name a version.
type msbuildText struct {
	f    *plan.File
	s    string
	at   int  // where it begins; 0: it is not there
	held bool // it holds entities, or is put together of several parts
}

// msbuildRef is a reference to a package, or the version that a repository has
// agreed on for one.
type msbuildRef struct {
	kind, name string // "PackageReference", "PackageVersion", "GlobalPackageReference"
	version    msbuildText
	override   msbuildText
}

// msbuild is an MSBuild file for editing: a project, or one that projects import.
type msbuild struct {
	refs  []msbuildRef
	props map[string][]msbuildText // by name in lower case
}

// xmlAttribute finds an attribute in the bytes of a start tag.
var xmlAttribute = lazyregexp.New(`([A-Za-z][\w.:-]*)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')`)

func readMSBuild(f *plan.File) (*msbuild, error) {
	m := &msbuild{props: map[string][]msbuildText{}}
	d := xml.NewDecoder(bytes.NewReader(f.B))
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // what is edited is ASCII
	var path []string
	var text msbuildText
	open := -1 // the reference whose children are read
	for {
		start := int(d.InputOffset())
		t, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		end := int(d.InputOffset())
		switch t := t.(type) {
		case xml.StartElement:
			if len(path) >= pomDepth {
				return nil, fmt.Errorf("nested deeper than %d elements", pomDepth)
			}
			path, text = append(path, t.Name.Local), msbuildText{f: f}
			if slices.Contains([]string{"PackageReference", "PackageVersion", "GlobalPackageReference"}, t.Name.Local) {
				m.refs = append(m.refs, refOf(f, t.Name.Local, start, end))
				open = len(m.refs) - 1
			}
		case xml.CharData:
			raw := string(f.B[start:end])
			trimmed := strings.TrimSpace(raw)
			if trimmed == "" {
				continue
			}
			lead := len(raw) - len(strings.TrimLeft(raw, " \t\r\n"))
			text = msbuildText{f, trimmed, start + lead, text.at > 0 || trimmed != strings.TrimSpace(string(t))}
		case xml.Comment, xml.ProcInst, xml.Directive:
			text.held = text.held || text.at > 0
		case xml.EndElement:
			if len(path) == 0 || path[len(path)-1] != t.Name.Local {
				return nil, fmt.Errorf("</%s> closes nothing", t.Name.Local)
			}
			m.closed(path, text, open)
			if path = path[:len(path)-1]; open >= 0 && t.Name.Local == m.refs[open].kind {
				open = -1
			}
			text = msbuildText{f: f}
		}
	}
	if len(path) > 0 {
		return nil, fmt.Errorf("<%s> has no end", path[len(path)-1])
	}
	return m, nil
}

// closed takes in an element's text.
func (m *msbuild) closed(path []string, text msbuildText, open int) {
	name := path[len(path)-1]
	switch {
	case len(path) < 2:
	case path[len(path)-2] == "PropertyGroup":
		m.props[strings.ToLower(name)] = append(m.props[strings.ToLower(name)], text)
	case open >= 0 && name == "Version":
		m.refs[open].version = text
	case open >= 0 && name == "VersionOverride":
		m.refs[open].override = text
	}
}

// refOf reads a reference's attributes.
func refOf(f *plan.File, kind string, start, end int) msbuildRef {
	r := msbuildRef{kind: kind}
	tag := f.B[start:end]
	for _, a := range xmlAttribute.FindAllSubmatchIndex(tag, -1) {
		from, to := a[4], a[5]
		if from < 0 {
			from, to = a[6], a[7]
		}
		value := string(tag[from:to])
		text := msbuildText{f, value, start + from, strings.Contains(value, "&")}
		switch strings.ToLower(string(tag[a[2]:a[3]])) {
		case "include", "update":
			r.name = value
		case "version":
			r.version = text
		case "versionoverride":
			r.override = text
		}
	}
	return r
}

// nugetRange is a range of versions as NuGet reads it: what is written without
// brackets is the least.
type nugetRange struct {
	low, high        string // "": none
	lowIn, highIn    bool
	exact, bracketed bool
}

func nugetRangeOf(spec string) (r nugetRange, ok bool) {
	s := strings.TrimSpace(spec)
	if len(s) < 1 || len(s) > 256 || strings.ContainsAny(s, "*$@%") {
		return r, false
	}
	if s[0] != '[' && s[0] != '(' {
		r.low, r.lowIn = s, true
		return r, nugetVersion(s)
	}
	last := s[len(s)-1]
	if len(s) < 3 || last != ']' && last != ')' {
		return r, false
	}
	r.bracketed, r.lowIn, r.highIn = true, s[0] == '[', last == ']'
	low, high, two := strings.Cut(s[1:len(s)-1], ",")
	r.low, r.high = strings.TrimSpace(low), strings.TrimSpace(high)
	if !two {
		r.high, r.exact = r.low, true
		return r, r.lowIn && r.highIn && nugetVersion(r.low)
	}
	return r, (r.low == "" || nugetVersion(r.low)) && (r.high == "" || nugetVersion(r.high)) && r.low+r.high != ""
}

func nugetVersion(s string) bool {
	return plan.Plausible(s) && s[0]-'0' <= 9 && !strings.ContainsAny(s, "_:!^~")
}

func compareNuGet(a, b string) int {
	a, _, _ = strings.Cut(a, "+")
	b, _, _ = strings.Cut(b, "+")
	return plan.CompareBy("NuGet", plan.Padded(a, 4), plan.Padded(b, 4))
}

func (r nugetRange) Admits(version string) bool {
	if r.low != "" {
		if c := compareNuGet(version, r.low); c < 0 || c == 0 && !r.lowIn {
			return false
		}
	}
	if r.high != "" {
		if c := compareNuGet(version, r.high); c > 0 || c == 0 && !r.highIn {
			return false
		}
	}
	return true
}

// raised is a range whose least version is the given one, as NuGet takes the
// least that there is.
func (r nugetRange) raised(version string) (to string, capped bool) {
	switch {
	case !r.bracketed:
		return version, false
	case r.exact:
		return "[" + version + "]", false
	case r.high == "":
		return "[" + version + ", )", false
	case !r.Admits(version) && compareNuGet(version, r.high) >= 0:
		return "[" + version + ", " + beyond(version) + ")", true
	case r.highIn:
		return "[" + version + ", " + r.high + "]", false
	}
	return "[" + version + ", " + r.high + ")", false
}
