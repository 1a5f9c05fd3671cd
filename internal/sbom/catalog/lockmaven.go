package catalog

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/drydock-dev/drydock/internal/sbom"
)

// mavenDep is one <dependency>.
type mavenDep struct {
	group, artifactID, version, scope, kind string
	line                                    int
	optional                                bool
}

// mavenFile is what a pom.xml says, or one of its profiles.
type mavenFile struct {
	file     string            // empty: not of a folder
	own      map[string]string // of the project: groupId, artifactId, version, parent.version ...
	props    map[string]string
	deps     []mavenDep
	managed  []mavenDep
	profiles []*mavenFile
	line     int  // of its <parent>
	hasOwner bool // the root element is a project
	byName   bool // its parent has no relativePath, or an empty one
	active   bool // of a profile: activeByDefault

	up    *mavenFile // its parent, or what a profile adds to; nil: none in the folder
	bills []*mavenFile
	keys  map[string]mavenDep // managed, by group:artifact
}

const (
	mavenDepth    = 64
	mavenProfiles = 64
)

func newMavenFile() *mavenFile {
	return &mavenFile{own: map[string]string{}, props: map[string]string{}}
}

// mavenParse walks over the elements; a dependency counts only directly under
// the dependencies or dependencyManagement of the project or a profile, not under
// a plugin's.
func mavenParse(body []byte) (*mavenFile, error) {
	m := newMavenFile()
	d := xml.NewDecoder(bytes.NewReader(body))
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // names and versions are ASCII
	var path []string
	var text strings.Builder
	var dep mavenDep
	profile, held := newMavenFile(), 0
	for {
		t, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if len(path) >= mavenDepth {
				return nil, fmt.Errorf("nested deeper than %d elements", mavenDepth)
			}
			line, _ := d.InputPos()
			switch path = append(path, t.Name.Local); {
			case t.Name.Local == "dependency":
				dep = mavenDep{line: line}
			case len(path) == 2 && path[1] == "parent":
				m.line, m.byName = line, false
			}
			text.Reset()
		case xml.CharData:
			if text.Len()+len(t) <= 4096 {
				text.Write(t)
			}
		case xml.EndElement:
			if len(path) == 0 || path[len(path)-1] != t.Name.Local {
				return nil, fmt.Errorf("</%s> closes nothing", t.Name.Local)
			}
			s := strings.TrimSpace(text.String())
			dep.field(path, s)
			switch {
			case len(path) < 3 || path[1] != "profiles":
				held += m.element(path, s, dep)
			case len(path) == 3 && len(m.profiles) >= mavenProfiles:
				return nil, fmt.Errorf("more than %d profiles", mavenProfiles)
			case len(path) == 3:
				m.profiles = append(m.profiles, profile)
				profile = newMavenFile()
			default:
				at := strings.Join(path[3:], "/")
				profile.active = profile.active || s == "true" && at == "activation/activeByDefault"
				held += profile.element(append([]string{"project"}, path[3:]...), s, dep)
			}
			if held > maxPackages {
				return nil, errLockMany
			}
			path = path[:len(path)-1]
			text.Reset()
		}
	}
	if len(path) > 0 {
		return nil, fmt.Errorf("<%s> has no end", path[len(path)-1])
	}
	if !m.hasOwner {
		return nil, errors.New("not a pom: the root element is not project")
	}
	return m, nil
}

// element takes in one element as it ends, and returns how much of it is kept.
func (m *mavenFile) element(path []string, text string, dep mavenDep) int {
	switch strings.Join(path, "/") {
	case "project":
		m.hasOwner = true
	case "project/dependencies/dependency":
		m.deps = append(m.deps, dep)
		return 1
	case "project/dependencyManagement/dependencies/dependency":
		m.managed = append(m.managed, dep)
		return 1
	case "project/groupId", "project/artifactId", "project/version":
		m.own[path[1]] = text
	case "project/parent/groupId", "project/parent/artifactId", "project/parent/version":
		m.own["parent."+path[2]] = text
	case "project/parent/relativePath":
		m.own["parent.relativePath"] = text
		m.byName = text == ""
	}
	if len(path) == 3 && path[1] == "properties" {
		m.props[path[2]] = text
		return 1
	}
	return 0
}

func (d *mavenDep) field(path []string, text string) {
	if len(path) < 2 || path[len(path)-2] != "dependency" {
		return
	}
	switch path[len(path)-1] {
	case "groupId":
		d.group = text
	case "artifactId":
		d.artifactID = text
	case "version":
		d.version = text
	case "scope":
		d.scope = text
	case "type":
		d.kind = text
	case "optional":
		d.optional = text == "true"
	}
}

// resolve replaces ${...} by the file's own properties and those of its parents;
// what is left holds a dollar sign.
func (m *mavenFile) resolve(s string, depth int) string {
	if depth > 8 || len(s) > 1024 {
		return "$"
	}
	before, rest, ok := strings.Cut(s, "${")
	if !ok {
		return s
	}
	name, after, ok := strings.Cut(rest, "}")
	if !ok {
		return s
	}
	value, known := m.property(name)
	if !known {
		return s
	}
	return m.resolve(before+value+after, depth+1)
}

func (m *mavenFile) property(name string) (value string, known bool) {
	for at := m; at != nil && !known; at = at.up {
		value, known = at.props[name]
	}
	if known {
		return value, true
	}
	for _, prefix := range []string{"project.", "pom."} {
		if key, own := strings.CutPrefix(name, prefix); own {
			if value, known = m.own[key]; !known {
				value, known = m.own["parent."+key]
			}
		}
	}
	return value, known
}

// mavenWord reports whether s is a coordinate: resolved, and no range.
func mavenWord(s string) bool { return lockWord(s) && !strings.ContainsAny(s, "${}[](),:/") }

// mavenVersion reports whether s is a version, and not a word for one that is chosen
// later, or for none.
func mavenVersion(s string) bool {
	switch s {
	case "LATEST", "RELEASE", "unspecified":
		return false
	}
	return mavenWord(s)
}

func mavenPackage(cataloger, group, artifactID, version, file string, line int) sbom.Package {
	p := lockPackage(cataloger, "maven", artifactID, version, file, line)
	p.Namespace = group
	return p
}
