package catalog

import (
	"fmt"
	"path"
	"strings"
)

// poetryLock reads poetry.lock. Versions up to 1.x of the format mark what is
// for development as category "dev", 2.1 and later name the groups; in
// between the file does not say.
func poetryLock() lockParser {
	return lockParser{Name: "poetry-lock", Wants: lockNamed("poetry.lock"), Read: func(file string, body []byte) (lockResult, error) {
		return pyTables("poetry-lock", file, body)
	}}
}

// uvLock reads uv.lock.
func uvLock() lockParser {
	return lockParser{Name: "uv-lock", Wants: lockNamed("uv.lock"), Read: func(file string, body []byte) (lockResult, error) {
		return pyTables("uv-lock", file, body)
	}}
}

func pyTables(cataloger, file string, body []byte) (lockResult, error) {
	tables, err := lockTables(body, "name", "version", "source", "category", "groups")
	if err != nil {
		return lockResult{}, err
	}
	var r lockResult
	for _, t := range tables {
		if pyOwn(t.values["source"]) {
			continue
		}
		name, version := pyName(t.str("name")), t.str("version")
		if !lockWord(name) {
			return lockResult{}, fmt.Errorf("line %d: a package without a name", t.line)
		}
		if !lockWord(version) {
			r.Unknown = append(r.Unknown, name)
			r.Why = "locked without a version: its source decides at build time"
			continue
		}
		p := lockPackage(cataloger, "pypi", name, version, file, t.line)
		p.Dev = t.str("category") == "dev" || pyDevGroups(t.values["groups"])
		r.Packages = append(r.Packages, p)
	}
	return r, nil
}

// pyOwn says whether uv's source of a package is the project itself.
func pyOwn(source string) bool {
	for _, kind := range []string{"virtual", "editable", "directory"} {
		if strings.HasPrefix(strings.TrimSpace(strings.TrimPrefix(source, "{")), kind+" ") {
			return true
		}
	}
	return false
}

// pyDevGroups says whether none of the groups is the main one: ["dev", "test"].
func pyDevGroups(raw string) bool {
	return strings.HasPrefix(raw, `["`) && strings.HasSuffix(raw, "]") && !strings.Contains(raw, `"main"`)
}

// pipfileLock reads Pipfile.lock.
func pipfileLock() lockParser {
	return lockParser{Name: "pipfile-lock", Wants: lockNamed("Pipfile.lock"), Read: pipfileRead}
}

func pipfileRead(file string, body []byte) (lockResult, error) {
	if err := lockText(body); err != nil {
		return lockResult{}, err
	}
	var r lockResult
	j := newLockJSON(body)
	lines := newLockLines(j.b)
	err := j.document(func(section []byte, _ int) error {
		if string(section) == "_meta" {
			return j.skip()
		}
		dev := string(section) != "default"
		return j.object(func(key []byte, at int) error {
			name := pyName(string(key))
			version := ""
			err := j.object(func(member []byte, _ int) (err error) {
				if string(member) == "version" {
					version, err = j.str()
					return err
				}
				return j.skip()
			})
			if err != nil {
				return err
			}
			version, pinned := strings.CutPrefix(version, "==")
			if version = strings.TrimSpace(strings.TrimPrefix(version, "=")); !pinned || !lockWord(version) || !lockWord(name) {
				r.Unknown = append(r.Unknown, name)
				r.Why = "locked to a repository or a file, which does not say the version"
				return nil
			}
			p := lockPackage("pipfile-lock", "pypi", name, version, file, lines.at(at))
			p.Dev = dev
			r.Packages = append(r.Packages, p)
			return nil
		})
	})
	if err != nil {
		return lockResult{}, err
	}
	return r, nil
}

// pipRequirements reads requirements files: requirements.txt,
// requirements-dev.txt, dev-requirements.txt, requirements/base.txt. Only what
// is pinned by == is known.
func pipRequirements() lockParser {
	return lockParser{Name: "requirements", Read: pipRead, Wants: func(file string) bool {
		dir, base := path.Split(file)
		return strings.HasSuffix(base, ".txt") &&
			(strings.HasPrefix(base, "requirements") || strings.HasSuffix(base, "requirements.txt") ||
				path.Base(dir) == "requirements")
	}}
}

func pipRead(file string, body []byte) (lockResult, error) {
	if err := lockText(body); err != nil {
		return lockResult{}, err
	}
	var r lockResult
	logical, first := "", 0
	flush := func() {
		pipLine(&r, file, first, strings.TrimSpace(logical))
		logical, first = "", 0
	}
	err := lockLine(body, func(n int, line string) error {
		if first == 0 {
			first = n
		}
		if i := strings.Index(" "+line, " #"); i >= 0 {
			line = line[:i]
		}
		head, more := strings.CutSuffix(line, `\`)
		if logical += head; len(logical) > lockLineLimit {
			return fmt.Errorf("line %d goes on for more than %d bytes", first, lockLineLimit)
		}
		if !more {
			flush()
		}
		return nil
	})
	if err != nil {
		return lockResult{}, err
	}
	if logical != "" {
		flush()
	}
	return r, nil
}

// pipLine reads one logical line (pip's requirements file format).
func pipLine(r *lockResult, file string, n int, line string) {
	unknown := func(what string) {
		r.Unknown = append(r.Unknown, what)
		r.Why = "not pinned to one version with ==; pip-compile or pip freeze pins them"
	}
	switch {
	case line == "":
		return
	case line[0] == '-':
		flag, value, ok := strings.Cut(line, " ")
		if !ok {
			flag, value, _ = strings.Cut(line, "=")
		}
		switch value = strings.TrimSpace(value); flag {
		case "-r", "--requirement":
			r.Include = append(r.Include, value)
		case "-e", "--editable":
			if value != "." && !strings.HasPrefix(value, "./") && !strings.HasPrefix(value, "../") {
				unknown(value)
			}
		}
		return
	}
	req, _, _ := strings.Cut(line, " --") // --hash=...
	req, _, _ = strings.Cut(req, ";")     // environment marker
	if strings.Contains(req, "://") || strings.HasPrefix(req, ".") || strings.HasPrefix(req, "/") {
		if name, _, at := strings.Cut(req, " @ "); at {
			req = name
		}
		unknown(strings.TrimSpace(req))
		return
	}
	i := strings.IndexAny(req, "=<>!~ [(@")
	name, rest := req, ""
	if i >= 0 {
		name, rest = req[:i], strings.TrimSpace(req[i:])
	}
	if strings.HasPrefix(rest, "[") {
		_, rest, _ = strings.Cut(rest, "]")
	}
	rest = strings.Trim(strings.TrimSpace(rest), "()")
	version, pinned := strings.CutPrefix(rest, "==")
	version = strings.TrimSpace(strings.TrimPrefix(version, "="))
	name = pyName(name)
	if !lockWord(name) {
		unknown(fmt.Sprintf("%.80q", line))
		return
	}
	if !pinned || !lockWord(version) || strings.ContainsAny(version, ",*<>=") {
		unknown(name)
		return
	}
	r.Packages = append(r.Packages, lockPackage("requirements", "pypi", name, version, file, n))
}
