package catalog

import (
	"errors"
	"strings"
)

// pnpmLock reads pnpm-lock.yaml, lockfile versions 5 to 9. pnpm writes it
// itself in one shape, so lines and their indentation are enough; a YAML tree
// of a large one would cost twenty times its size.
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

// pnpmFile is what is gathered while the lines go by.
type pnpmFile struct {
	major   string // of the lockfile version
	entries []pnpmEntry
	graph   map[string][]string // version 9: snapshot -> what it depends on
	prod    []string            // version 9: what the importers depend on, not for development
}

func pnpmRead(file string, body []byte) (lockResult, error) {
	if err := lockText(body); err != nil {
		return lockResult{}, err
	}
	f := &pnpmFile{graph: map[string][]string{}}
	if err := f.scan(body); err != nil {
		return lockResult{}, err
	}
	if f.major == "" {
		return lockResult{}, errors.New("not a lock file of pnpm: it has no lockfileVersion")
	}
	var r lockResult
	reached := f.reach()
	for _, e := range f.entries {
		name, version := pnpmKey(f.major, e.key)
		if strings.HasPrefix(version, "file:") || strings.HasPrefix(version, "link:") || strings.HasPrefix(e.key, "file:") {
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

// scan walks over the lines. section, name and group are the keys at
// indentation 0, 2 and 4 that the line stands under.
func (f *pnpmFile) scan(body []byte) error {
	var section, name, group, dep string
	return lockLine(body, func(n int, line string) error {
		text := strings.TrimLeft(line, " ")
		if text == "" || text[0] == '#' || text == "---" {
			return nil
		}
		indent := len(line) - len(text)
		text = strings.TrimPrefix(text, "? ") // an explicit key, which long ones are
		key, value := pnpmPair(text)
		switch {
		case indent == 0:
			section, name, group = key, "", ""
			if key == "lockfileVersion" {
				f.major, _, _ = strings.Cut(value, ".")
			}
		case indent == 2 && text[0] != ':':
			name, group = key, ""
			if section == "packages" {
				f.entries = append(f.entries, pnpmEntry{key: key, line: n})
			}
		case indent == 4:
			group = key
			if section == "packages" && len(f.entries) > 0 {
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
		case indent == 6 && (group == "dependencies" || group == "optionalDependencies"):
			dep = key
			if section == "snapshots" {
				f.graph[name] = append(f.graph[name], pnpmTarget(key, value))
			}
		case indent == 8 && section == "importers" && key == "version" && (group == "dependencies" || group == "optionalDependencies"):
			f.prod = append(f.prod, pnpmTarget(dep, value))
		}
		return nil
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

// pnpmPair takes "'@a/b@1': value" apart; quotes are dropped.
func pnpmPair(text string) (key, value string) {
	if q := text[0]; q == '\'' || q == '"' {
		if end := strings.IndexByte(text[1:], q); end >= 0 {
			key, text = text[1:end+1], text[end+2:]
			return key, pnpmValue(strings.TrimPrefix(text, ":"))
		}
	}
	if i := strings.Index(text, ": "); i >= 0 {
		return text[:i], pnpmValue(text[i+1:])
	}
	return strings.TrimSuffix(text, ":"), ""
}

func pnpmValue(v string) string { return strings.Trim(strings.TrimSpace(v), `'"`) }

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
