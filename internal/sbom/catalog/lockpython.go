package catalog

import (
	"bytes"
	"cmp"
	stdbinary "encoding/binary"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/drydock-dev/drydock/internal/lazyregexp"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// poetryLock reads poetry.lock. Versions up to 1.x of the format mark what is
// for development as category "dev", 2.1 and later name the groups; in
// between the pyproject.toml beside it does.
func poetryLock() lockParser {
	return lockParser{
		Name: "poetry-lock", Wants: lockNamed("poetry.lock"), Read: func(file string, body []byte) (lockResult, error) {
			return pyTables("poetry-lock", file, body)
		},
		Roots: pyRoots,
	}
}

// uvLock reads uv.lock.
func uvLock() lockParser {
	return lockParser{Name: "uv-lock", Wants: lockNamed("uv.lock"), Read: func(file string, body []byte) (lockResult, error) {
		return pyTables("uv-lock", file, body)
	}}
}

func pyTables(cataloger, file string, body []byte) (lockResult, error) {
	tables, err := lockTables(body, "name", "version", "source", "category", "groups", "dependencies", "optional-dependencies", "dev-dependencies")
	if err != nil {
		return lockResult{}, err
	}
	var r lockResult
	g := newPyGraph(cataloger == "poetry-lock")
	for _, t := range tables {
		name, version := pyName(t.str("name")), t.str("version")
		if own, folder := pyOwn(t.under("source")); own {
			g.add(g.project(name, version, file, folder), t)
			continue
		}
		if !lockWord(name) {
			r.odd("", t.line)
			continue
		}
		if !lockVersion(version) {
			r.Unknown = append(r.Unknown, name)
			r.Why = "locked without a version: its source decides at build time"
			g.add(g.other(sbom.Component{Kind: "library", Name: name, Path: file}), t)
			continue
		}
		p := lockPackage(cataloger, "pypi", name, version, file, t.line)
		p.Origin = lockOrigin(pyOrigin(t.under("source")))
		p.Dev = t.str("category") == "dev" || pyDevGroups(t.under("groups"))
		g.add(g.node(len(r.Packages)), t)
		g.marked = g.marked || t.str("category") != "" || len(t.under("groups")) > 0
		r.Packages = append(r.Packages, p)
	}
	if err := g.manifest(body); err != nil {
		return lockResult{}, err
	}
	g.told(&r, file)
	return r, nil
}

// told gives what was read of a file its graph, and marks what is for development
// where the file tells that by its groups.
func (g *pyGraph) told(r *lockResult, file string) {
	g.join()
	if g.odd {
		return
	}
	if len(g.groups) > 0 {
		n := g.project("", "", file, "")
		for _, name := range g.groups {
			g.lockGraph.nodes[n].dev = append(g.lockGraph.nodes[n].dev, g.nodes[name]...)
		}
	}
	if _, dev := g.direct(); len(dev) > 0 && !g.marked {
		g.mark(r.Packages)
		g.marked = true
	}
	r.graph, r.nodes, r.marked = &g.lockGraph, g.nodes, g.marked
}

// pyOwn reports whether a package's source is the project itself, and in which
// folder: uv names the kind of a source by its key, poetry by its type.
func pyOwn(source []lockLeaf) (own bool, folder string) {
	for _, l := range source {
		if len(l.path) != 1 {
			continue
		}
		switch kind := l.path[0]; {
		case kind == "virtual", kind == "editable", kind == "directory":
			own, folder = true, lockFolderOf(l.text)
		case kind == "type" && l.text == "directory":
			own = true
		case kind == "url" && folder == "":
			folder = lockFolderOf(l.text)
		}
	}
	return own, folder
}

// pyOrigin is where a package comes from if not from an index: uv names the kind
// of a source by its key, poetry by its type.
func pyOrigin(source []lockLeaf) string {
	at := map[string]string{}
	for _, l := range source {
		if len(l.path) == 1 {
			at[l.path[0]] = l.text
		}
	}
	switch {
	case at["git"] != "":
		return "git+" + strings.TrimPrefix(at["git"], "git+")
	case lockArchive(at["path"]), at["type"] == "file":
		return ""
	case at["path"] != "":
		return "file:" + at["path"]
	case at["type"] == "git":
		return "git+" + at["url"] + "#" + cmp.Or(at["resolved_reference"], at["reference"])
	case at["type"] == "url" || at["type"] == "" && at["registry"] == "":
		return at["url"]
	}
	return ""
}

// pyDevGroups reports whether there are groups and none of them is the main one.
func pyDevGroups(groups []lockLeaf) bool {
	return len(groups) > 0 && !slices.ContainsFunc(groups, func(l lockLeaf) bool { return l.text == "main" })
}

// pipfileLock reads Pipfile.lock.
func pipfileLock() lockParser {
	return lockParser{Name: "pipfile-lock", Wants: lockNamed("Pipfile.lock"), Read: pipfileRead, Roots: pipfileRoots}
}

func pipfileRead(file string, body []byte) (lockResult, error) {
	if err := lockText(body); err != nil {
		return lockResult{}, err
	}
	var r lockResult
	g := lockJoin{}
	g.flat = true
	j := newLockJSON(body)
	lines := newLockLines(j.b)
	some := false
	err := j.document(func(section []byte, _ int) error {
		some = true
		if string(section) == "_meta" {
			return j.skip()
		}
		dev := string(section) != "default"
		return j.members(fmt.Sprintf("%.80q", section), func(key []byte, at int) error {
			if r.full() {
				return errLockMany
			}
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
			if version = strings.TrimSpace(strings.TrimPrefix(version, "=")); !pinned || !lockVersion(version) || !lockWord(name) {
				r.Unknown = append(r.Unknown, name)
				r.Why = "locked to a repository or a file, which does not say the version"
				return nil
			}
			g.call(g.node(len(r.Packages)), fmt.Sprint(dev, " ", name))
			p := lockPackage("pipfile-lock", "pypi", name, version, file, lines.at(at))
			p.Dev = dev
			r.Packages = append(r.Packages, p)
			return nil
		})
	})
	if err == nil && !some {
		err = errors.New("not a lock file of pipenv: it has no packages")
	}
	if err != nil {
		return lockResult{}, err
	}
	r.graph, r.at = g.join(), g.at
	return r, nil
}

// pipfileRoots takes from the Pipfile what the project depends on; what that needs
// in turn nothing tells.
func pipfileRoots(w besides, file string, r *lockResult) {
	body, err := w.body(path.Join(path.Dir(file), "Pipfile"))
	if err != nil {
		return
	}
	var direct []string
	t := newLockTOML(body)
	err = t.document(tomlVisit{
		header: func([][]byte, bool, int) error { return nil },
		pair: func(path [][]byte, _ int) error {
			if kind := string(path[0]); len(path) > 1 && (kind == "packages" || kind == "dev-packages") {
				direct = append(direct, fmt.Sprint(kind == "dev-packages", " ", pyName(string(path[1]))))
			}
			return t.value(path, nil)
		},
	})
	if found := r.called(direct, ""); err == nil && len(found) > 0 {
		n := r.graph.project("", "", file, "")
		r.graph.nodes[n].needs = found
	}
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
	body = pipUTF16(body)
	if err := lockText(body); err != nil {
		return lockResult{}, err
	}
	var r lockResult
	var via pipVia
	logical, first := "", 0
	flush := func() {
		if text := strings.TrimSpace(logical); text != "" {
			pipLine(&r, file, first, text)
			via.met(len(r.Packages))
		}
		logical, first = "", 0
	}
	err := lockLine(pipBody(body), func(n int, line string) error {
		if first == 0 {
			first = n
		}
		head, more := strings.CutSuffix(pipComment(line), `\`)
		if r.full() {
			return errLockMany
		}
		if logical += head; len(logical) > lockLineLimit {
			return fmt.Errorf("line %d goes on for more than %d bytes", first, lockLineLimit)
		}
		if !more {
			flush()
			via.comment(line)
		}
		return nil
	})
	if err != nil {
		return lockResult{}, err
	}
	if logical != "" {
		flush()
	}
	if len(r.Packages) > 0 {
		r.graph = via.graph(&r, file)
	}
	return r, nil
}

// pipUTF16 decodes what a Windows shell's `pip freeze > requirements.txt`
// writes, and pip reads: UTF-16 with a byte order mark.
func pipUTF16(body []byte) []byte {
	var order stdbinary.ByteOrder = stdbinary.LittleEndian
	switch {
	case bytes.HasPrefix(body, []byte{0xfe, 0xff}):
		order = stdbinary.BigEndian
	case !bytes.HasPrefix(body, []byte{0xff, 0xfe}):
		return body
	}
	out := make([]byte, 0, len(body)/2)
	for body = body[2:]; len(body) >= 2; body = body[2:] {
		r := rune(order.Uint16(body))
		if utf16.IsSurrogate(r) { // no name or version holds one
			r = utf8.RuneError
		}
		out = utf8.AppendRune(out, r)
	}
	return out
}

// pipBody ends every line as Unix does; pip takes a lone carriage return for an
// end too.
func pipBody(body []byte) []byte {
	if bytes.IndexByte(body, '\r') < 0 {
		return body
	}
	return bytes.ReplaceAll(bytes.ReplaceAll(body, []byte("\r\n"), []byte("\n")), []byte("\r"), []byte("\n"))
}

// pipComment cuts a comment off, which begins at the margin or after white
// space.
func pipComment(line string) string {
	for i := 0; i < len(line); i++ {
		if line[i] == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t') {
			return line[:i]
		}
	}
	return line
}

// pipFlag takes an option apart: "-r base.txt", "-rbase.txt",
// "--requirement=base.txt".
func pipFlag(line string) (flag, value string) {
	i := strings.IndexAny(line, " \t=")
	if !strings.HasPrefix(line, "--") && len(line) > 2 {
		i = 2
	}
	if i < 0 {
		return line, ""
	}
	return line[:i], strings.Trim(line[i:], " \t=\"'")
}

// pipPin is the version that one of the clauses pins: "==2.0.0,>=1.0".
func pipPin(clauses string) (version string, pinned bool) {
	for clause := range strings.SplitSeq(clauses, ",") {
		if v, ok := strings.CutPrefix(strings.TrimSpace(clause), "=="); ok {
			return strings.TrimSpace(strings.TrimPrefix(v, "=")), true
		}
	}
	return "", false
}

// pyVersion is a version as PEP 440 has it, in any of the spellings that pip takes.
var pyVersion = lazyregexp.New(`(?i)^v?(\d+!)?\d+(\.\d+)*([-_.]?(a|b|c|rc|alpha|beta|pre|preview)[-_.]?\d*)?` +
	`(-\d+|[-_.]?(post|rev|r)[-_.]?\d*)?([-_.]?dev[-_.]?\d*)?(\+[a-z0-9]+([-_.][a-z0-9]+)*)?$`)

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
		flag, value := pipFlag(line)
		switch flag {
		case "-r", "--requirement":
			r.Include = append(r.Include, value)
		case "-e", "--editable":
			if value != "." && !strings.HasPrefix(value, "./") && !strings.HasPrefix(value, "../") {
				unknown(value)
			}
		}
		return
	}
	req, _, _ := strings.Cut(strings.ReplaceAll(line, "\t", " "), " --") // --hash=...
	req, _, _ = strings.Cut(req, " -C")                                  // -C setting=value, of the build
	req, _, _ = strings.Cut(req, ";")                                    // environment marker
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
	version, pinned := pipPin(rest)
	name = pyName(name)
	if !lockWord(name) {
		unknown(fmt.Sprintf("%.80q", line))
		return
	}
	if !pinned || !lockVersion(version) || !pyVersion.MatchString(version) && !strings.Contains(rest, "===") {
		unknown(name)
		return
	}
	r.Packages = append(r.Packages, lockPackage("requirements", "pypi", name, version, file, n))
}
