package catalog

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// tell notes that a folder of META-INF/maven has a pom.properties.
func (jar *javaJar) tell(folder string) {
	if jar.told == nil {
		jar.told = map[string]bool{}
	}
	jar.told[folder] = true
	jar.held -= len(jar.models[folder])
	delete(jar.models, folder)
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

func (c javaCoordinates) versionless() error {
	return fmt.Errorf("%s:%s has no version that is one: %.80q", c.group, c.artifactID, c.version)
}

// hold keeps a pom.xml until it is known whether a pom.properties is beside it.
func (jar *javaJar) hold(folder, body string) {
	if jar.models == nil {
		jar.models = map[string]string{}
	}
	jar.held += len(body) - len(jar.models[folder])
	jar.models[folder] = body
}

// readModels reads the pom.xml files that have no pom.properties beside them.
// Of one whose version a build fills in, the archive's own name or manifest
// tells it.
func (jar *javaJar) readModels(file javaCoordinates) error {
	var problems []error
	for _, folder := range slices.Sorted(maps.Keys(jar.models)) {
		c, err := javaModel(folder, jar.models[folder])
		if err != nil {
			problems = append(problems, javaAt(folder+"/pom.xml", err))
			continue
		}
		if !mavenVersion(c.version) && javaSameArtifact(c.artifactID, file.artifactID) {
			c.version = cmp.Or(file.version, javaManifestVersion(jar.manifest))
		}
		if c.sound() {
			jar.poms = append(jar.poms, c)
			delete(jar.open, folder)
			continue
		}
		problems = append(problems, javaAt(folder+"/pom.xml", fmt.Errorf("its version is set elsewhere")))
	}
	for _, folder := range slices.Sorted(maps.Keys(jar.open)) {
		c := jar.open[folder]
		told := cmp.Or(file.version, javaManifestVersion(jar.manifest))
		if javaSameArtifact(c.artifactID, file.artifactID) && mavenVersion(told) {
			jar.poms = append(jar.poms, javaCoordinates{c.group, c.artifactID, told})
			continue
		}
		if jar.models[folder] == "" { // else that has been said
			problems = append(problems, javaAt(folder+"/pom.properties", c.versionless()))
		}
	}
	jar.models, jar.open = nil, nil
	return javaProblems(problems)
}

// javaModel is what the pom.xml of a folder in META-INF/maven says of its own
// project: the folder's names are those it was built with.
func javaModel(folder, body string) (javaCoordinates, error) {
	c, err := javaProject(body)
	if within := folder[strings.LastIndex(folder, "META-INF/maven/"):]; err == nil && strings.Count(within, "/") == 3 {
		c.group, c.artifactID = path.Base(path.Dir(folder)), path.Base(folder)
	}
	return c, err
}

// javaProject is what a project's model says of it; what it leaves out is its
// parent's.
func javaProject(body string) (javaCoordinates, error) {
	m, err := mavenParse([]byte(strings.TrimPrefix(body, "\xef\xbb\xbf")))
	if err != nil {
		return javaCoordinates{}, err
	}
	return javaCoordinates{
		group:      m.resolve("${project.groupId}", 0),
		artifactID: m.resolve("${project.artifactId}", 0),
		version:    m.resolve("${project.version}", 0),
	}, nil
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
