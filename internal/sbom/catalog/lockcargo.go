package catalog

import (
	"strings"

	"github.com/drydock-dev/drydock/internal/sbom"
)

// cargoLock reads Cargo.lock, versions 1 to 4. A package without a source is a
// member of the workspace: the project's own code.
func cargoLock() lockParser {
	return lockParser{Name: "cargo-lock", Wants: lockNamed("Cargo.lock"), Read: cargoRead}
}

func cargoRead(file string, body []byte) (lockResult, error) {
	tables, err := lockTables(body, "name", "version", "source", "dependencies")
	if err != nil {
		return lockResult{}, err
	}
	r := lockResult{Packages: make([]sbom.Package, 0, len(tables))}
	var g lockJoin
	g.expect(len(tables))
	for _, t := range tables {
		name, version := t.str("name"), t.str("version")
		var n int32
		switch own := !t.has("source"); {
		case own:
			n = g.project(name, version, file, "")
		case lockWord(name) && lockVersion(version):
			n = g.node(len(r.Packages))
		default:
			r.odd(name, t.line)
			n = g.unlisted(name, file)
		}
		g.call(n, name)
		g.call(n, name+" "+version)
		for _, l := range t.leaves {
			if l.key != "dependencies" {
				continue
			}
			// "name", "name version" where there are several, or with a source in brackets
			key, _, _ := strings.Cut(l.text, " (")
			if err := g.want(n, false, key, ""); err != nil {
				return lockResult{}, err
			}
		}
		if g.nodes[n].pkg < 0 {
			continue
		}
		p := lockPackage("cargo-lock", "cargo", name, version, file, t.line)
		if source := t.str("source"); strings.HasPrefix(source, "git+") {
			p.Origin = lockOrigin(source)
		}
		r.Packages = append(r.Packages, p)
	}
	r.graph = g.join()
	return r, nil
}
