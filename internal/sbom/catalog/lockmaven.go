package catalog

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/drydock-dev/drydock/internal/sbom"
)

// mavenPOM reads pom.xml: the direct dependencies whose version the file itself
// says, literally, by a property or in its dependencyManagement. Versions that a
// parent or a bill of materials decides are unknown, and so is what direct
// dependencies bring along.
func mavenPOM() lockParser {
	return lockParser{Name: "pom", Wants: lockNamed("pom.xml"), Read: mavenRead}
}

// mavenDep is one <dependency>.
type mavenDep struct {
	group, artifactID, version, scope string
	line                              int
}

type mavenFile struct {
	own      map[string]string // of the project: groupId, artifactId, version, parent.version ...
	props    map[string]string
	deps     []mavenDep
	managed  map[string]mavenDep
	hasOwner bool // the root element is a project
	profiles bool // a profile has dependencies of its own
}

const mavenDepth = 64

func mavenRead(file string, body []byte) (lockResult, error) {
	if err := lockText(body); err != nil {
		return lockResult{}, err
	}
	m, err := mavenParse(body)
	if err != nil {
		return lockResult{}, err
	}
	var r lockResult
	for _, d := range m.deps {
		if d.version == "" {
			d.version = m.managed[d.group+":"+d.artifactID].version
			if d.scope == "" {
				d.scope = m.managed[d.group+":"+d.artifactID].scope
			}
		}
		group, artifactID, version := m.resolve(d.group, 0), m.resolve(d.artifactID, 0), m.resolve(d.version, 0)
		if group == m.resolve("${project.groupId}", 0) && version == m.resolve("${project.version}", 0) && version != "" {
			continue // a sibling module: the project's own code
		}
		if !mavenWord(group) || !mavenWord(artifactID) || !mavenWord(version) {
			r.Unknown = append(r.Unknown, fmt.Sprintf("%s:%s", group, artifactID))
			continue
		}
		p := mavenPackage("pom", group, artifactID, version, file, d.line)
		p.Dev = d.scope == "test"
		r.Packages = append(r.Packages, p)
	}
	if m.profiles {
		r.Unknown = append(r.Unknown, "the profiles' dependencies")
		r.Why = "which profile is active is not in the file; scan the built image or jar"
	}
	if len(m.deps) > 0 {
		r.Unknown = append(r.Unknown, "transitive dependencies")
		r.Why = "a pom.xml does not say them; scan the built image or jar"
	}
	return r, nil
}

// mavenParse walks over the elements; a dependency counts only directly under
// the project's dependencies or dependencyManagement, not under a plugin's or a
// profile's.
func mavenParse(body []byte) (*mavenFile, error) {
	m := &mavenFile{own: map[string]string{}, props: map[string]string{}, managed: map[string]mavenDep{}}
	d := xml.NewDecoder(bytes.NewReader(body))
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // names and versions are ASCII
	var path []string
	var text strings.Builder
	var dep mavenDep
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
			if path = append(path, t.Name.Local); t.Name.Local == "dependency" {
				line, _ := d.InputPos()
				dep = mavenDep{line: line}
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
			m.element(path, strings.TrimSpace(text.String()), &dep)
			if len(m.deps)+len(m.managed)+len(m.props) > maxPackages {
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

func (m *mavenFile) element(path []string, text string, dep *mavenDep) {
	at := strings.Join(path, "/")
	switch at {
	case "project":
		m.hasOwner = true
	case "project/dependencies/dependency":
		m.deps = append(m.deps, *dep)
	case "project/dependencyManagement/dependencies/dependency":
		m.managed[dep.group+":"+dep.artifactID] = *dep
	case "project/profiles/profile/dependencies/dependency":
		m.profiles = true
	case "project/groupId", "project/artifactId", "project/version":
		m.own[path[1]] = text
	case "project/parent/groupId", "project/parent/artifactId", "project/parent/version":
		m.own["parent."+path[2]] = text
	}
	if len(path) == 3 && path[1] == "properties" {
		m.props[path[2]] = text
	}
	if len(path) < 2 || path[len(path)-2] != "dependency" {
		return
	}
	switch path[len(path)-1] {
	case "groupId":
		dep.group = text
	case "artifactId":
		dep.artifactID = text
	case "version":
		dep.version = text
	case "scope":
		dep.scope = text
	}
}

// resolve replaces ${...} by the file's own properties; what is left holds a
// dollar sign.
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
	value, known := m.props[name]
	if key, own := strings.CutPrefix(name, "project."); own && !known {
		value, known = m.own[key]
		if !known {
			value, known = m.own["parent."+key]
		}
	}
	if !known {
		return s
	}
	return m.resolve(before+value+after, depth+1)
}

// mavenWord says whether s is a coordinate: resolved, and no range.
func mavenWord(s string) bool { return lockWord(s) && !strings.ContainsAny(s, "${}[](),:/") }

func mavenPackage(cataloger, group, artifactID, version, file string, line int) sbom.Package {
	p := lockPackage(cataloger, "maven", artifactID, version, file, line)
	p.Namespace = group
	return p
}

// gradleLock reads gradle.lockfile and buildscript-gradle.lockfile, and those
// of Gradle before 7, one for each configuration:
// gradle/dependency-locks/testRuntimeClasspath.lockfile.
func gradleLock() lockParser {
	return lockParser{
		Name: "gradle-lock", Wants: gradleWants, Read: gradleRead,
	}
}

func gradleWants(file string) bool {
	return lockNamed("gradle.lockfile", "buildscript-gradle.lockfile")(file) ||
		path.Base(path.Dir(file)) == "dependency-locks" && strings.HasSuffix(file, ".lockfile")
}

func gradleRead(file string, body []byte) (lockResult, error) {
	if err := lockText(body); err != nil {
		return lockResult{}, err
	}
	var r lockResult
	err := lockLine(body, func(n int, line string) error {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			return nil
		}
		if r.full() {
			return errLockMany
		}
		coordinates, configurations, one := strings.Cut(line, "=")
		if !one {
			configurations = strings.TrimSuffix(path.Base(file), ".lockfile")
		}
		if coordinates = strings.TrimSpace(coordinates); coordinates == "empty" {
			return nil
		}
		part := strings.Split(coordinates, ":")
		if len(part) != 3 || !mavenWord(part[0]) || !mavenWord(part[1]) || !mavenWord(part[2]) {
			r.Unknown = append(r.Unknown, fmt.Sprintf("%.80q", coordinates))
			r.Why = fmt.Sprintf("line %d: not group:name:version", n)
			return nil
		}
		p := mavenPackage("gradle-lock", part[0], part[1], part[2], file, n)
		p.Dev = configurations != ""
		for c := range strings.SplitSeq(configurations, ",") {
			p.Dev = p.Dev && strings.HasPrefix(strings.TrimSpace(c), "test")
		}
		r.Packages = append(r.Packages, p)
		return nil
	})
	if err != nil {
		return lockResult{}, err
	}
	return r, nil
}
