package catalog

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// javaModel is what the pom.xml of a folder in META-INF/maven says.
type javaModel struct {
	javaCoordinates
	needs []string // see [manifest]; nil: it does not say
	err   error
}

// tell notes that a folder of META-INF/maven has a pom.properties.
func (jar *javaJar) tell(folder string, c javaCoordinates) {
	if jar.told == nil {
		jar.told = map[string]javaCoordinates{}
	}
	jar.told[folder] = c
}

// unsure keeps a pom.properties that names no version, which other files may.
func (jar *javaJar) unsure(folder string, c javaCoordinates) {
	if jar.open == nil {
		jar.open = map[string]javaCoordinates{}
	}
	if len(jar.open) < maxPackages {
		jar.open[folder] = c
	}
}

// need keeps what a package of the archive needs.
func (jar *javaJar) need(c javaCoordinates, needs []string) {
	if jar.needs == nil {
		jar.needs = map[javaCoordinates][]string{}
	}
	if jar.needs[c] == nil {
		jar.needs[c] = needs
	}
}

func (c javaCoordinates) versionless() error {
	return fmt.Errorf("%s:%s has no version that is one: %.80q", c.group, c.artifactID, c.version)
}

// hold takes in a pom.xml, or that it cannot be read, which matters only where no
// pom.properties is beside it.
func (s *javaScan) hold(jar *javaJar, folder, body string, err error) {
	if jar.models == nil {
		jar.models = map[string]javaModel{}
	}
	var m javaModel
	if m.err = err; err == nil {
		m = javaModelOf(folder, body)
	}
	if s.wants += len(m.needs); s.wants > maxPackages {
		m.needs = nil
	}
	jar.models[folder] = m
}

// readModels reads the pom.xml files that have no pom.properties beside them.
// Of one whose version a build fills in, the archive's own name or manifest
// tells it.
func (jar *javaJar) readModels(file javaCoordinates) error {
	var problems []error
	for _, folder := range slices.Sorted(maps.Keys(jar.models)) {
		m := jar.models[folder]
		if c, told := jar.told[folder]; told {
			jar.need(c, m.needs)
			continue
		}
		c := m.javaCoordinates
		if err := m.err; err != nil {
			problems = append(problems, javaAt(folder+"/pom.xml", err))
			continue
		}
		if !mavenVersion(c.version) && javaSameArtifact(c.artifactID, file.artifactID) {
			c.version = cmp.Or(file.version, javaManifestVersion(jar.manifest))
		}
		if c.sound() {
			jar.poms = append(jar.poms, c)
			jar.need(c, m.needs)
			delete(jar.open, folder)
			continue
		}
		problems = append(problems, javaAt(folder+"/pom.xml", fmt.Errorf("its version is set elsewhere")))
	}
	for _, folder := range slices.Sorted(maps.Keys(jar.open)) {
		c := jar.open[folder]
		told := cmp.Or(file.version, javaManifestVersion(jar.manifest))
		if javaSameArtifact(c.artifactID, file.artifactID) && mavenVersion(told) {
			c.version = told
			jar.poms = append(jar.poms, c)
			jar.need(c, jar.models[folder].needs)
			continue
		}
		if _, said := jar.models[folder]; !said {
			problems = append(problems, javaAt(folder+"/pom.properties", c.versionless()))
		}
	}
	jar.models, jar.open = nil, nil
	return javaProblems(problems)
}

// javaModelOf reads the pom.xml of a folder in META-INF/maven. The folder's names are
// those that the project was built with.
func javaModelOf(folder, body string) javaModel {
	m, err := javaProject(body)
	if err != nil {
		return javaModel{err: err}
	}
	out := javaModel{javaCoordinates: m.coordinates(), needs: m.needs()}
	if within := folder[strings.LastIndex(folder, "META-INF/maven/"):]; strings.Count(within, "/") == 3 {
		out.group, out.artifactID = path.Base(path.Dir(folder)), path.Base(folder)
	}
	return out
}

func javaProject(body string) (*mavenFile, error) {
	return mavenParse([]byte(strings.TrimPrefix(body, "\xef\xbb\xbf")))
}

// coordinates are the project's; what it leaves out is its parent's.
func (m *mavenFile) coordinates() javaCoordinates {
	return javaCoordinates{
		group:      m.resolve("${project.groupId}", 0),
		artifactID: m.resolve("${project.artifactId}", 0),
		version:    m.resolve("${project.version}", 0),
	}
}

// class takes in the folder of a class. Those of a web application and of
// other releases of Java are as deep again.
func (jar *javaJar) class(name string) {
	for _, prefix := range []string{"BOOT-INF/classes/", "WEB-INF/classes/"} {
		name = strings.TrimPrefix(name, prefix)
	}
	folder := name[:strings.LastIndexByte(name, '/')+1]
	if folder == "" || strings.HasPrefix(folder, "META-INF/") {
		return
	}
	if !jar.compiled {
		jar.compiled, jar.classes = true, folder
		return
	}
	for !strings.HasPrefix(folder, jar.classes) {
		jar.classes = jar.classes[:strings.LastIndexByte(jar.classes[:len(jar.classes)-1], '/')+1]
	}
}

// recorded reports whether one of the Maven records in an archive is what its
// manifest and its file name make of it.
func (jar *javaJar) recorded(c, file javaCoordinates) bool {
	return slices.ContainsFunc(jar.poms, func(p javaCoordinates) bool {
		switch {
		case p.version != c.version:
			return false
		case javaSameArtifact(p.artifactID, c.artifactID):
			return true
		}
		// "app.jar" is called after what it is for, and has its project's version.
		symbolic, _, _ := strings.Cut(jar.manifest["bundle-symbolicname"], ";")
		return file.version == "" && c.artifactID == file.artifactID || symbolic == p.group+"."+p.artifactID
	})
}

// another reports whether the bundle that the manifest describes is not c, which
// then is but shaded into it.
func (jar *javaJar) another(c javaCoordinates) bool {
	symbolic, v := jar.manifest["bundle-symbolicname"], javaManifestVersion(jar.manifest)
	return symbolic != "" && v != "" && !strings.HasPrefix(v, c.version) &&
		!strings.Contains(symbolic, c.artifactID) && !strings.Contains(symbolic, c.group)
}
