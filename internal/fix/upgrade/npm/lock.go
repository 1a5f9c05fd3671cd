package npm

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
)

// npmEntries bounds how many packages a lock may hold.
const npmEntries = 200_000

// Lock is a package-lock.json for editing.
type Lock struct {
	f        *plan.File
	root     *plan.JSONNode
	layout   plan.JSONLayout
	packages *plan.JSONNode // nil in version 1
	tree     *plan.JSONNode // "dependencies" of versions 1 and 2; nil in 3
	Entries  map[string]*Entry
	Paths    []string            // of entries, in the file's order
	named    map[string][]string // name of a package -> paths of its entries
	asking   map[string][]string // name of a dependency -> paths of entries that declare it
	says     bool                // entries have "resolved"
	host     string              // "https://registry.npmjs.org/", as most entries' "resolved" begin
}

// Entry is one folder that the lock installs into: "node_modules/a", "" for
// the project, "packages/x" for a workspace's member.
type Entry struct {
	path     string
	member   *plan.JSONMember // in "packages"; nil in version 1
	old      *plan.JSONMember // in "dependencies" of versions 1 and 2
	Name     string           // as the registry has it
	Version  string
	resolved string
	Link     bool // into the workspace
	Bundled  bool // comes in another package's archive
	Edges    []Edge
}

// The kinds of dependency, named by their member of a manifest.
const (
	Prod        = "dependencies"
	Dev         = "devDependencies"
	npmOptional = "optionalDependencies"
	Peer        = "peerDependencies"
)

// Edge is one declared dependency.
type Edge struct {
	Name, spec, Kind string
	maybe            bool // a peer that may be absent
}

// Project reports whether the entry is the user's own code.
func (e *Entry) Project() bool { return !strings.Contains("/"+e.path, "/node_modules/") }

func readNPMLock(f *plan.File, manifest *npmManifest) (*Lock, error) {
	root, err := plan.ParseJSON(f.B)
	if err != nil {
		return nil, err
	}
	if root.Kind != '{' {
		return nil, errors.New("not an object")
	}
	l := &Lock{
		f: f, root: root, layout: f.Layout(root), packages: root.Get("packages"), tree: root.Get("dependencies"),
		Entries: map[string]*Entry{}, asking: map[string][]string{}, named: map[string][]string{},
	}
	if l.packages == nil {
		e := &Entry{}
		if manifest != nil {
			e.Edges = declared(manifest.f.B, manifest.root, true)
		}
		l.add(e)
	} else {
		for i := range l.packages.Members {
			l.add(l.entry(&l.packages.Members[i]))
		}
	}
	if err := l.walkTree("", l.tree, 0); err != nil {
		return nil, err
	}
	if len(l.Entries) > npmEntries {
		return nil, fmt.Errorf("%d packages are over the limit of %d", len(l.Entries), npmEntries)
	}
	return l, nil
}

func (l *Lock) add(e *Entry) {
	if l.Entries[e.path] != nil { // twice in the file: the first counts for edits, and both for nobody
		return
	}
	l.Paths = append(l.Paths, e.path)
	l.named[e.Name] = append(l.named[e.Name], e.path)
	l.Entries[e.path] = e
	if strings.HasPrefix(e.resolved, "http") {
		l.says = true
		if host, _, ok := strings.Cut(e.resolved, e.Name+"/-/"); ok && l.host == "" && e.Name != "" {
			l.host = host
		}
	}
	for _, d := range e.Edges {
		l.asking[d.Name] = append(l.asking[d.Name], e.path)
	}
}

func (l *Lock) entry(m *plan.JSONMember) *Entry {
	b, n := l.f.B, m.Value
	e := &Entry{
		path: m.Key, member: m, Version: n.Text(b, "version"), resolved: n.Text(b, "resolved"),
		Link: n.Yes(b, "link"), Bundled: n.Yes(b, "inBundle"),
	}
	e.Name = FolderName(e.path)
	if name := n.Text(b, "name"); name != "" {
		e.Name = name
	}
	e.Edges = declared(b, n, e.Project())
	return e
}

// declared lists the dependencies of a manifest or a lock's entry.
func declared(b []byte, n *plan.JSONNode, dev bool) []Edge {
	var out []Edge
	optional := n.Get(npmOptional)
	for _, kind := range []string{Prod, npmOptional, Peer, Dev} {
		if kind == Dev && !dev {
			continue
		}
		from := n.Get(kind)
		if from == nil {
			continue
		}
		for _, m := range from.Members {
			if m.Value.Kind != '"' || kind == Prod && optional.Get(m.Key) != nil {
				continue
			}
			maybe := kind == Peer && n.Get("peerDependenciesMeta").Get(m.Key).Yes(b, "optional")
			out = append(out, Edge{m.Key, m.Value.Str(b), kind, maybe})
		}
	}
	return out
}

// FolderName is the package's name by the folder that it is installed into.
func FolderName(p string) string {
	i := strings.LastIndex("/"+p, "/node_modules/")
	if i < 0 {
		return ""
	}
	return ("/" + p)[i+len("/node_modules/"):]
}

// walkTree takes in "dependencies" of lockfile versions 1 and 2; in 2 it
// repeats "packages".
func (l *Lock) walkTree(parent string, n *plan.JSONNode, depth int) error {
	if n == nil || n.Kind != '{' {
		return nil
	}
	if depth > plan.JsonDepth/2 {
		return errors.New("nests too deeply")
	}
	for i := range n.Members {
		m := &n.Members[i]
		p := path.Join(parent, "node_modules", m.Key)
		e := l.Entries[p]
		switch {
		case e == nil && l.packages != nil: // of a workspace's member: not mirrored by path
		case e == nil:
			e = l.oldEntry(p, m)
			l.add(e)
		}
		if e != nil {
			e.old = m
		}
		if err := l.walkTree(p, m.Value.Get("dependencies"), depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (l *Lock) oldEntry(p string, m *plan.JSONMember) *Entry {
	b, n := l.f.B, m.Value
	e := &Entry{
		path: p, Name: FolderName(p), Version: n.Text(b, "version"), resolved: n.Text(b, "resolved"),
		Bundled: n.Yes(b, "bundled"),
	}
	if alias, ok := strings.CutPrefix(e.Version, "npm:"); ok {
		e.Name, e.Version = splitAlias(alias)
	}
	e.Link = strings.HasPrefix(e.Version, "file:") || strings.HasPrefix(e.Version, "link:")
	if r := n.Get("requires"); r != nil {
		for _, d := range r.Members {
			if d.Value.Kind == '"' {
				e.Edges = append(e.Edges, Edge{Name: d.Key, spec: d.Value.Str(b), Kind: Prod})
			}
		}
	}
	return e
}

// Above is the folder in which Node looks after dir.
func Above(dir string) string {
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
	f      *plan.File
	root   *plan.JSONNode
	layout plan.JSONLayout
}

func readNPMManifest(f *plan.File) (*npmManifest, error) {
	root, err := plan.ParseJSON(f.B)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	if root.Kind != '{' {
		return nil, fmt.Errorf("%s: not an object", f.Name)
	}
	return &npmManifest{f: f, root: root, layout: f.Layout(root)}, nil
}
