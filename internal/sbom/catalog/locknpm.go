package catalog

import (
	"cmp"
	"errors"
	"fmt"
	"path"
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
		Roots: func(w besides, file string, r *lockResult) {
			if !r.graph.rooted() {
				npmRoots(w, file, r)
			}
		},
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
	version  string     // of the format, its first digit
	project  npmProject // as the lock calls it
}

func npmLockRead(file string, body []byte) (lockResult, error) {
	if err := lockText(body); err != nil {
		return lockResult{}, err
	}
	j := newLockJSON(body)
	l := &npmLockFile{j: j, file: file, lines: newLockLines(j.b)}
	err := j.document(func(name []byte, _ int) (err error) {
		switch string(name) {
		case "packages":
			l.hasNew = true
			return j.members("packages", l.entry)
		case "dependencies":
			return j.members("dependencies", func(name []byte, at int) error { return l.dependency("", string(name), at) })
		case "lockfileVersion":
			l.version = strings.Trim(string(j.b[j.i:min(j.i+2, len(j.b))]), "\" ,}\r\n")
		case "name":
			l.project.name, err = j.str()
			return err
		case "version":
			l.project.version, err = j.str()
			return err
		}
		return j.skip()
	})
	switch {
	case err != nil:
		return lockResult{}, err
	case l.hasNew:
		for i, n := range l.new.nodes {
			if n.isProject && n.folder == "" && n.name == "" {
				l.new.nodes[i].name, l.new.nodes[i].version = l.project.name, cmp.Or(n.version, l.project.version)
			}
		}
		l.new.tell(file)
		return l.new.lockResult, nil
	case l.version == "" && len(l.old.Packages) == 0:
		return lockResult{}, errors.New("not a lock file of npm: it has no lockfileVersion")
	case l.version > "1" && len(l.old.Packages) == 0:
		return lockResult{}, fmt.Errorf("lockfileVersion %s has its packages under \"packages\", which is not there", l.version)
	}
	l.old.open = true
	l.old.tell(file)
	l.old.name, l.old.version = l.project.name, l.project.version
	return l.old.lockResult, nil
}

// npmTreeLock is what one of a lock's two sections says: packages by the folder
// that each is installed in, with the names of what it depends on.
type npmTreeLock struct {
	lockResult
	nodes []npmNode
	open  bool // the project itself is not among them
}

type npmNode struct {
	folder        string
	pkg           int      // index among the packages; -1: none of them
	link          string   // the folder that it is a link to
	name, version string   // of what is no package
	place         string   // of a project: where it lies
	isProject     bool     // the project itself or a workspace of it: what it needs is direct
	needs         [][]byte // names, as they lie in the file
	needsDev      [][]byte
	needsPeer     [][]byte
}

// tell makes the graph of the tree: a dependency is the nearest folder of its
// name, from the dependent's own upwards, as Node looks for it.
func (t *npmTreeLock) tell(file string) {
	g := &lockGraph{open: t.open, nodes: make([]lockNode, 0, len(t.nodes)+1)}
	at := make(map[string]int32, len(t.nodes))
	for _, n := range t.nodes {
		switch {
		case n.pkg >= 0:
			at[n.folder] = g.node(n.pkg)
		case n.isProject:
			at[n.folder] = g.project(n.name, n.version, file, strings.TrimPrefix(n.place, "./"))
		case n.link == "":
			at[n.folder] = g.other(sbom.Component{Kind: "library", Name: n.name, Version: n.version, Path: file})
		}
	}
	for _, n := range t.nodes {
		if to, ok := at[n.link]; ok && n.link != "" {
			at[n.folder] = to
		}
	}
	for _, n := range t.nodes {
		from, ok := at[n.folder]
		if !ok || n.link != "" {
			continue
		}
		to := &g.nodes[from]
		to.needs = npmNearest(at, n.folder, n.needs, to.needs)
		to.needs = npmNearest(at, n.folder, n.needsPeer, to.needs)
		to.dev = npmNearest(at, n.folder, n.needsDev, to.dev)
	}
	if t.graph = g; g.rooted() {
		return
	}
	t.lockResult.nodes = make(map[string][]int32)
	for folder, n := range at {
		if name, top := strings.CutPrefix(folder, "node_modules/"); top && !strings.Contains(name, "/node_modules/") {
			t.lockResult.nodes[name] = []int32{n}
		}
	}
}

// npmNearest adds, of each name, the folder that Node would find from a folder.
func npmNearest(at map[string]int32, from string, names [][]byte, to []int32) []int32 {
	const longest = 1 << 10 // bytes of a folder that is looked up from
	if len(from) > longest {
		return to
	}
	for _, name := range names {
		for dir := from; ; {
			folder := dir + "/node_modules/" + string(name)
			if n, ok := at[strings.TrimPrefix(folder, "/")]; ok {
				to = append(to, n)
				break
			}
			if dir == "" {
				break
			}
			dir = strings.TrimSuffix(dir[:max(strings.LastIndexByte(dir, '/'), 0)], "node_modules")
			dir = strings.TrimSuffix(dir, "/")
		}
	}
	return to
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
		l.new.odd(folder, l.lines.at(at))
		return j.skip()
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
	node.name, node.version, node.place = name, version, folder
	if name == "" && i >= 0 {
		node.name = folder[i+len("node_modules/"):]
	}
	if link {
		node.link = strings.TrimPrefix(path.Clean(resolved), "./")
	}
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
		l.old.odd(name, l.lines.at(at))
		return j.skip()
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
	if err != nil {
		return err
	}
	if strings.HasPrefix(version, "file:") || strings.HasPrefix(version, "link:") {
		_, node.place, _ = strings.Cut(version, ":") // the project's own code
		node.name, node.isProject = name, true
		l.old.nodes = append(l.old.nodes, node)
		return nil
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
		node.name, node.version = name, ""
		to.nodes = append(to.nodes, node)
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
	return strings.HasPrefix(resolved, "file:") && lockArchive(resolved)
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
	case strings.HasPrefix(scheme, "git"), scheme == "ssh", scheme == "bitbucket", scheme == "gist":
		return resolved
	case (scheme == "https" || scheme == "http") && strings.Contains(rest, ".git#"):
		return "git+" + resolved
	case (scheme == "https" || scheme == "http") && repositoryArchive(rest):
		return resolved
	}
	return ""
}

// repositoryArchive reports whether an address is of an archive that a host of
// repositories makes of one: GitHub's, GitLab's, Bitbucket's, Gitea's. A registry has
// its archives behind "/-/".
func repositoryArchive(rest string) bool {
	for _, host := range []string{"//codeload.github.com/", "//api.github.com/repos/", "//github.com/"} {
		if strings.HasPrefix(rest, host) {
			return true
		}
	}
	return strings.Contains(rest, "/-/archive/") || strings.Contains(rest, "/repository/archive") ||
		strings.HasPrefix(rest, "//bitbucket.org/") && strings.Contains(rest, "/get/") ||
		strings.Contains(rest, "/archive/") && !strings.Contains(rest, "/-/")
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
