package catalog

import "strings"

// cargoLock reads Cargo.lock, versions 1 to 4. A package without a source is a
// member of the workspace: the project's own code.
func cargoLock() lockParser {
	return lockParser{Name: "cargo-lock", Wants: lockNamed("Cargo.lock"), Read: cargoRead}
}

func cargoRead(file string, body []byte) (lockResult, error) {
	tables, err := lockTables(body, "name", "version", "source")
	if err != nil {
		return lockResult{}, err
	}
	var r lockResult
	for _, t := range tables {
		if len(t.under("source")) == 0 {
			continue
		}
		name, version := t.str("name"), t.str("version")
		if !lockWord(name) || !lockVersion(version) {
			r.odd(name, t.line)
			continue
		}
		p := lockPackage("cargo-lock", "cargo", name, version, file, t.line)
		if source := t.str("source"); strings.HasPrefix(source, "git+") {
			p.Origin = lockOrigin(source)
		}
		r.Packages = append(r.Packages, p)
	}
	return r, nil
}
