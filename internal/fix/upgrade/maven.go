package upgrade

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
)

// pomDepth bounds how deeply elements nest.
const pomDepth = 64

// pomText is an element's text with its bytes, without white space around.
type pomText struct {
	s          string
	start, end int
	odd        bool // comments, entities or elements in it: no plain text to edit
}

// pomDep is one <dependency>.
type pomDep struct {
	group, module, version pomText
	managed                bool
	start                  int // of its start tag
}

// pom is a pom.xml for editing.
type pom struct {
	f       *plan.File
	props   map[string]pomText
	own     map[string]string // "groupId", "version", "parent.version" ... of the project
	deps    []pomDep
	twice   map[string]bool // properties that are set in more than one place
	project [2]int          // where </project> begins; where <dependencies> begins, or 0
	managed pomBlock        // dependencyManagement/dependencies
	section pomBlock        // dependencyManagement
}

// pomBlock is an element that something may be added to.
type pomBlock struct {
	start, close int // of the start tag, of the end tag
	empty        bool
}

func parsePOM(f *plan.File) (*pom, error) {
	p := &pom{f: f, props: map[string]pomText{}, own: map[string]string{}, twice: map[string]bool{}}
	d := xml.NewDecoder(bytes.NewReader(f.B))
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // what is edited is ASCII
	var path []string
	var text pomText
	var dep pomDep
	filled := false
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
			path = append(path, t.Name.Local)
			if t.Name.Local == "dependency" {
				dep = pomDep{start: start}
			}
			p.open(strings.Join(path, "/"), start, start > 0 && end > start && f.B[end-2] == '/')
			text, filled = pomText{}, false
		case xml.CharData:
			raw := string(f.B[start:end])
			trimmed := strings.TrimSpace(raw)
			if trimmed == "" {
				continue
			}
			lead := len(raw) - len(strings.TrimLeft(raw, " \t\r\n"))
			text = pomText{trimmed, start + lead, start + lead + len(trimmed), filled || trimmed != strings.TrimSpace(string(t))}
			filled = true
		case xml.Comment, xml.ProcInst, xml.Directive:
			text.odd = text.odd || filled
		case xml.EndElement:
			if len(path) == 0 || path[len(path)-1] != t.Name.Local {
				return nil, fmt.Errorf("</%s> closes nothing", t.Name.Local)
			}
			p.element(path, text, &dep, start)
			path = path[:len(path)-1]
			text, filled = pomText{}, false
		}
	}
	if len(path) > 0 {
		return nil, fmt.Errorf("<%s> has no end", path[len(path)-1])
	}
	if p.project[0] == 0 {
		return nil, errors.New("not a pom: the root element is not project")
	}
	return p, nil
}

func (p *pom) open(at string, start int, empty bool) {
	switch at {
	case "project/dependencies":
		p.project[1] = start
	case "project/dependencyManagement":
		p.section = pomBlock{start: start, empty: empty}
	case "project/dependencyManagement/dependencies":
		p.managed = pomBlock{start: start, empty: empty}
	}
}

func (p *pom) element(path []string, text pomText, dep *pomDep, closing int) {
	at := strings.Join(path, "/")
	switch at {
	case "project":
		p.project[0] = closing
	case "project/dependencyManagement":
		p.section.close = closing
	case "project/dependencyManagement/dependencies":
		p.managed.close = closing
	case "project/dependencies/dependency", "project/dependencyManagement/dependencies/dependency":
		d := *dep
		d.managed = path[1] == "dependencyManagement"
		p.deps = append(p.deps, d)
	case "project/groupId", "project/artifactId", "project/version":
		p.own[path[1]] = text.s
	case "project/parent/groupId", "project/parent/version":
		p.own["parent."+path[2]] = text.s
	}
	if len(path) >= 2 && path[len(path)-2] == "properties" {
		name := path[len(path)-1]
		_, again := p.props[name]
		p.twice[name] = p.twice[name] || again
		if len(path) == 3 || !again {
			p.props[name] = text
		}
	}
	if len(path) < 2 || path[len(path)-2] != "dependency" {
		return
	}
	switch path[len(path)-1] {
	case "groupId":
		dep.group = text
	case "artifactId":
		dep.module = text
	case "version":
		dep.version = text
	}
}

// resolve fills in the file's own properties.
func (p *pom) resolve(s string, depth int) string {
	before, rest, ok := strings.Cut(s, "${")
	name, after, closed := strings.Cut(rest, "}")
	if !ok || !closed || depth > 8 || len(s) > 1024 {
		return s
	}
	value, known := p.props[name].s, p.props[name].s != ""
	if key, own := strings.CutPrefix(name, "project."); own && !known {
		value, known = p.own[key], p.own[key] != ""
		if !known {
			value, known = p.own["parent."+key], p.own["parent."+key] != ""
		}
	}
	if !known {
		return s
	}
	return p.resolve(before+value+after, depth+1)
}

// maven plans for a pom.xml.
func maven(p *plan.Planner, j plan.Job) {
	f, err := p.Open(j.File)
	var doc *pom
	if err == nil {
		doc, err = parsePOM(f)
	}
	var made []plan.Upgrade
	var of [][]plan.Want
	var absent []plan.Want
	for _, w := range j.Wants {
		if err != nil {
			p.Cannot(w, f.Name+": "+err.Error())
			continue
		}
		u, found, why := doc.upgrade(w)
		switch {
		case !found:
			absent = append(absent, w)
			continue
		case why != "":
			p.Cannot(w, why)
			continue
		}
		made, of = append(made, u), append(of, []plan.Want{w})
	}
	if len(absent) > 0 {
		u, why := doc.manage(absent)
		if why != "" {
			for _, w := range absent {
				p.Cannot(w, why)
			}
		} else {
			made, of = append(made, u), append(of, absent)
		}
	}
	p.AddJoined(made, of)
}

// upgrade raises the version where the file says it; found is false if it does
// not name the dependency.
func (p *pom) upgrade(w plan.Want) (u plan.Upgrade, found bool, why string) {
	u.Fix.Safety = plan.Step(w.From, w.To)
	for _, d := range p.deps {
		if p.resolve(d.group.s, 0)+":"+p.resolve(d.module.s, 0) != w.Name {
			continue
		}
		found = true
		v := d.version
		name, isProp := property(v.s)
		switch {
		case v.s == "" || p.resolve(v.s, 0) != w.From:
			continue // managed elsewhere, or another version of it
		case v.odd:
			return u, true, "its version is no plain text"
		case v.s == w.From:
			u.Fix.Edits = append(u.Fix.Edits, p.f.Edit(v.start, v.end, w.To))
		case isProp:
			e, note, err := p.property(name, w, 0)
			if err != nil {
				return u, true, err.Error()
			}
			u.Fix.Edits = append(u.Fix.Edits, e)
			if note != "" {
				u.Notes = plan.Unique(append(u.Notes, note))
			}
		default:
			return u, true, fmt.Sprintf("its version is written as %.80q", v.s)
		}
	}
	if found && len(u.Fix.Edits) == 0 {
		return u, true, "the file does not say " + w.From + " of it"
	}
	edits, ok := plan.JoinEdits(u.Fix.Edits)
	if !ok {
		return u, found, "its edits are in one another's way"
	}
	u.Fix.Edits = edits
	return u, found, ""
}

// property is the name in "${name}".
func property(s string) (string, bool) {
	name, ok := strings.CutPrefix(s, "${")
	if !ok || !strings.HasSuffix(name, "}") || strings.ContainsAny(name[:len(name)-1], "${}") {
		return "", false
	}
	return name[:len(name)-1], true
}

// property raises a property, and says who else goes by it.
func (p *pom) property(name string, w plan.Want, depth int) (finding.Edit, string, error) {
	v, ok := p.props[name]
	switch {
	case !ok || v.s == "":
		return finding.Edit{}, "", fmt.Errorf("the property %s is not set in the file", name)
	case v.odd:
		return finding.Edit{}, "", fmt.Errorf("the property %s is no plain text", name)
	case p.twice[name]:
		return finding.Edit{}, "", fmt.Errorf("the property %s is set in several places", name)
	}
	if inner, again := property(v.s); again && depth < 8 {
		return p.property(inner, w, depth+1)
	}
	if v.s != w.From {
		return finding.Edit{}, "", fmt.Errorf("the property %s is %.80q", name, v.s)
	}
	var others []string
	for _, d := range p.deps {
		other := p.resolve(d.group.s, 0) + ":" + p.resolve(d.module.s, 0)
		if other != w.Name && strings.Contains(d.version.s, "${"+name+"}") {
			others = append(others, other)
		}
	}
	note := ""
	if len(others) > 0 {
		note = "with it, by the property " + name + ": " + plan.Few(plan.Unique(others))
	}
	return p.f.Edit(v.start, v.end, w.To), note, nil
}

// manage pins what other dependencies bring in, in dependencyManagement.
func (p *pom) manage(wants []plan.Want) (u plan.Upgrade, why string) {
	eol := p.f.Eol()
	var edit finding.Edit
	switch {
	case p.managed.start > 0 && !p.managed.empty:
		pad := p.f.Indent(p.managed.start)
		unit := p.unit()
		at := p.managed.close
		line := p.f.LineStart(at)
		if strings.TrimSpace(string(p.f.B[line:at])) == "" {
			edit = p.f.Edit(line, line, managedText(wants, pad+unit, unit, eol))
		} else {
			edit = p.f.Edit(at, at, eol+managedText(wants, pad+unit, unit, eol)+pad)
		}
	case p.section.start > 0:
		return u, "the file's dependencyManagement is empty; write <dependencies> into it"
	default:
		at := p.project[0]
		if p.project[1] > 0 {
			at = p.project[1]
		}
		line, unit := p.f.LineStart(at), p.unit()
		if strings.TrimSpace(string(p.f.B[line:at])) != "" {
			line = at
		}
		pad := unit
		edit = p.f.Edit(line, line, pad+"<dependencyManagement>"+eol+pad+unit+"<dependencies>"+eol+
			managedText(wants, pad+unit+unit, unit, eol)+
			pad+unit+"</dependencies>"+eol+pad+"</dependencyManagement>"+eol)
	}
	u.Fix = finding.Fix{Safety: finding.NeedsReview, Edits: []finding.Edit{edit}}
	u.Notes = []string{"others bring it in: dependencyManagement makes them take another version"}
	return u, ""
}

// unit is one step of the file's indentation.
func (p *pom) unit() string {
	for _, at := range []int{p.project[1], p.section.start} {
		if pad := p.f.Indent(at); at > 0 && pad != "" {
			return pad
		}
	}
	return "  "
}

func managedText(wants []plan.Want, pad, unit, eol string) string {
	var b strings.Builder
	for _, w := range wants {
		group, name, _ := strings.Cut(w.Name, ":")
		b.WriteString(pad + "<dependency>" + eol)
		for _, e := range [][2]string{{"groupId", group}, {"artifactId", name}, {"version", w.To}} {
			b.WriteString(pad + unit + "<" + e[0] + ">")
			_ = xml.EscapeText(&b, []byte(e[1])) // a builder takes everything
			b.WriteString("</" + e[0] + ">" + eol)
		}
		b.WriteString(pad + "</dependency>" + eol)
	}
	return b.String()
}
