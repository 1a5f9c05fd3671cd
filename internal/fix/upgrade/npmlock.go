package upgrade

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

// npmEntries bounds how many packages a lock may hold.
const npmEntries = 200_000

// npmLock is a package-lock.json for editing.
type npmLock struct {
	f        *file
	root     *jsonNode
	layout   jsonLayout
	packages *jsonNode // nil in version 1
	tree     *jsonNode // "dependencies" of versions 1 and 2; nil in 3
	entries  map[string]*npmEntry
	paths    []string            // of entries, in the file's order
	named    map[string][]string // name of a package -> paths of its entries
	asking   map[string][]string // name of a dependency -> paths of entries that declare it
	says     bool                // entries have "resolved"
	host     string              // "https://registry.npmjs.org/", as most entries' "resolved" begin
}

// npmEntry is one folder that the lock installs into: "node_modules/a", "" for
// the project, "packages/x" for a workspace's member.
type npmEntry struct {
	path     string
	member   *jsonMember // in "packages"; nil in version 1
	old      *jsonMember // in "dependencies" of versions 1 and 2
	name     string      // as the registry has it
	version  string
	resolved string
	link     bool // into the workspace
	bundled  bool // comes in another package's archive
	edges    []npmEdge
}

// The kinds of dependency, named by their member of a manifest.
const (
	npmProd     = "dependencies"
	npmDev      = "devDependencies"
	npmOptional = "optionalDependencies"
	npmPeer     = "peerDependencies"
)

// npmEdge is one declared dependency.
type npmEdge struct {
	name, spec, kind string
	maybe            bool // a peer that may be absent
}

// project reports whether the entry is the user's own code.
func (e *npmEntry) project() bool { return !strings.Contains("/"+e.path, "/node_modules/") }

func readNPMLock(f *file, manifest *npmManifest) (*npmLock, error) {
	root, err := parseJSON(f.b)
	if err != nil {
		return nil, err
	}
	if root.kind != '{' {
		return nil, errors.New("not an object")
	}
	l := &npmLock{
		f: f, root: root, layout: f.layout(root), packages: root.get("packages"), tree: root.get("dependencies"),
		entries: map[string]*npmEntry{}, asking: map[string][]string{}, named: map[string][]string{},
	}
	if l.packages == nil {
		e := &npmEntry{}
		if manifest != nil {
			e.edges = declared(manifest.f.b, manifest.root, true)
		}
		l.add(e)
	} else {
		for i := range l.packages.members {
			l.add(l.entry(&l.packages.members[i]))
		}
	}
	if err := l.walkTree("", l.tree, 0); err != nil {
		return nil, err
	}
	if len(l.entries) > npmEntries {
		return nil, fmt.Errorf("%d packages are over the limit of %d", len(l.entries), npmEntries)
	}
	return l, nil
}

func (l *npmLock) add(e *npmEntry) {
	if l.entries[e.path] != nil { // twice in the file: the first counts for edits, and both for nobody
		return
	}
	l.paths = append(l.paths, e.path)
	l.named[e.name] = append(l.named[e.name], e.path)
	l.entries[e.path] = e
	if strings.HasPrefix(e.resolved, "http") {
		l.says = true
		if host, _, ok := strings.Cut(e.resolved, e.name+"/-/"); ok && l.host == "" && e.name != "" {
			l.host = host
		}
	}
	for _, d := range e.edges {
		l.asking[d.name] = append(l.asking[d.name], e.path)
	}
}

func (l *npmLock) entry(m *jsonMember) *npmEntry {
	b, n := l.f.b, m.value
	e := &npmEntry{
		path: m.key, member: m, version: n.text(b, "version"), resolved: n.text(b, "resolved"),
		link: n.yes(b, "link"), bundled: n.yes(b, "inBundle"),
	}
	e.name = folderName(e.path)
	if name := n.text(b, "name"); name != "" {
		e.name = name
	}
	e.edges = declared(b, n, e.project())
	return e
}

// declared lists the dependencies of a manifest or a lock's entry.
func declared(b []byte, n *jsonNode, dev bool) []npmEdge {
	var out []npmEdge
	optional := n.get(npmOptional)
	for _, kind := range []string{npmProd, npmOptional, npmPeer, npmDev} {
		if kind == npmDev && !dev {
			continue
		}
		from := n.get(kind)
		if from == nil {
			continue
		}
		for _, m := range from.members {
			if m.value.kind != '"' || kind == npmProd && optional.get(m.key) != nil {
				continue
			}
			maybe := kind == npmPeer && n.get("peerDependenciesMeta").get(m.key).yes(b, "optional")
			out = append(out, npmEdge{m.key, m.value.str(b), kind, maybe})
		}
	}
	return out
}

// folderName is the package's name by the folder that it is installed into.
func folderName(p string) string {
	i := strings.LastIndex("/"+p, "/node_modules/")
	if i < 0 {
		return ""
	}
	return ("/" + p)[i+len("/node_modules/"):]
}

// walkTree takes in "dependencies" of lockfile versions 1 and 2; in 2 it
// repeats "packages".
func (l *npmLock) walkTree(parent string, n *jsonNode, depth int) error {
	if n == nil || n.kind != '{' {
		return nil
	}
	if depth > jsonDepth/2 {
		return errors.New("nests too deeply")
	}
	for i := range n.members {
		m := &n.members[i]
		p := path.Join(parent, "node_modules", m.key)
		e := l.entries[p]
		switch {
		case e == nil && l.packages != nil: // of a workspace's member: not mirrored by path
		case e == nil:
			e = l.oldEntry(p, m)
			l.add(e)
		}
		if e != nil {
			e.old = m
		}
		if err := l.walkTree(p, m.value.get("dependencies"), depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (l *npmLock) oldEntry(p string, m *jsonMember) *npmEntry {
	b, n := l.f.b, m.value
	e := &npmEntry{
		path: p, name: folderName(p), version: n.text(b, "version"), resolved: n.text(b, "resolved"),
		bundled: n.yes(b, "bundled"),
	}
	if alias, ok := strings.CutPrefix(e.version, "npm:"); ok {
		e.name, e.version = splitAlias(alias)
	}
	e.link = strings.HasPrefix(e.version, "file:") || strings.HasPrefix(e.version, "link:")
	if r := n.get("requires"); r != nil {
		for _, d := range r.members {
			if d.value.kind == '"' {
				e.edges = append(e.edges, npmEdge{name: d.key, spec: d.value.str(b), kind: npmProd})
			}
		}
	}
	return e
}

// above is the folder in which Node looks after dir.
func above(dir string) string {
	if i := strings.LastIndex("/"+dir, "/node_modules/"); i >= 0 {
		return strings.Trim(("/" + dir)[:i], "/")
	}
	if up := path.Dir(dir); up != "." {
		return up
	}
	return ""
}

// npmManifest is a package.json for editing.
type npmManifest struct {
	f      *file
	root   *jsonNode
	layout jsonLayout
}

func readNPMManifest(f *file) (*npmManifest, error) {
	root, err := parseJSON(f.b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.name, err)
	}
	if root.kind != '{' {
		return nil, fmt.Errorf("%s: not an object", f.name)
	}
	return &npmManifest{f: f, root: root, layout: f.layout(root)}, nil
}
