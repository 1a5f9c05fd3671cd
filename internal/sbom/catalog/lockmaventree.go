package catalog

import (
	"fmt"
	"path"
	"strings"

	"github.com/drydock-dev/drydock/internal/sbom"
)

// mavenHeld bounds what is kept of a folder's poms: dependencies and properties.
const mavenHeld = 2 * maxPackages

// mavenTree is the poms of a folder: they inherit from one another.
type mavenTree struct {
	files map[string]*mavenFile // by path; nil: cannot be read
	named map[string][]string   // by group:artifact
	held  int
}

// mavenPins reads pom.xml: the direct dependencies with the versions that the
// file says, or a parent or bill of materials in the same folder, literally, by a
// property or in dependencyManagement. What a parent elsewhere decides is unknown,
// and so is what direct dependencies bring along.
func mavenPins(w *dirWalk, file string, body []byte) (lockResult, error) {
	if err := lockText(body); err != nil {
		return lockResult{}, err
	}
	m, err := w.mavenFile(file, body)
	if err != nil {
		return lockResult{}, err
	}
	var r lockResult
	if r.name, r.version = m.resolve("${project.artifactId}", 0), m.resolve("${project.version}", 0); !mavenWord(r.version) {
		r.version = ""
	}
	w.mavenLink(m, 0)
	if m.up != nil {
		m.inherited(w, &r)
	}
	at := m.usual()
	for n := at; n != m.up; n = n.up {
		w.mavenDeps(at, n.deps, &r)
	}
	for _, p := range m.profiles {
		if !p.active {
			w.mavenDeps(p.on(m), p.deps, &r)
		}
	}
	if len(r.Packages)+len(r.Unknown) > 0 {
		r.Unknown = append(r.Unknown, "transitive dependencies")
		r.Why = "a pom.xml does not say them; scan the built image or jar"
	}
	return r, nil
}

// mavenDeps adds the dependencies that the file itself names, as they are seen
// from m.
func (w *dirWalk) mavenDeps(m *mavenFile, deps []mavenDep, r *lockResult) {
	for _, d := range deps {
		c, by, scope := m.pin(d)
		switch {
		case w.mavenOwn(m, c), !c.sound() && w.mavenByProfile(m, d, r):
		case !c.sound():
			r.Unknown = append(r.Unknown, fmt.Sprintf("%.200s:%.200s", c.group, c.artifactID))
			r.Why = "neither the file nor a parent in the folder says them"
		default:
			r.Packages = append(r.Packages, mavenPinned(m, d, c, by, scope))
		}
	}
}

func mavenPinned(m *mavenFile, d mavenDep, c javaCoordinates, by sbom.Location, scope string) sbom.Package {
	p := mavenPackage("pom", c.group, c.artifactID, c.version, m.file, d.line)
	p.Dev = scope == "test"
	if by.Path != "" && by.Path != m.file {
		p.Locations = append(p.Locations, by)
	}
	return p
}

// mavenByProfile adds a dependency whose version profiles alone say: one of them is
// active, or there is no build.
func (w *dirWalk) mavenByProfile(m *mavenFile, d mavenDep, r *lockResult) bool {
	found := false
	for at := m; at != nil; at = at.up {
		for _, p := range at.profiles {
			c, by, scope := p.on(m).pin(d)
			if p.active || !c.sound() || w.mavenOwn(m, c) {
				continue
			}
			r.Packages, found = append(r.Packages, mavenPinned(m, d, c, by, scope)), true
		}
	}
	return found
}

// inherited adds the parents' dependencies that are others here, as the file sets
// a property anew. The rest stands where the parent is read.
func (m *mavenFile) inherited(w *dirWalk, r *lockResult) {
	for at := m.up; at != nil; at = at.up {
		for _, d := range at.deps {
			c, _, scope := m.usual().pin(d)
			if there, _, _ := at.pin(d); there == c || w.mavenOwn(m, c) || !c.sound() || m.names(c) {
				continue
			}
			p := mavenPackage("pom", c.group, c.artifactID, c.version, m.file, max(m.line, 1))
			p.Dev = scope == "test"
			r.Packages = append(r.Packages, p)
		}
	}
}

// names reports whether the file itself has the dependency.
func (m *mavenFile) names(c javaCoordinates) bool {
	for _, d := range m.deps {
		if m.resolve(d.group, 0) == c.group && m.resolve(d.artifactID, 0) == c.artifactID {
			return true
		}
	}
	return false
}

// pin is what a dependency comes to, and who else says its version.
func (m *mavenFile) pin(d mavenDep) (c javaCoordinates, by sbom.Location, scope string) {
	c = javaCoordinates{m.resolve(d.group, 0), m.resolve(d.artifactID, 0), m.resolve(d.version, 0)}
	scope = d.scope
	if d.version == "" || d.scope == "" {
		left := 1000
		if version, man, from := m.managedAs(c.group+":"+c.artifactID, &left); from != nil {
			if d.version == "" {
				c.version, by = version, sbom.Location{Path: from.file, Line: man.line}
			}
			if scope == "" {
				scope = man.scope
			}
		}
	}
	if exact, ok := strings.CutPrefix(c.version, "["); ok && strings.HasSuffix(exact, "]") {
		c.version = strings.TrimSuffix(exact, "]")
	}
	return c, by, scope
}

// managedAs is the version that a dependencyManagement gives: the file's own, its
// parents', then those of the bills of materials that they import, which import
// others. left is how many files may still be asked.
func (m *mavenFile) managedAs(key string, left *int) (version string, d mavenDep, from *mavenFile) {
	for at := m; at != nil; at = at.up {
		if d, ok := at.byKey()[key]; ok {
			return m.resolve(d.version, 0), d, at
		}
	}
	for at := m; at != nil; at = at.up {
		for _, bill := range at.bills {
			if *left--; *left < 0 {
				return "", d, nil
			}
			if version, d, from = bill.usual().managedAs(key, left); from != nil {
				return version, d, from
			}
		}
	}
	return "", d, nil
}

func (m *mavenFile) byKey() map[string]mavenDep {
	if m.keys == nil {
		m.keys = make(map[string]mavenDep, len(m.managed))
		for _, d := range m.managed {
			m.keys[m.resolve(d.group, 0)+":"+m.resolve(d.artifactID, 0)] = d
		}
	}
	return m.keys
}

// usual is the file with the profiles that are active by default.
func (m *mavenFile) usual() *mavenFile {
	at := m
	for _, p := range m.profiles {
		if p.active {
			at = p.on(at)
		}
	}
	return at
}

// on is a file with a profile added.
func (m *mavenFile) on(to *mavenFile) *mavenFile {
	return &mavenFile{
		file: to.file, own: to.own, up: to,
		props: m.props, deps: m.deps, managed: m.managed, bills: m.bills,
	}
}

// mavenOwn reports whether coordinates are the project's own code: a module of
// the folder, or one that has the group and version of the file's own project.
func (w *dirWalk) mavenOwn(m *mavenFile, c javaCoordinates) bool {
	version := m.resolve("${project.version}", 0)
	if c.group == m.resolve("${project.groupId}", 0) && c.version == version && version != "" {
		return true
	}
	for _, file := range w.mavenNamed(c.group + ":" + c.artifactID) {
		if other := w.maven.files[file]; !mavenVersion(c.version) || other.resolve("${project.version}", 0) == c.version {
			return true
		}
	}
	return false
}

// mavenLink finds a file's parent and the bills of materials that it imports.
func (w *dirWalk) mavenLink(m *mavenFile, depth int) {
	if m.up != nil || m.file == "" || depth > 16 {
		return
	}
	if version := m.own["parent.version"]; m.own["parent.artifactId"] != "" {
		m.up = w.mavenParent(m, m.own["parent.groupId"]+":"+m.own["parent.artifactId"], m.resolve(version, 0))
	}
	if m.up != nil {
		w.mavenLink(m.up, depth+1)
		if m.up.reaches(m) {
			m.up = nil
		} else {
			m.up = m.up.usual()
		}
	}
	for _, at := range append([]*mavenFile{m}, m.profiles...) {
		seen := m
		if at != m {
			seen = at.on(m)
		}
		for _, d := range at.managed {
			if d.scope != "import" || len(at.bills) >= 64 {
				continue
			}
			key := seen.resolve(d.group, 0) + ":" + seen.resolve(d.artifactID, 0)
			if bill := w.mavenAt(key, seen.resolve(d.version, 0)); bill != nil && bill != m {
				w.mavenLink(bill, depth+1)
				at.bills = append(at.bills, bill)
			}
		}
	}
}

// reaches reports whether a file inherits from another, or from one that does.
func (m *mavenFile) reaches(other *mavenFile) bool {
	for at, n := m, 0; at != nil; at, n = at.up, n+1 {
		if at.file == other.file || n > 64 {
			return true
		}
	}
	return false
}

// mavenParent is the parent at the place that the file says, or else the pom of
// the folder that has its name, as Maven finds it among the modules of a build.
func (w *dirWalk) mavenParent(m *mavenFile, key, version string) *mavenFile {
	if !m.byName {
		rel := m.own["parent.relativePath"]
		if rel == "" {
			rel = "../pom.xml"
		}
		for _, p := range []string{path.Join(path.Dir(m.file), rel), path.Join(path.Dir(m.file), rel, "pom.xml")} {
			if up := w.mavenRead(p); up != nil && up.is(key, version) {
				return up
			}
		}
	}
	return w.mavenAt(key, version)
}

// mavenAt is the pom of the folder that has a name and a version.
func (w *dirWalk) mavenAt(key, version string) *mavenFile {
	for _, file := range w.mavenNamed(key) {
		if m := w.maven.files[file]; m.is(key, version) {
			return m
		}
	}
	return nil
}

func (m *mavenFile) is(key, version string) bool {
	return m.key() == key && (m.resolve("${project.version}", 0) == version || strings.Contains(version, "$"))
}

func (m *mavenFile) key() string {
	return m.resolve("${project.groupId}", 0) + ":" + m.resolve("${project.artifactId}", 0)
}

// mavenNamed are the poms of the folder with a name.
func (w *dirWalk) mavenNamed(key string) []string {
	if w.maven.named == nil {
		w.maven.named = map[string][]string{}
		for _, found := range w.manifests {
			if path.Base(found.path) != "pom.xml" {
				continue
			}
			m := w.mavenRead(found.path)
			if m == nil || w.maven.files[found.path] != m || len(w.maven.named[m.key()]) >= 16 {
				continue
			}
			w.maven.named[m.key()] = append(w.maven.named[m.key()], found.path)
		}
	}
	return w.maven.named[key]
}

// mavenRead is a pom of the folder; nil: there is none that can be read.
func (w *dirWalk) mavenRead(file string) *mavenFile {
	if m, done := w.maven.files[file]; done {
		return m
	}
	body, err := w.body(file)
	if err != nil || lockText(body) != nil {
		return nil
	}
	m, _ := w.mavenFile(file, body)
	return m
}

func (w *dirWalk) mavenFile(file string, body []byte) (*mavenFile, error) {
	if m := w.maven.files[file]; m != nil {
		return m, nil
	}
	m, err := mavenParse(body)
	if err != nil {
		return nil, err
	}
	m.file = file
	if w.maven.files == nil {
		w.maven.files = map[string]*mavenFile{}
	}
	if w.maven.held += len(m.deps) + len(m.managed) + len(m.props) + len(m.profiles) + 1; w.maven.held <= mavenHeld {
		w.maven.files[file] = m
	}
	return m, nil
}
