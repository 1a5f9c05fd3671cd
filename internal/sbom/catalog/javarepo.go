package catalog

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// javaByManifest is the cataloger of an archive that no Maven record names: its
// manifest and its file name do, which may leave the group out or have it wrong.
const javaByManifest = "java-manifest"

// javaRepositories are where a local Maven repository begins.
var javaRepositories = []string{
	"usr/share/maven-repo/", // Debian's, of links to /usr/share/java
	"/.m2/repository/", "/maven2/", "/maven-repo/", "/m2repo/", "/m2/repository/", "/repository/", "/repo/",
}

// javaRepositoryPlace takes the path of an archive in a local repository apart:
// group/as/folders/artifact/version/artifact-version-classifier.jar.
func javaRepositoryPlace(p string) (javaCoordinates, bool) {
	for _, root := range javaRepositories {
		i := strings.Index("/"+p, "/"+strings.TrimPrefix(root, "/"))
		if i < 0 || root[0] != '/' && i > 0 {
			continue
		}
		parts := strings.Split(p[i+len(strings.TrimPrefix(root, "/")):], "/")
		n := len(parts)
		if n < 4 {
			continue
		}
		c := javaCoordinates{
			group: strings.Join(parts[:n-3], "."), artifactID: parts[n-3], version: parts[n-2],
		}
		rest, named := strings.CutPrefix(parts[n-1], c.artifactID+"-"+c.version)
		if named && (rest == ".jar" || rest != "" && rest[0] == '-') &&
			javaDigit(c.version) && !strings.HasSuffix(c.version, ".x") &&
			c.sound() {
			return c, true
		}
	}
	return javaCoordinates{}, false
}

// repositories gives the archives of local Maven repositories the coordinates
// under which they lie there, where they do not say their own.
func (j *join) repositories() {
	of := map[string]javaCoordinates{} // by the archive's path
	j.tree.Walk(func(p string, _ image.Node) bool {
		if !strings.HasSuffix(p, ".jar") {
			return true
		}
		c, ok := javaRepositoryPlace(p)
		if _, pom := j.tree.Lookup(path.Dir(p) + "/" + c.artifactID + "-" + c.version + ".pom"); !ok || !pom {
			return true
		}
		if jar, _, err := j.tree.Resolve(p); err == nil {
			if _, twice := of[jar]; !twice {
				of[jar] = c
			}
		}
		return true
	})
	if len(of) == 0 {
		return
	}
	named := map[string]bool{} // archives that are told, and not only what is shaded into them
	for _, it := range slices.Clone(j.order) {
		if it.pkg.Type != "maven" {
			continue
		}
		it.sites = slices.DeleteFunc(it.sites, func(at site) bool {
			c, ok := of[at.path]
			if !ok || !javaItself(at) {
				return false
			}
			named[at.path] = named[at.path] || it.pkg.Cataloger == javaByManifest || it.pkg.Name == c.artifactID
			if it.pkg.Cataloger != javaByManifest || c == (javaCoordinates{it.pkg.Namespace, it.pkg.Name, it.pkg.Version}) {
				return false
			}
			j.addJava(c, at)
			return true
		})
	}
	for _, jar := range slices.Sorted(maps.Keys(of)) {
		if n, ok := j.tree.Lookup(jar); ok && !named[jar] && n.Entry.Kind == layer.File {
			j.addJava(of[jar], site{path: jar, layer: n.Layer, visible: true, entry: n.Entry})
		}
	}
	j.order = slices.DeleteFunc(j.order, func(it *item) bool { return len(it.sites) == 0 })
}

func (j *join) addJava(c javaCoordinates, at site) {
	at.places = nil
	j.add(mavenPackage("java", c.group, c.artifactID, c.version, "", 0), at)
}

// javaItself reports whether a package is the archive, and not one within it.
func javaItself(at site) bool {
	return !slices.ContainsFunc(at.places, func(l sbom.Location) bool { return l.Path != "/"+at.path })
}
