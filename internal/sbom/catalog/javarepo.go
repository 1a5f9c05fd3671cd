package catalog

import (
	"cmp"
	"context"
	"io/fs"
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

// javaRoot is where a local repository begins, and how archives lie below it.
type javaRoot struct {
	folder string // from the file system's root, or with a slash before it from anywhere
	place  func(parts []string) (c javaCoordinates, file string)
	pom    bool // a .pom is beside each archive
}

var javaRoots = []javaRoot{
	{"usr/share/maven-repo/", mavenPlace, true}, // Debian's, of links to /usr/share/java
	{"/.m2/repository/", mavenPlace, true},
	{"/maven2/", mavenPlace, true},
	{"/maven-repo/", mavenPlace, true},
	{"/m2repo/", mavenPlace, true},
	{"/m2/repository/", mavenPlace, true},
	{"/repository/", mavenPlace, true},
	{"/repo/", mavenPlace, true},
	{"/modules-2/files-2.1/", gradlePlace, false}, // Gradle's cache
	{"/.ivy2/cache/", ivyPlace, false},
	{"/.ivy2/local/", ivyLocalPlace, false},
	{"/grapes/", ivyPlace, false}, // Groovy's
}

// mavenPlace is group/as/folders/artifact/version/artifact-version-classifier.jar.
func mavenPlace(parts []string) (c javaCoordinates, file string) {
	n := len(parts)
	if n < 4 {
		return c, ""
	}
	return javaCoordinates{strings.Join(parts[:n-3], "."), parts[n-3], parts[n-2]}, parts[n-1]
}

// gradlePlace is group/artifact/version/hash/artifact-version.jar.
func gradlePlace(parts []string) (c javaCoordinates, file string) {
	if len(parts) != 5 {
		return c, ""
	}
	return javaCoordinates{parts[0], parts[1], parts[2]}, parts[4]
}

// ivyPlace is group/artifact/jars/artifact-version.jar.
func ivyPlace(parts []string) (c javaCoordinates, file string) {
	if len(parts) != 4 || parts[2] != "jars" && parts[2] != "bundles" {
		return c, ""
	}
	version, _ := strings.CutPrefix(strings.TrimSuffix(parts[3], ".jar"), parts[1]+"-")
	return javaCoordinates{parts[0], parts[1], version}, parts[3]
}

// ivyLocalPlace is group/artifact/version/jars/artifact.jar.
func ivyLocalPlace(parts []string) (c javaCoordinates, file string) {
	if len(parts) != 5 || parts[3] != "jars" || parts[4] != parts[1]+".jar" {
		return c, ""
	}
	return javaCoordinates{parts[0], parts[1], parts[2]}, parts[1] + "-" + parts[2] + ".jar"
}

// javaRepositoryPlace takes the path of an archive in a local repository apart.
// pom is the file beside it that must be there; empty: none need be. Debian calls
// the version of most archives "debian", which says nothing: it is left empty.
func javaRepositoryPlace(p string) (c javaCoordinates, pom string, ok bool) {
	for _, root := range javaRoots {
		i := strings.Index("/"+p, "/"+strings.TrimPrefix(root.folder, "/"))
		if i < 0 || root.folder[0] != '/' && i > 0 {
			continue
		}
		c, file := root.place(strings.Split(p[i+len(strings.TrimPrefix(root.folder, "/")):], "/"))
		if !c.names(file) || !c.sound() {
			continue
		}
		if root.pom {
			pom = path.Dir(p) + "/" + c.artifactID + "-" + c.version + ".pom"
		}
		if !javaDigit(c.version) || strings.HasSuffix(c.version, ".x") {
			c.version = ""
		}
		return c, pom, true
	}
	return javaCoordinates{}, "", false
}

// names reports whether a file is called after the artifact and its version.
func (c javaCoordinates) names(file string) bool {
	rest, named := strings.CutPrefix(file, c.artifactID+"-"+c.version)
	return named && (rest == ".jar" || rest != "" && rest[0] == '-')
}

// javaPomReader is the name of the cataloger that reads a .pom that lies as one in a
// repository does, below no folder that repositories are known by.
const javaPomReader = "java-pom"

func javaPoms() Cataloger {
	return Cataloger{
		Name: javaPomReader, Version: 1, Limit: javaModelMax,
		Wants: func(p string, mode fs.FileMode, size int64) bool {
			stem, ok := strings.CutSuffix(p, ".pom")
			if !ok || !mode.IsRegular() || size == 0 || size > javaModelMax {
				return false
			}
			version, artifact := path.Base(path.Dir(p)), path.Base(path.Dir(path.Dir(p)))
			if path.Base(stem) != artifact+"-"+version {
				return false
			}
			_, _, known := javaRepositoryPlace(stem + ".jar")
			return !known
		},
		Read: javaPomRead,
	}
}

// javaPomRead reads what archive lies beside a .pom: whose group is that of the
// folders above.
func javaPomRead(_ context.Context, f layer.Input) ([]sbom.Package, error) {
	body, err := lockBody(f, javaModelMax)
	if err != nil {
		return nil, err
	}
	m, err := javaProject(string(body))
	if err != nil {
		return nil, nil // the archive is told without it
	}
	c := m.coordinates()
	place := "/" + path.Dir(f.Path)
	if !c.sound() || !strings.HasSuffix(place, "/"+strings.ReplaceAll(c.group, ".", "/")+"/"+c.artifactID+"/"+c.version) {
		return nil, nil
	}
	return []sbom.Package{mavenPackage(javaPomReader, c.group, c.artifactID, c.version, "/"+f.Path, 0)}, nil
}

// notePoms takes in what such a file says.
func (j *join) notePoms(file string, visible bool, ps []sbom.Package) {
	if !visible || len(ps) != 1 {
		return
	}
	if j.poms == nil {
		j.poms = map[string]javaCoordinates{}
	}
	j.poms[file] = javaCoordinates{ps[0].Namespace, ps[0].Name, ps[0].Version}
}

// repositoryPlace is what an archive of the image is by its place.
func (j *join) repositoryPlace(p string) (javaCoordinates, bool) {
	c, pom, ok := javaRepositoryPlace(p)
	if ok && pom != "" {
		_, ok = j.tree.Lookup(pom)
	}
	if ok {
		return c, true
	}
	dir := path.Dir(p)
	c, ok = j.poms[dir+"/"+path.Base(path.Dir(dir))+"-"+path.Base(dir)+".pom"]
	return c, ok && c.names(path.Base(p))
}

// repositories gives the archives of local Maven repositories the coordinates
// under which they lie there, where they do not say their own.
func (j *join) repositories() {
	of := map[string]javaCoordinates{} // by the archive's path
	j.tree.Walk(func(p string, _ image.Node) bool {
		if !strings.HasSuffix(p, ".jar") {
			return true
		}
		c, ok := j.repositoryPlace(p)
		if !ok {
			return true
		}
		if jar, _, err := j.tree.Resolve(p); err == nil {
			if had, twice := of[jar]; !twice || had.version == "" {
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
			c.version = cmp.Or(c.version, it.pkg.Version)
			if it.pkg.Cataloger != javaByManifest || c == (javaCoordinates{it.pkg.Namespace, it.pkg.Name, it.pkg.Version}) {
				return false
			}
			j.addJava(c, at)
			return true
		})
	}
	for _, jar := range slices.Sorted(maps.Keys(of)) {
		n, ok := j.tree.Lookup(jar)
		if ok && !named[jar] && of[jar].version != "" && n.Entry.Kind == layer.File {
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
