package catalog

import (
	"errors"
	"strings"

	"go.yaml.in/yaml/v4"
)

// pnpmLock reads pnpm-lock.yaml, lockfile versions 5 to 9.
func pnpmLock() lockParser {
	return lockParser{Name: "pnpm-lock", Wants: lockNamed("pnpm-lock.yaml", "pnpm-lock.yml"), Read: pnpmRead}
}

// pnpmEntry is one package as the file has it.
type pnpmEntry struct {
	key           string
	line          int
	name, version string // said in fields of their own, for what is not of a registry
	dev           bool
}

// pnpmFile is what is gathered while the file goes by.
type pnpmFile struct {
	major   string // of the lockfile version
	entries []pnpmEntry
	graph   map[string][]string // version 9: snapshot -> what it depends on
	prod    []string            // version 9: what the importers depend on, not for development
	wanted  bool                // an importer depends on what is not the project's own
}

func pnpmRead(file string, body []byte) (lockResult, error) {
	if err := lockText(body); err != nil {
		return lockResult{}, err
	}
	f := &pnpmFile{graph: map[string][]string{}}
	err := f.scan(body)
	if errors.Is(err, errLockShape) {
		f = &pnpmFile{graph: map[string][]string{}}
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
	var r lockResult
	reached := f.reach()
	for _, e := range f.entries {
		name, version := pnpmKey(f.major, e.key)
		if pnpmOwn(version) || strings.HasPrefix(e.key, "file:") {
			continue // the project's own code
		}
		if e.name != "" {
			name = e.name
		}
		if e.version != "" {
			version = e.version
		}
		if p := npmLockPackage(&r, "pnpm-lock", name, version, file, e.line); p != nil {
			p.Dev = e.dev || reached != nil && !reached[pnpmBare(e.key)]
		}
	}
	return r, nil
}

// pnpmOwn reports whether a version is a folder of the project's.
func pnpmOwn(version string) bool {
	return strings.HasPrefix(version, "file:") || strings.HasPrefix(version, "link:") || strings.HasPrefix(version, "workspace:")
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

// depends notes that an importer depends on something.
func (f *pnpmFile) depends(group, name, version string) {
	if version == "" || pnpmOwn(version) {
		return
	}
	f.wanted = true
	if group != "devDependencies" {
		f.prod = append(f.prod, pnpmTarget(name, version))
	}
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
	return yamlLine(body, func(n int, line string) error {
		text := strings.TrimLeft(line, " ")
		indent := len(line) - len(text)
		switch {
		case text == "" || text[0] == '#':
			return nil
		case line == "---":
			section, name, group = "", "", ""
			return nil
		case indent > 0 && section == "":
			return errLockShape
		case indent > 0 && section == "other":
			return nil
		case indent > 4 && (name == "" || group == "" || section == "packages" && pnpmField(group)):
			return errLockShape // no level may be left out, and a scalar ends with its line
		case indent > 4 && (section == "packages" || !pnpmGroup(group)):
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
			section, name, group = "other", "", ""
			switch key {
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
			case section != "packages" && pnpmGroup(key):
				ok = value == "" || value == "{}"
			}
		case indent == 6 && section == "snapshots":
			ok = plain
			f.graph[name] = append(f.graph[name], pnpmTarget(key, value))
		case indent == 6 && value != "": // importers before version 6 of the format
			ok, dep = plain, ""
			f.depends(group, key, value)
		case indent == 6:
			dep = key
		case indent == 8 && section == "importers" && dep != "":
			if key == "version" {
				ok = plain
				f.depends(group, dep, value)
			}
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
				return yamlMembers(k.Value, v, func(k, v *yaml.Node) error {
					f.field(k.Value, yamlText(v))
					return nil
				})
			})
		case "snapshots":
			return pnpmGroups("snapshots", v, func(name, _, dep string, v *yaml.Node) error {
				f.graph[name] = append(f.graph[name], pnpmTarget(dep, yamlText(v)))
				return nil
			})
		case "importers":
			return pnpmGroups("importers", v, func(_, group, dep string, v *yaml.Node) error {
				if v.Kind == yaml.ScalarNode { // before version 6 of the format
					f.depends(group, dep, yamlText(v))
					return nil
				}
				return yamlMembers(dep, v, func(k, v *yaml.Node) error {
					if k.Value == "version" {
						f.depends(group, dep, yamlText(v))
					}
					return nil
				})
			})
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

// reach is the set of packages, without their peers, that production needs; nil
// where the file marks them itself.
func (f *pnpmFile) reach() map[string]bool {
	if len(f.graph) == 0 && len(f.prod) == 0 {
		return nil
	}
	seen := map[string]bool{}
	reached := map[string]bool{}
	todo := f.prod
	for len(todo) > 0 {
		k := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[k] {
			continue
		}
		seen[k] = true
		reached[pnpmBare(k)] = true
		todo = append(todo, f.graph[k]...)
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
