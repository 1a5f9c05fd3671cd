package catalog

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
)

// mixLock reads mix.lock, a map of Elixir terms, one package a line.
func mixLock() lockParser {
	hex := regexp.MustCompile(`^\s*"([^"]+)"\s*(?::|=>)\s*\{:hex,\s*:"?([\w.-]+)"?,\s*"([^"]+)"`)
	git := regexp.MustCompile(`^\s*"([^"]+)"\s*(?::|=>)\s*\{:(?:git|path)\b`)
	need := regexp.MustCompile(`\{:"?([\w.-]+)"?,\s*"[^"]*",\s*\[`)
	return lockParser{Name: "mix-lock", Wants: lockNamed("mix.lock"), Roots: mixRoots, Read: func(file string, body []byte) (lockResult, error) {
		if err := lockText(body); err != nil {
			return lockResult{}, err
		}
		var r lockResult
		var g lockJoin
		open, closed := false, false
		err := lockLine(body, func(n int, line string) error {
			text := strings.TrimSpace(line)
			if !open {
				if open = strings.HasPrefix(text, "%{"); !open {
					if text == "" || text[0] == '#' {
						return nil
					}
					return fmt.Errorf("line %d: not a map of packages", n)
				}
				text = strings.TrimSpace(text[2:])
				line = text
			}
			if closed = closed || strings.HasSuffix(text, "}") && strings.Count(text, "}") > strings.Count(text, "{"); text == "" || text[0] == '}' {
				return nil
			}
			if r.full() {
				return errLockMany
			}
			if m := hex.FindStringSubmatch(line); m != nil {
				var node int32
				sound := lockWord(m[2]) && lockVersion(m[3])
				if sound {
					node = g.node(len(r.Packages))
				} else {
					r.odd(m[2], n)
					node = g.unlisted(m[2], file)
				}
				g.call(node, m[1])
				for _, to := range need.FindAllStringSubmatch(line[len(m[0]):], -1) {
					if err := g.want(node, false, to[1], ""); err != nil {
						return err
					}
				}
				if !sound {
					return nil
				}
				r.Packages = append(r.Packages, lockPackage("mix-lock", "hex", m[2], m[3], file, n))
				return nil
			}
			m := git.FindStringSubmatch(line)
			if m == nil && text[0] != '"' {
				return fmt.Errorf("line %d: not a package: %.80q", n, text)
			}
			if m == nil {
				name, _, _ := strings.Cut(text[1:], `"`)
				r.odd(name, n)
				return nil
			}
			r.Unknown = append(r.Unknown, m[1])
			r.Why = "locked to a repository, which does not say the version"
			g.call(g.unlisted(m[1], file), m[1])
			return nil
		})
		if err == nil && !closed {
			err = errors.New("not a whole lock file of Mix")
		}
		if err != nil {
			return lockResult{}, err
		}
		r.graph, r.at = g.join(), g.at
		return r, nil
	}}
}

// mixRoots takes from mix.exs what the project depends on. It is Elixir and is
// read as text: whatever is written as a dependency, and locked, counts.
func mixRoots(w besides, file string, r *lockResult) {
	body, err := w.body(path.Join(path.Dir(file), "mix.exs"))
	if err != nil {
		return
	}
	named := regexp.MustCompile(`\{\s*:"?([\w.-]+)"?\s*,\s*(?:"|\w+:|\[)`)
	app := regexp.MustCompile(`\bapp:\s*:(\w+)`)
	var direct []string
	err = lockLine(body, func(_ int, line string) error {
		for _, m := range named.FindAllStringSubmatch(pipComment(line), -1) {
			direct = append(direct, m[1])
		}
		return nil
	})
	found := r.called(direct, "")
	if err != nil || len(found) == 0 {
		return
	}
	name := ""
	if m := app.FindSubmatch(body); m != nil {
		name = string(m[1])
	}
	n := r.graph.project(name, "", file, "")
	r.graph.nodes[n].needs = found
}

// pubLock reads pubspec.lock.
func pubLock() lockParser {
	return lockParser{Name: "pubspec-lock", Wants: lockNamed("pubspec.lock"), Roots: pubRoots, Read: func(file string, body []byte) (lockResult, error) {
		if err := lockText(body); err != nil {
			return lockResult{}, err
		}
		var r lockResult
		g := &lockGraph{flat: true}
		project := g.project("", "", file, "")
		some := false
		err := lockYAML(body, func(root *yaml.Node) error {
			return yamlMembers("the document", root, func(key, value *yaml.Node) error {
				if key.Value != "packages" {
					return nil
				}
				some = true
				return yamlMembers("packages", value, func(name, entry *yaml.Node) error {
					return pubEntry(&r, g, project, file, name, entry)
				})
			})
		})
		if err == nil && !some {
			err = errors.New("not a lock file of pub: it has no packages")
		}
		if err != nil {
			return lockResult{}, err
		}
		r.graph = g
		return r, nil
	}}
}

// pubRoots takes the project's name from pubspec.yaml.
func pubRoots(w besides, file string, r *lockResult) {
	body, err := w.body(path.Join(path.Dir(file), "pubspec.yaml"))
	if err != nil {
		return
	}
	c := &r.graph.others[0]
	_ = lockLine(body, func(_ int, line string) error { // a name alone: what cannot be read has none
		if name, ok := strings.CutPrefix(line, "name:"); ok && c.Name == "" {
			c.Name = lockOrigin(strings.Trim(strings.TrimSpace(pipComment(name)), `"'`))
		}
		return nil
	})
}

// pubEntry reads a package. The file says which are direct, and not what any of
// them needs.
func pubEntry(r *lockResult, g *lockGraph, project int32, file string, name, entry *yaml.Node) error {
	if r.full() {
		return errLockMany
	}
	said := map[string]string{}
	if err := yamlMembers(name.Value, entry, func(key, value *yaml.Node) error {
		said[key.Value] = yamlText(value)
		return nil
	}); err != nil {
		return err
	}
	if said["source"] == "sdk" || said["source"] == "path" {
		return nil // of Flutter or Dart itself, or the project's own
	}
	if !lockWord(name.Value) || strings.Contains(name.Value, "/") || !lockVersion(said["version"]) {
		r.odd(name.Value, name.Line)
		return nil
	}
	n := g.node(len(r.Packages))
	switch said["dependency"] {
	case "direct main", "direct overridden":
		g.nodes[project].needs = append(g.nodes[project].needs, n)
	case "direct dev":
		g.nodes[project].dev = append(g.nodes[project].dev, n)
	}
	p := lockPackage("pubspec-lock", "pub", name.Value, said["version"], file, name.Line)
	p.Dev = said["dependency"] == "direct dev"
	if said["source"] == "git" {
		p.Origin = "git"
		return yamlMembers(name.Value, entry, func(key, value *yaml.Node) error {
			if key.Value != "description" {
				return nil
			}
			at := map[string]string{}
			err := yamlMembers("description", value, func(k, v *yaml.Node) error {
				at[k.Value] = yamlText(v)
				return nil
			})
			p.Origin = lockOrigin("git+" + at["url"] + "#" + at["resolved-ref"])
			r.Packages = append(r.Packages, p)
			return err
		})
	}
	r.Packages = append(r.Packages, p)
	return nil
}

// swiftLock reads Package.resolved in versions 1 to 3.
func swiftLock() lockParser {
	return lockParser{Name: "package-resolved", Wants: lockNamed("Package.resolved"), Read: func(file string, body []byte) (lockResult, error) {
		if err := lockText(body); err != nil {
			return lockResult{}, err
		}
		s := &swiftFile{j: newLockJSON(body), file: file}
		s.lines = newLockLines(s.j.b)
		some := false
		err := s.j.document(func(name []byte, _ int) error {
			switch string(name) {
			case "pins":
				some = true
				return s.j.elements("pins", s.pin)
			case "object": // version 1
				return s.j.members("object", func(name []byte, _ int) error {
					if string(name) != "pins" {
						return s.j.skip()
					}
					some = true
					return s.j.elements("pins", s.pin)
				})
			}
			return s.j.skip()
		})
		if err == nil && !some {
			err = errors.New("not a Package.resolved: it has no pins")
		}
		if err != nil {
			return lockResult{}, err
		}
		return s.r, nil
	}}
}

type swiftFile struct {
	j     *lockJSON
	file  string
	lines lockLines
	r     lockResult
}

// pin reads one package: Swift names packages by their repository.
func (s *swiftFile) pin() error {
	j, at := s.j, s.j.i
	if s.r.full() {
		return errLockMany
	}
	location, version := "", ""
	err := j.members("a pin", func(name []byte, _ int) (err error) {
		switch string(name) {
		case "location", "repositoryURL":
			location, err = j.str()
		case "state":
			err = j.members("state", func(name []byte, _ int) (err error) {
				if string(name) != "version" {
					return j.skip()
				}
				version, err = j.str()
				return err
			})
		default:
			err = j.skip()
		}
		return err
	})
	if err != nil {
		return err
	}
	name, ok := swiftName(location)
	switch {
	case !ok:
		s.r.odd(location, s.lines.at(at))
		return nil
	case !lockVersion(version):
		s.r.Unknown = append(s.r.Unknown, name)
		s.r.Why = "locked to a branch or a revision, which does not say the version"
		return nil
	}
	s.r.Packages = append(s.r.Packages, lockPackage("package-resolved", "swift", name, version, s.file, s.lines.at(at)))
	return nil
}

// swiftName is a package's name by its repository: host, owner and name.
func swiftName(location string) (string, bool) {
	_, name, web := strings.Cut(location, "://")
	if !web {
		name = strings.Replace(strings.TrimPrefix(location, "git@"), ":", "/", 1)
	}
	name = strings.TrimSuffix(strings.TrimSuffix(name[strings.IndexByte(name, '@')+1:], "/"), ".git")
	return name, lockWord(name) && strings.Count(name, "/") > 0 && !strings.Contains(name, "//")
}
