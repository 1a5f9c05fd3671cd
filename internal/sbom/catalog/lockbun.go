package catalog

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// bunLock reads bun.lock, the text lock file of Bun 1.2 and later: JSON with
// comments and trailing commas.
func bunLock() lockParser {
	return lockParser{Name: "bun-lock", Wants: lockNamed("bun.lock"), Read: bunRead}
}

func bunRead(file string, body []byte) (lockResult, error) {
	if err := lockText(body); err != nil {
		return lockResult{}, err
	}
	j := newLockJSON(plainJSON(body))
	l := &bunFile{j: j, file: file, lines: newLockLines(j.b)}
	some := false
	err := j.document(func(name []byte, _ int) error {
		switch string(name) {
		case "workspaces":
			return j.members("workspaces", l.workspace)
		case "packages":
			some = true
			return j.members("packages", l.entry)
		case "lockfileVersion":
			some = true
		}
		return j.skip()
	})
	if err == nil && !some {
		err = errors.New("not a lock file of Bun: it has no packages")
	}
	if err != nil {
		return lockResult{}, err
	}
	l.tree.tell(file)
	l.tree.graph.mark(l.tree.Packages)
	return l.tree.lockResult, nil
}

type bunFile struct {
	j     *lockJSON
	file  string
	lines lockLines
	tree  npmTreeLock
	needs int
}

func (l *bunFile) workspace(name []byte, _ int) error {
	n := npmNode{place: string(name), pkg: -1, isProject: true}
	err := l.dependencies(&n)
	if n.folder = string(name); n.folder != "" && n.name != "" {
		n.folder = bunFolder(n.name) // what it has of its own is listed under its name
	}
	l.tree.nodes = append(l.tree.nodes, n)
	return err
}

// dependencies reads the names in an object's lists of dependencies.
func (l *bunFile) dependencies(n *npmNode) error {
	j := l.j
	return j.object(func(key []byte, _ int) error {
		to := &n.needs
		switch string(key) {
		case "dependencies", "optionalDependencies", "peerDependencies":
		case "devDependencies":
			to = &n.needsDev
		case "name", "version":
			s, err := j.str()
			if string(key) == "name" {
				n.name = s
			} else {
				n.version = s
			}
			return err
		default:
			return j.skip()
		}
		return j.object(func(name []byte, _ int) error {
			if l.needs++; l.needs > maxLeaves {
				return errLockMany
			}
			*to = append(*to, name)
			return j.skip()
		})
	})
}

// entry reads one package: its place in the tree, and a list of what it is, where
// it comes from, what it needs and its hash, as far as its source has them.
func (l *bunFile) entry(key []byte, at int) error {
	j, r := l.j, &l.tree.lockResult
	if r.full() || len(l.tree.nodes) >= maxPackages {
		return errLockMany
	}
	what := ""
	n := npmNode{folder: bunFolder(string(key)), pkg: -1}
	i := 0
	err := j.elements(fmt.Sprintf("%.80q", key), func() (err error) {
		if i++; i == 1 {
			what, err = j.str()
			return err
		}
		if j.kind() == '{' {
			return l.dependencies(&n)
		}
		return j.skip()
	})
	if err != nil {
		return err
	}
	if name, version, ok := bunSplit(what); !ok {
		r.odd(string(key), l.lines.at(at))
	} else if file := "file:" + strings.TrimPrefix(version, "file:"); npmTarball(file) && !strings.Contains(file, "://") {
		if version = npmTarballVersion(name, file); !lockVersion(version) {
			npmNoVersion(r, name)
		} else {
			n.pkg = len(r.Packages)
			r.Packages = append(r.Packages, lockPackage("bun-lock", "npm", name, version, l.file, l.lines.at(at)))
		}
	} else if kind, rest, other := strings.Cut(version, ":"); other || strings.Contains(version, "/") {
		if n.name = name; kind == "workspace" {
			n.link = rest
		}
		if kind != "workspace" && kind != "link" && kind != "root" && kind != "file" {
			r.Unknown = append(r.Unknown, name)
			r.Why = "locked to a repository or an address, which does not say the version"
		}
	} else if !lockVersion(version) {
		r.odd(name, l.lines.at(at))
	} else {
		n.pkg = len(r.Packages)
		r.Packages = append(r.Packages, lockPackage("bun-lock", "npm", name, version, l.file, l.lines.at(at)))
	}
	l.tree.nodes = append(l.tree.nodes, n)
	return nil
}

// bunSplit takes "@scope/name@1.2.3" apart.
func bunSplit(s string) (name, version string, ok bool) {
	if s == "" {
		return "", "", false
	}
	i := strings.IndexByte(s[1:], '@') + 1
	if i < 1 {
		return "", "", false
	}
	name, version = s[:i], s[i+1:]
	return name, version, npmName(name) && version != ""
}

// bunFolder is a place in the tree, "a/@s/b", as a folder.
func bunFolder(key string) string {
	var b strings.Builder
	parts := strings.Split(key, "/")
	for i := 0; i < len(parts); i++ {
		if b.Len() > 0 {
			b.WriteByte('/')
		}
		b.WriteString("node_modules/" + parts[i])
		if strings.HasPrefix(parts[i], "@") && i+1 < len(parts) {
			i++
			b.WriteString("/" + parts[i])
		}
	}
	return b.String()
}

// plainJSON blanks what JSON with comments has and JSON has not: comments, and
// commas before the end of a list. Offsets and lines stay.
func plainJSON(body []byte) []byte {
	out := append([]byte(nil), body...)
	comma := -1
	for i := 0; i < len(out); i++ {
		switch c := out[i]; {
		case c == '"':
			comma = -1
			for i++; i < len(out) && out[i] != '"'; i++ {
				if out[i] == '\\' {
					i++
				}
			}
		case c == '/' && i+1 < len(out) && (out[i+1] == '/' || out[i+1] == '*'):
			i = blankComment(out, i)
		case c == ',':
			comma = i
		case (c == '}' || c == ']') && comma >= 0:
			out[comma], comma = ' ', -1
		case c != ' ' && c != '\t' && c != '\n' && c != '\r':
			comma = -1
		}
	}
	return out
}

// blankComment blanks the comment at i, and is where its last byte is. One without
// an end goes to the end of the text.
func blankComment(out []byte, i int) int {
	end := len(out)
	if out[i+1] == '/' {
		if n := bytes.IndexByte(out[i:], '\n'); n >= 0 {
			end = i + n
		}
	} else if n := bytes.Index(out[i+2:], []byte("*/")); n >= 0 {
		end = i + 2 + n + 2
	}
	for ; i < end; i++ {
		if out[i] != '\n' {
			out[i] = ' '
		}
	}
	return end - 1
}
