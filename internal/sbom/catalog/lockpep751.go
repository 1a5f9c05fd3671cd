package catalog

import (
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/sbom"
)

// pylockLock reads pylock.toml and pylock.NAME.toml (PEP 751).
func pylockLock() lockParser {
	wants := func(file string) bool {
		base := path.Base(file)
		return base == "pylock.toml" || strings.HasPrefix(base, "pylock.") && strings.HasSuffix(base, ".toml") && strings.Count(base, ".") == 2
	}
	return lockParser{Name: "pylock", Wants: wants, Roots: pyRoots, Read: func(file string, body []byte) (lockResult, error) {
		tables, err := lockTablesOf("packages", body, "name", "version", "dependencies", "vcs", "directory", "archive")
		if err != nil {
			return lockResult{}, err
		}
		return pyPinned("pylock", file, tables, func(t lockTable) (origin string, own bool) {
			switch vcs, archive := pyField(t, "vcs", "url", "path"), pyField(t, "archive", "url", "path"); {
			case len(t.under("directory")) > 0:
				return "", true
			case vcs != "":
				return "git+" + vcs + "#" + pyField(t, "vcs", "commit-id"), false
			default:
				if !strings.Contains(archive, "://") {
					archive = "" // a file beside the lock
				}
				return archive, false
			}
		})
	}}
}

// pdmLock reads pdm.lock.
func pdmLock() lockParser {
	return lockParser{Name: "pdm-lock", Wants: lockNamed("pdm.lock"), Roots: pyRoots, Read: func(file string, body []byte) (lockResult, error) {
		tables, err := lockTables(body, "name", "version", "groups", "dependencies", "git", "revision", "ref", "path", "url", "editable")
		if err != nil {
			return lockResult{}, err
		}
		return pyPinned("pdm-lock", file, tables, func(t lockTable) (origin string, own bool) {
			switch {
			case t.str("git") != "" && t.str("revision") != "":
				return "git+" + t.str("git") + "#" + t.str("revision"), false
			case t.str("git") != "":
				return "git+" + t.str("git") + "#" + t.str("ref"), false
			case t.str("editable") == "true":
				return "", true
			case t.str("path") != "" && !lockArchive(t.str("path")):
				return "file:" + t.str("path"), false
			}
			return t.str("url"), false
		})
	}}
}

// pyField is the first of a table's fields that says something.
func pyField(t lockTable, key string, fields ...string) string {
	for _, f := range fields {
		for _, l := range t.under(key) {
			if len(l.path) == 1 && l.path[0] == f && l.text != "" {
				return l.text
			}
		}
	}
	return ""
}

// pyPinned makes packages of tables with a name and a version.
func pyPinned(cataloger, file string, tables []lockTable, from func(lockTable) (origin string, own bool)) (lockResult, error) {
	var r lockResult
	g := newPyGraph(false)
	for _, t := range tables {
		name, version := pyName(t.str("name")), t.str("version")
		origin, own := from(t)
		if own {
			g.add(g.project(name, version, file, ""), t)
			continue // a folder of the project's
		}
		if !lockWord(name) || strings.Contains(name, "/") {
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
		p.Origin = lockOrigin(origin)
		p.Dev = pdmDev(t.under("groups"))
		g.marked = g.marked || len(t.under("groups")) > 0
		g.add(g.node(len(r.Packages)), t)
		r.Packages = append(r.Packages, p)
	}
	if g.told(&r, file); r.graph != nil {
		r.graph.flat = !slices.ContainsFunc(tables, func(t lockTable) bool { return len(t.under("dependencies")) > 0 })
	}
	return r, nil
}

// pdmDev reports whether all groups of a package are for development. pdm does not
// say which are, and which the project offers as extras: their names do.
func pdmDev(groups []lockLeaf) bool {
	known := []string{"dev", "test", "tests", "testing", "lint", "linting", "doc", "docs", "typing", "ci", "format"}
	return len(groups) > 0 && !slices.ContainsFunc(groups, func(l lockLeaf) bool { return !slices.Contains(known, strings.ToLower(l.text)) })
}
