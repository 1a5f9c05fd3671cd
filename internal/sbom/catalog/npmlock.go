package catalog

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/sbom"
)

// npmLock reads package-lock.json and npm-shrinkwrap.json in lockfile versions
// 1 to 3. A lock of version 2 says everything twice; "packages" is the one
// that npm itself believes.
func npmLock() lockParser {
	return lockParser{
		Name:  "package-lock",
		Wants: lockNamed("package-lock.json", "npm-shrinkwrap.json"),
		Read:  npmLockRead,
	}
}

// npmLockFile gathers what a lock says while it is read.
type npmLockFile struct {
	j        *lockJSON
	file     string
	lines    lockLines
	old, new npmTreeLock // from "dependencies" and from "packages"
	needs    int         // names of dependencies
	hasNew   bool
	version  string // of the format, its first digit
}

func npmLockRead(file string, body []byte) (lockResult, error) {
	if err := lockText(body); err != nil {
		return lockResult{}, err
	}
	j := newLockJSON(body)
	l := &npmLockFile{j: j, file: file, lines: newLockLines(j.b)}
	err := j.document(func(name []byte, _ int) error {
		switch string(name) {
		case "packages":
			l.hasNew = true
			return j.members("packages", l.entry)
		case "dependencies":
			return j.members("dependencies", func(name []byte, at int) error { return l.dependency("", string(name), at) })
		case "lockfileVersion":
			l.version = strings.Trim(string(j.b[j.i:min(j.i+2, len(j.b))]), "\" ,}\r\n")
		}
		return j.skip()
	})
	switch {
	case err != nil:
		return lockResult{}, err
	case l.hasNew:
		return l.new.done(), nil
	case l.version == "" && len(l.old.Packages) == 0:
		return lockResult{}, errors.New("not a lock file of npm: it has no lockfileVersion")
	case l.version > "1" && len(l.old.Packages) == 0:
		return lockResult{}, fmt.Errorf("lockfileVersion %s has its packages under \"packages\", which is not there", l.version)
	}
	return l.old.done(), nil
}

// npmTreeLock is what one of a lock's two sections says: packages by the folder
// that each is installed in, with the names of what it depends on.
type npmTreeLock struct {
	lockResult
	nodes []npmNode
}

type npmNode struct {
	folder    string
	pkg       int      // index among the packages; -1: the project's own
	needs     [][]byte // names, as they lie in the file
	needsDev  [][]byte
	needsPeer [][]byte
	isProject bool // the project itself or a workspace of it: what it needs is direct
}

// done gives each package what brings it.
func (t *npmTreeLock) done() lockResult {
	g := t.graph()
	g.tell(t.Packages)
	return t.lockResult
}

// graph makes the graph of the tree: a dependency is the nearest folder of its
// name, from the dependent's own upwards, as Node looks for it.
func (t *npmTreeLock) graph() lockGraph {
	var g lockGraph
	at := make(map[string]int32, len(t.nodes))
	for _, n := range t.nodes {
		at[n.folder] = g.node(n.pkg)
	}
	const longest = 1 << 10 // bytes of a folder that is looked up from
	find := func(folder string, names [][]byte) (found []int32) {
		if len(folder) > longest {
			return nil
		}
		for _, name := range names {
			for dir := folder; ; {
				folder := dir + "/node_modules/" + string(name)
				if n, ok := at[strings.TrimPrefix(folder, "/")]; ok {
					found = append(found, n)
					break
				}
				if dir == "" {
					break
				}
				dir = strings.TrimSuffix(dir[:max(strings.LastIndexByte(dir, '/'), 0)], "node_modules")
				dir = strings.TrimSuffix(dir, "/")
			}
		}
		return found
	}
	for i, n := range t.nodes {
		needs := find(n.folder, n.needs)
		if n.isProject {
			g.direct = append(g.direct, needs...)
			g.dev = append(g.dev, find(n.folder, n.needsDev)...)
			continue
		}
		g.edges[i] = needs
	}
	direct := make([]bool, len(t.nodes))
	for _, n := range slices.Concat(g.direct, g.dev) {
		direct[n] = true
	}
	for i, n := range t.nodes {
		for _, peer := range find(n.folder, n.needsPeer) {
			// what the project has of its own accord, its plugins do not bring
			if !n.isProject && !direct[peer] {
				g.edges[i] = append(g.edges[i], peer)
			}
		}
	}
	return g
}

// names adds the names of the object at the cursor; anything else has none.
func (l *npmLockFile) names(to *[][]byte) error {
	return l.j.object(func(name []byte, _ int) error {
		if l.needs++; l.needs > maxLeaves {
			return errLockMany
		}
		*to = append(*to, name)
		return l.j.skip()
	})
}

// entry reads one member of "packages": its name is the folder, "" for the
// project itself and one without node_modules for a workspace.
func (l *npmLockFile) entry(key []byte, at int) error {
	folder := string(key)
	var name, version, license, resolved string
	var link, dev, installed bool
	node := npmNode{folder: folder, pkg: -1}
	j := l.j
	if j.kind() != '{' {
		return fmt.Errorf("packages: %.80q is not an object", folder)
	}
	err := j.object(func(member []byte, _ int) (err error) {
		switch string(member) {
		case "name":
			name, err = j.str()
		case "version":
			version, err = j.str()
		case "license":
			if j.kind() != '"' {
				return j.skip()
			}
			license, err = j.str()
		case "resolved":
			resolved, err = j.str()
		case "link":
			link, err = j.boolean()
		case "dev":
			dev, err = j.boolean()
		case "integrity":
			installed = true
			err = j.skip()
		case "dependencies", "optionalDependencies":
			err = l.names(&node.needs)
		case "peerDependencies":
			err = l.names(&node.needsPeer)
		case "devDependencies":
			err = l.names(&node.needsDev)
		default:
			err = j.skip()
		}
		return err
	})
	if err != nil {
		return err
	}
	i := strings.LastIndex("/"+folder, "/node_modules/")
	if i < 0 || link || strings.HasPrefix(resolved, "file:") && !npmTarball(resolved) {
		if node.isProject = i < 0; len(l.new.nodes) > maxPackages {
			return errLockMany
		}
		l.new.nodes = append(l.new.nodes, node)
		return nil // the project's own code
	}
	if name == "" {
		name = folder[i+len("node_modules/"):]
	}
	if version == "" && resolved == "" && !installed {
		return nil // an optional peer that npm noted and left out
	}
	return l.add(&l.new, node, name, version, license, resolved, dev, at)
}

// dependency reads one member of "dependencies" of lockfile version 1, and
// those nested in it; above is the folder that it is in.
func (l *npmLockFile) dependency(above, name string, at int) error {
	j := l.j
	node := npmNode{folder: strings.TrimPrefix(above+"/node_modules/"+name, "/"), pkg: -1}
	var version string
	var dev bool
	if j.kind() != '{' {
		return fmt.Errorf("dependencies: %.80q is not an object", name)
	}
	err := j.object(func(member []byte, _ int) (err error) {
		switch string(member) {
		case "version":
			version, err = j.str()
		case "dev":
			dev, err = j.boolean()
		case "dependencies":
			err = j.members("dependencies", func(name []byte, at int) error { return l.dependency(node.folder, string(name), at) })
		case "requires":
			err = l.names(&node.needs)
		default:
			err = j.skip()
		}
		return err
	})
	resolved := ""
	if err == nil && npmTarball(version) {
		resolved, version = version, npmTarballVersion(name, version)
	}
	if err != nil || strings.HasPrefix(version, "file:") || strings.HasPrefix(version, "link:") {
		return err
	}
	if alias, ok := strings.CutPrefix(version, "npm:"); ok {
		name, version = npmSplit(alias)
	} else if strings.ContainsAny(version, ":/#") {
		version = "" // a git or tarball address
	}
	return l.add(&l.old, node, name, version, "", resolved, dev, at)
}

func (l *npmLockFile) add(to *npmTreeLock, node npmNode, name, version, license, resolved string, dev bool, at int) error {
	if to.full() || len(to.nodes) > maxPackages {
		return errLockMany
	}
	if !npmName(name) || !lockVersion(version) {
		npmNoVersion(&to.lockResult, name)
		return nil
	}
	node.pkg = len(to.Packages)
	to.nodes = append(to.nodes, node)
	p := lockPackage("package-lock", "npm", name, version, l.file, l.lines.at(at))
	p.Dev, p.Origin = dev, lockOrigin(npmOrigin(resolved))
	if license != "" {
		p.Licenses = []string{license}
	}
	to.Packages = append(to.Packages, p)
	return nil
}

// npmTarball reports whether a dependency is an archive that lies in the project:
// "file:vendor/lodash-4.17.4.tgz". A folder is the project's own code.
func npmTarball(resolved string) bool {
	return strings.HasPrefix(resolved, "file:") &&
		(strings.HasSuffix(resolved, ".tgz") || strings.HasSuffix(resolved, ".tar.gz") || strings.HasSuffix(resolved, ".tar"))
}

// npmTarballVersion is the version by the name that npm pack gives an archive; ""
// for another name.
func npmTarballVersion(name, resolved string) string {
	base := path.Base(strings.TrimPrefix(resolved, "file:"))
	base = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(base, ".tgz"), ".gz"), ".tar")
	version, ok := strings.CutPrefix(base, strings.ReplaceAll(strings.TrimPrefix(name, "@"), "/", "-")+"-")
	if !ok || version == "" || version[0] < '0' || version[0] > '9' {
		return ""
	}
	return version
}

// npmNoVersion notes a dependency that a lock file pins to something other
// than a version of the registry.
func npmNoVersion(to *lockResult, name string) {
	to.Unknown = append(to.Unknown, name)
	to.Why = "locked to a repository or an address, which does not say the version"
}

// npmOrigin is the address that a dependency was resolved to, if it is a
// repository's: of an archive on any other host it cannot be told whether the
// host is a registry.
func npmOrigin(resolved string) string {
	switch scheme, rest, _ := strings.Cut(resolved, ":"); {
	case npmTarball(resolved):
		return resolved
	case strings.HasPrefix(scheme, "git"), scheme == "ssh", scheme == "bitbucket", scheme == "gist":
		return resolved
	case scheme == "https" && strings.Contains(rest, ".git#"):
		return "git+" + resolved
	case scheme == "https" && (strings.HasPrefix(rest, "//codeload.github.com/") || strings.Contains(rest, "/archive/") && strings.Contains(rest, "github.com/")):
		return resolved
	}
	return ""
}

// npmWanted is where a dependency comes from by what is asked for: a repository
// or an archive in place of a range of the registry's versions.
func npmWanted(want string) string {
	scheme, rest, ok := strings.Cut(want, ":")
	switch {
	case ok && (scheme == "npm" || scheme == "patch" || scheme == "catalog"):
		return ""
	case ok && strings.HasPrefix(rest, "//registry."): // the registry's own archive
		return ""
	case ok && (strings.HasPrefix(rest, "//") || strings.HasPrefix(scheme, "git") || scheme == "bitbucket" || scheme == "gist"):
		return want
	case !ok && strings.Contains(want, "/") && !strings.ContainsAny(want, " <>=^~"):
		return "git+https://github.com/" + want // "acme/minimist#main"
	}
	return ""
}

// npmSplit takes "@scope/name@1.2.3" apart.
func npmSplit(s string) (name, version string) {
	if i := strings.LastIndexByte(s, '@'); i > 0 {
		return s[:i], s[i+1:]
	}
	return s, ""
}

// npmLockPackage is a package of yarn's or pnpm's lock, or an unknown if it
// has no version.
func npmLockPackage(to *lockResult, cataloger, name, version, file string, line int) *sbom.Package {
	if !npmName(name) || !lockVersion(version) {
		npmNoVersion(to, name)
		return nil
	}
	to.Packages = append(to.Packages, lockPackage(cataloger, "npm", name, version, file, line))
	return &to.Packages[len(to.Packages)-1]
}
