package catalog

import (
	"cmp"
	"errors"
	"path"
	"strings"

	"github.com/drydock-dev/drydock/internal/sbom"
	"go.yaml.in/yaml/v4"
)

// pnpmLock reads pnpm-lock.yaml, lockfile versions 5 to 9.
func pnpmLock() lockParser {
	return lockParser{Name: "pnpm-lock", Wants: lockNamed("pnpm-lock.yaml", "pnpm-lock.yml"), Read: pnpmRead, Roots: npmProjectNames}
}

// pnpmEntry is one package as the file has it.
type pnpmEntry struct {
	key           string
	line          int
	name, version string // said in fields of their own, for what is not of a registry
	dev           bool
}

// pnpmNeed is a dependency: the version leads to an entry.
type pnpmNeed struct{ name, version string }

// pnpmFile is what is gathered while the file goes by.
type pnpmFile struct {
	major   string // of the lockfile version
	entries []pnpmEntry
	graph   map[string][]pnpmNeed // entry or, in version 9, snapshot -> what it depends on
	needs   int                   // what all of them depend on
	wanted  bool                  // an importer depends on what is not the project's own

	importers []pnpmImporter
}

// pnpmImporter is a project of the file.
type pnpmImporter struct {
	folder    string
	prod, dev []pnpmNeed // what it depends on, and for development
}

func pnpmRead(file string, body []byte) (lockResult, error) {
	if err := lockText(body); err != nil {
		return lockResult{}, err
	}
	f := &pnpmFile{graph: map[string][]pnpmNeed{}}
	err := f.scan(body)
	if errors.Is(err, errLockShape) {
		f = &pnpmFile{graph: map[string][]pnpmNeed{}}
		err = lockYAML(body, f.tree)
	}
	switch {
	case err != nil:
		return lockResult{}, err
	case f.major == "":
		return lockResult{}, errors.New("not a lock file of pnpm: it has no lockfileVersion")
	case f.wanted && len(f.entries) == 0:
		return lockResult{}, errors.New("its importers have dependencies, and it lists no package")
	}
	r := lockResult{Packages: make([]sbom.Package, 0, len(f.entries))}
	shipped, developed := f.reach()
	pkg := make([]int, len(f.entries))
	for i, e := range f.entries {
		pkg[i] = -1
		name, version := pnpmKey(f.major, e.key)
		if pnpmOwn(version) || pnpmOwn(e.key) {
			continue // the project's own code
		}
		origin := npmWanted(version)
		if e.name != "" { // only of what is not the registry's
			name = e.name
			if origin == "" && !strings.HasPrefix(e.key, "/") && !strings.Contains(e.key, "file:") {
				origin = npmWanted("https://" + pnpmBare(e.key))
			}
		}
		if e.version != "" {
			version = e.version
		}
		if p := npmLockPackage(&r, "pnpm-lock", name, version, file, e.line); p != nil {
			pkg[i] = len(r.Packages) - 1
			p.Origin = lockOrigin(origin)
			p.Dev = e.dev || developed[pnpmBare(e.key)] && !shipped[pnpmBare(e.key)]
		}
	}
	r.graph = f.join(file, pkg)
	return r, nil
}

// pnpmOwn reports whether a version is a folder of the project's.
func pnpmOwn(version string) bool {
	return strings.HasPrefix(version, "link:") || strings.HasPrefix(version, "workspace:") ||
		strings.HasPrefix(version, "file:") && !lockArchive(pnpmBare(version))
}

// add counts the packages while they come.
func (f *pnpmFile) add(key string, line int) error {
	if len(f.entries) >= maxPackages {
		return errLockMany
	}
	f.entries = append(f.entries, pnpmEntry{key: key, line: line})
	return nil
}

// field is one member of an entry.
func (f *pnpmFile) field(key, value string) {
	e := &f.entries[len(f.entries)-1]
	switch key {
	case "name":
		e.name = value
	case "version":
		e.version = value
	case "dev":
		e.dev = value == "true"
	}
}

// depends notes that the importer of a folder depends on something.
func (f *pnpmFile) depends(folder, group, name, version string) error {
	if version == "" {
		return nil
	}
	if f.needs++; f.needs > maxLeaves {
		return errLockMany
	}
	f.wanted = f.wanted || !pnpmOwn(version)
	if n := len(f.importers); n == 0 || f.importers[n-1].folder != folder {
		f.importers = append(f.importers, pnpmImporter{folder: folder})
	}
	to := &f.importers[len(f.importers)-1]
	if group == "devDependencies" {
		to.dev = append(to.dev, pnpmNeed{name, version})
	} else {
		to.prod = append(to.prod, pnpmNeed{name, version})
	}
	return nil
}

// need notes that an entry or snapshot depends on something.
func (f *pnpmFile) need(from, name, version string) error {
	if f.needs++; f.needs > maxLeaves {
		return errLockMany
	}
	f.graph[from] = append(f.graph[from], pnpmNeed{name, version})
	return nil
}

// pnpmField reports whether a member of an entry is one that field takes.
func pnpmField(key string) bool { return key == "name" || key == "version" || key == "dev" }

// pnpmGroup reports whether a member of an importer or snapshot is a list of
// dependencies.
func pnpmGroup(key string) bool {
	return key == "dependencies" || key == "optionalDependencies" || key == "devDependencies"
}

// scan reads the file in pnpm's own layout: two spaces a level, a key a line.
// section, name and group are the keys at indentation 0, 2 and 4 that the line
// stands under.
func (f *pnpmFile) scan(body []byte) error {
	var section, name, group, dep string
	shift := 0 // what the lines would be indented further, were their importer named
	return yamlLine(body, func(n int, line string) error {
		text := strings.TrimLeft(line, " ")
		indent := len(line) - len(text)
		if indent > 0 {
			indent += shift
		}
		switch {
		case text == "" || text[0] == '#':
			return nil
		case line == "---":
			section, name, group, shift = "", "", "", 0
			return nil
		case indent > 0 && section == "":
			return errLockShape
		case indent > 0 && section == "other":
			return nil
		case indent > 4 && (name == "" || group == "" || section == "packages" && pnpmField(group)):
			return errLockShape // no level may be left out, and a scalar ends with its line
		case indent > 4 && !pnpmGroup(group):
			return nil // within a member that is not looked at
		case indent == 2 && strings.HasPrefix(text, "? "): // a long key: its members follow a colon
			key, ok := yamlScalar(text[2:])
			name, group = key, ""
			return f.open(section, key, n, ok)
		case indent == 2 && strings.HasPrefix(text, ": ") && name != "":
			indent, text = 4, text[2:]
		}
		key, value, ok := yamlPair(text)
		plain := ok && value != "" && strings.IndexByte("{[|>", value[0]) < 0
		switch {
		case !ok:
			return errLockShape
		case indent == 0:
			section, name, group, dep, shift = "other", "", "", "", 0
			switch key {
			case "dependencies", "devDependencies", "optionalDependencies": // before version 9, of a project without workspaces
				section, name, group, shift = "importers", ".", key, 4
				ok = value == "" || value == "{}"
			case "lockfileVersion":
				section, ok = "", plain
				f.major, _, _ = strings.Cut(value, ".")
			case "packages", "snapshots", "importers":
				section = key
				ok = value == "" || value == "{}"
			}
		case indent == 2:
			name, group = key, ""
			return f.open(section, key, n, value == "" || value == "{}")
		case name == "":
			ok = false
		case indent == 4:
			group = key
			switch {
			case section == "packages" && pnpmField(key):
				ok = plain
				f.field(key, value)
			case pnpmGroup(key):
				ok = value == "" || value == "{}"
			}
		case indent == 6 && section != "importers":
			if !plain {
				return errLockShape
			}
			return f.need(name, key, value)
		case indent == 6 && value != "": // importers before version 6 of the format
			if dep = ""; plain {
				return f.depends(name, group, key, value)
			}
			ok = false
		case indent == 6:
			dep = key
		case indent == 8 && section == "importers" && dep != "":
			if key == "version" && plain {
				return f.depends(name, group, dep, value)
			}
			ok = key != "version"
		default:
			ok = false
		}
		if !ok {
			return errLockShape
		}
		return nil
	})
}

// open begins an entry of a section.
func (f *pnpmFile) open(section, key string, n int, ok bool) error {
	switch {
	case !ok:
		return errLockShape
	case section == "packages":
		return f.add(key, n)
	}
	return nil
}

// tree reads the file in any other layout.
func (f *pnpmFile) tree(root *yaml.Node) error {
	return yamlMembers("the document", root, func(k, v *yaml.Node) error {
		switch k.Value {
		case "lockfileVersion":
			f.major, _, _ = strings.Cut(yamlText(v), ".")
		case "packages":
			return yamlMembers("packages", v, func(k, v *yaml.Node) error {
				if err := f.add(k.Value, k.Line); err != nil {
					return err
				}
				return yamlMembers(k.Value, v, func(g, v *yaml.Node) error {
					if pnpmGroup(g.Value) {
						return yamlMembers(g.Value, v, func(dep, v *yaml.Node) error { return f.need(k.Value, dep.Value, yamlText(v)) })
					}
					f.field(g.Value, yamlText(v))
					return nil
				})
			})
		case "snapshots":
			return pnpmGroups("snapshots", v, func(name, _, dep string, v *yaml.Node) error {
				return f.need(name, dep, yamlText(v))
			})
		case "importers":
			return pnpmGroups("importers", v, f.importer)
		case "dependencies", "devDependencies", "optionalDependencies":
			return yamlMembers(k.Value, v, func(dep, v *yaml.Node) error { return f.importer(".", k.Value, dep.Value, v) })
		}
		return nil
	})
}

// importer reads one dependency of an importer.
func (f *pnpmFile) importer(folder, group, dep string, v *yaml.Node) error {
	if v.Kind == yaml.ScalarNode { // before version 6 of the format
		return f.depends(folder, group, dep, yamlText(v))
	}
	return yamlMembers(dep, v, func(k, v *yaml.Node) error {
		if k.Value == "version" {
			return f.depends(folder, group, dep, yamlText(v))
		}
		return nil
	})
}

// pnpmGroups walks over the dependencies of a section's entries.
func pnpmGroups(section string, n *yaml.Node, each func(name, group, dep string, v *yaml.Node) error) error {
	return yamlMembers(section, n, func(name, v *yaml.Node) error {
		return yamlMembers(name.Value, v, func(group, v *yaml.Node) error {
			if !pnpmGroup(group.Value) {
				return nil
			}
			return yamlMembers(group.Value, v, func(dep, v *yaml.Node) error {
				return each(name.Value, group.Value, dep.Value, v)
			})
		})
	})
}

// marked reports whether the file marks its development dependencies itself.
func (f *pnpmFile) marked() bool { return len(f.major) == 1 && f.major < "9" }

// node is what an entry, a snapshot and what leads to either have in common:
// the key without its peers, which before version 6 are a part of it.
func (f *pnpmFile) node(key string) string {
	if f.slashed() {
		return strings.TrimPrefix(key, "/")
	}
	return strings.TrimPrefix(pnpmBare(key), "/")
}

// target is the key of what a dependency leads to.
func (f *pnpmFile) target(n pnpmNeed) string {
	switch {
	case !f.slashed():
		return pnpmTarget(n.name, n.version)
	case strings.Contains(n.version, "/"):
		return n.version
	}
	return n.name + "/" + n.version
}

// slashed reports whether keys are as "/name/1.2.3", before version 6.
func (f *pnpmFile) slashed() bool { return len(f.major) == 1 && f.major < "6" }

// join makes the graph of the entries. pkg says, by entry, which package it is.
func (f *pnpmFile) join(file string, pkg []int) *lockGraph {
	g := &lockGraph{nodes: make([]lockNode, 0, len(f.entries)+len(f.importers))}
	at := make(map[string]int32, len(f.entries))
	for i, e := range f.entries {
		if pkg[i] >= 0 {
			at[f.node(e.key)] = g.node(pkg[i])
			continue
		}
		name, _ := pnpmKey(f.major, e.key)
		at[f.node(e.key)] = g.other(sbom.Component{Kind: "library", Name: cmp.Or(e.name, name), Path: file})
	}
	projects := make(map[string]int32, len(f.importers))
	for _, m := range f.importers {
		if folder := lockFolderOf(m.folder); projects[folder] == 0 {
			projects[folder] = g.project("", "", file, folder) + 1
		}
	}
	all := func(from string, needs []pnpmNeed) (found []int32) {
		for _, need := range needs {
			if n, ok := at[f.node(f.target(need))]; ok {
				found = append(found, n)
			} else if folder, ok := strings.CutPrefix(need.version, "link:"); ok {
				if n := projects[lockFolderOf(path.Join(from, folder))]; n > 0 {
					found = append(found, n-1)
				}
			}
		}
		return found
	}
	for from, needs := range f.graph {
		if n, ok := at[f.node(from)]; ok {
			g.nodes[n].needs = append(g.nodes[n].needs, all("", needs)...)
		}
	}
	for _, m := range f.importers {
		n := &g.nodes[projects[lockFolderOf(m.folder)]-1]
		n.needs, n.dev = append(n.needs, all(m.folder, m.prod)...), append(n.dev, all(m.folder, m.dev)...)
	}
	return g
}

// reach is the packages, without their peers, that production needs and that
// development needs; nothing where the file marks them itself. What neither leads to
// may be shipped all the same.
func (f *pnpmFile) reach() (shipped, developed map[string]bool) {
	if f.marked() {
		return nil, nil
	}
	var prod, dev []pnpmNeed
	for _, m := range f.importers {
		prod, dev = append(prod, m.prod...), append(dev, m.dev...)
	}
	return f.reachFrom(prod), f.reachFrom(dev)
}

func (f *pnpmFile) reachFrom(todo []pnpmNeed) map[string]bool {
	seen := map[string]bool{}
	reached := map[string]bool{}
	for len(todo) > 0 {
		k := f.target(todo[len(todo)-1])
		if todo = todo[:len(todo)-1]; !seen[k] {
			seen[k], reached[pnpmBare(k)] = true, true
			todo = append(todo, f.graph[k]...)
		}
	}
	return reached
}

// pnpmTarget is the key of the snapshot that a dependency leads to: the value
// is a version, or name@version for an alias.
func pnpmTarget(name, value string) string {
	if i := strings.IndexByte(pnpmBare(value), '@'); i >= 0 && !strings.Contains(value[:i], ":") {
		return value
	}
	return name + "@" + value
}

// pnpmBare drops the peers: "a@1.0.0(b@2.0.0)" is "a@1.0.0".
func pnpmBare(key string) string {
	bare, _, _ := strings.Cut(key, "(")
	return bare
}

// pnpmKey takes an entry's key apart: "/@s/name/1.2.3_peer@4" in lockfile
// version 5, "/@s/name@1.2.3(peer@4)" in 6, "@s/name@1.2.3" in 9.
func pnpmKey(major, key string) (name, version string) {
	if len(major) == 1 && major < "6" {
		if j := pnpmPeers(key); j >= 0 {
			key = key[:j]
		}
		i := strings.LastIndexByte(key, '/')
		if i < 0 {
			return key, ""
		}
		name, version = strings.TrimPrefix(key[:i], "/"), key[i+1:]
		if key[0] != '/' { // a registry's host comes first
			_, name, _ = strings.Cut(name, "/")
		}
		return name, version
	}
	name, version = yarnPattern(strings.TrimPrefix(pnpmBare(key), "/"))
	return name, version
}

// pnpmPeers is where the peers of a key of version 5 begin: at the first
// underscore after a slash and a digit; -1 without.
func pnpmPeers(key string) int {
	for i := 1; i < len(key); i++ {
		if key[i-1] == '/' && '0' <= key[i] && key[i] <= '9' {
			if u := strings.IndexByte(key[i:], '_'); u >= 0 && !strings.Contains(key[i:i+u], "/") {
				return i + u
			}
		}
	}
	return -1
}
