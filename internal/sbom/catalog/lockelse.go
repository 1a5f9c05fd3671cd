package catalog

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
	"golang.org/x/mod/semver"
)

// rebarLock reads rebar.lock, terms of Erlang.
func rebarLock() lockParser {
	entry := regexp.MustCompile(`\{<<"([^"]*)">>,\s*\{(pkg|git|git_subdir|hg)\s*,` +
		`(?:\s*<<"([^"]*)">>,\s*<<"([^"]*)">>)?`)
	read := func(file string, body []byte) (lockResult, error) {
		if err := lockText(body); err != nil {
			return lockResult{}, err
		}
		text := bytes.TrimSpace(body)
		if len(text) == 0 || text[0] != '[' && text[0] != '{' || text[len(text)-1] != '.' {
			return lockResult{}, errors.New("not a lock file of rebar3: it is no list of terms, or not a whole one")
		}
		var r lockResult
		lines := newLockLines(body)
		for _, at := range entry.FindAllSubmatchIndex(body, maxPackages+1) {
			if r.full() {
				return lockResult{}, errLockMany
			}
			part := func(n int) string {
				if at[2*n] < 0 {
					return ""
				}
				return strings.ToValidUTF8(string(body[at[2*n]:at[2*n+1]]), "\uFFFD")
			}
			name, version, line := part(3), part(4), lines.at(at[0])
			switch {
			case part(2) != "pkg" && lockWord(part(1)):
				r.Unknown = append(r.Unknown, part(1))
				r.Why = "locked to a repository, which does not say the version"
			case !lockWord(name) || strings.Contains(name, "/") || !lockVersion(version):
				r.odd(part(1), line)
			default:
				r.Packages = append(r.Packages, lockPackage("rebar-lock", "hex", name, version, file, line))
			}
		}
		return r, nil
	}
	return lockParser{Name: "rebar-lock", Wants: lockNamed("rebar.lock"), Read: read}
}

// gleamLock reads Gleam's manifest.toml.
func gleamLock() lockParser {
	read := func(file string, body []byte) (lockResult, error) {
		if !strings.Contains(string(body), "packages = [") {
			return lockResult{}, nil // another program's
		}
		tables, err := lockTablesOf("packages", body, "name", "version", "source", "repo", "commit")
		if err != nil {
			return lockResult{}, err
		}
		var r lockResult
		for _, t := range tables {
			name, version := t.str("name"), t.str("version")
			switch {
			case t.str("source") == "local":
				continue
			case !lockWord(name) || strings.Contains(name, "/") || !lockVersion(version):
				r.odd(name, t.line)
				continue
			}
			p := lockPackage("gleam-lock", "hex", name, version, file, t.line)
			if t.str("source") == "git" {
				p.Origin = lockOrigin("git+" + t.str("repo") + "#" + t.str("commit"))
			}
			r.Packages = append(r.Packages, p)
		}
		return r, nil
	}
	return lockParser{Name: "gleam-lock", Wants: lockNamed("manifest.toml"), Read: read}
}

// cartLock reads Cartfile.resolved of Carthage: `github "owner/name" "1.0.0"`.
func cartLock() lockParser {
	entry := regexp.MustCompile(`^(github|git|binary)\s+"([^"]+)"\s+"([^"]+)"`)
	read := func(file string, body []byte) (lockResult, error) {
		if err := lockText(body); err != nil {
			return lockResult{}, err
		}
		var r lockResult
		err := lockLine(body, func(n int, line string) error {
			text := strings.TrimSpace(line)
			if text == "" || text[0] == '#' {
				return nil
			}
			m := entry.FindStringSubmatch(text)
			if m == nil {
				return fmt.Errorf("line %d: not a framework with a version", n)
			}
			if r.full() {
				return errLockMany
			}
			name := m[2]
			if m[1] == "github" && strings.Count(name, "/") == 1 {
				name = "github.com/" + name
			}
			name, ok := swiftName(name)
			switch {
			case !ok || m[1] == "binary":
				r.odd(m[2], n)
			case !lockVersion(m[3]) || !strings.Contains(m[3], "."):
				r.Unknown = append(r.Unknown, name)
				r.Why = "locked to a branch or a revision, which does not say the version"
			default:
				r.Packages = append(r.Packages, lockPackage("cartfile-resolved", "swift", name, m[3], file, n))
			}
			return nil
		})
		if err != nil {
			return lockResult{}, err
		}
		return r, nil
	}
	return lockParser{Name: "cartfile-resolved", Wants: lockNamed("Cartfile.resolved"), Read: read}
}

// depLock reads Gopkg.lock, of the dep that came before Go's modules.
func depLock() lockParser {
	read := func(file string, body []byte) (lockResult, error) {
		tables, err := lockTablesOf("projects", body, "name", "version")
		if err != nil {
			return lockResult{}, err
		}
		var r lockResult
		for _, t := range tables {
			goTagged(&r, "gopkg-lock", t.str("name"), t.str("version"), file, t.line, false)
		}
		return r, nil
	}
	return lockParser{Name: "gopkg-lock", Wants: lockNamed("Gopkg.lock"), Read: read}
}

// glideLock reads glide.lock.
func glideLock() lockParser {
	read := func(file string, body []byte) (lockResult, error) {
		if err := lockText(body); err != nil {
			return lockResult{}, err
		}
		var r lockResult
		some := false
		err := lockYAML(body, func(root *yaml.Node) error {
			return yamlMembers("the document", root, func(key, value *yaml.Node) error {
				if key.Value != "imports" && key.Value != "testImports" || value.Kind != yaml.SequenceNode {
					return nil
				}
				some = true
				for _, n := range value.Content {
					if r.full() {
						return errLockMany
					}
					n = yamlNode(n)
					name, version := yamlText(yamlMember(n, "name")), yamlText(yamlMember(n, "version"))
					goTagged(&r, "glide-lock", name, version, file, n.Line, key.Value == "testImports")
				}
				return nil
			})
		})
		if err == nil && !some {
			err = errors.New("not a lock file of Glide: it has no imports")
		}
		if err != nil {
			return lockResult{}, err
		}
		return r, nil
	}
	return lockParser{Name: "glide-lock", Wants: lockNamed("glide.lock"), Read: read}
}

// goTagged adds a Go package that is locked to a tag, or says that it is locked to a
// commit alone.
func goTagged(r *lockResult, cataloger, name, version, file string, line int, dev bool) {
	if version != "" && '0' <= version[0] && version[0] <= '9' && strings.Contains(version, ".") {
		version = "v" + version
	}
	switch {
	case !lockWord(name):
		r.odd(name, line)
	case !semver.IsValid(version):
		r.Unknown = append(r.Unknown, name)
		r.Why = "locked to a commit, which does not say the version"
	default:
		p := lockPackage(cataloger, "golang", name, version, file, line)
		p.Dev = dev
		r.Packages = append(r.Packages, p)
	}
}

// condaLock reads conda-lock.yml: one entry for each platform that a package is
// for, of conda or pip.
func condaLock() lockParser {
	read := func(file string, body []byte) (lockResult, error) {
		if err := lockText(body); err != nil {
			return lockResult{}, err
		}
		var r lockResult
		some := false
		err := lockYAML(body, func(root *yaml.Node) error {
			return yamlMembers("the document", root, func(key, value *yaml.Node) error {
				if key.Value != "package" || value.Kind != yaml.SequenceNode {
					return nil
				}
				some = true
				for _, n := range value.Content {
					if r.full() {
						return errLockMany
					}
					condaLocked(&r, file, yamlNode(n))
				}
				return nil
			})
		})
		if err == nil && !some {
			err = errors.New("not a lock file of conda-lock: it has no packages")
		}
		if err != nil {
			return lockResult{}, err
		}
		return r, nil
	}
	return lockParser{Name: "conda-lock", Wants: lockNamed("conda-lock.yml", "conda-lock.yaml"), Read: read}
}

func condaLocked(r *lockResult, file string, n *yaml.Node) {
	said := func(key string) string { return yamlText(yamlMember(n, key)) }
	typ, name := "conda", said("name")
	if said("manager") == "pip" {
		typ, name = "pypi", pyName(name)
	}
	if !lockWord(name) || strings.Contains(name, "/") || !lockVersion(said("version")) {
		r.odd(name, n.Line)
		return
	}
	p := lockPackage("conda-lock", typ, name, said("version"), file, n.Line)
	p.Dev = said("category") == "dev"
	r.Packages = append(r.Packages, p)
}
