package catalog

import (
	"errors"
	"strings"
)

// denoLock reads deno.lock in versions 2 to 5: packages of npm and of JSR.
// Modules that are imported by their address are no packages.
func denoLock() lockParser {
	return lockParser{Name: "deno-lock", Wants: lockNamed("deno.lock"), Read: denoRead}
}

func denoRead(file string, body []byte) (lockResult, error) {
	if err := lockText(body); err != nil {
		return lockResult{}, err
	}
	j := newLockJSON(body)
	d := &denoFile{j: j, file: file, lines: newLockLines(j.b)}
	some := false
	err := j.document(func(name []byte, _ int) error {
		some = true
		switch string(name) {
		case "npm": // version 2 has a list within, 4 and later are one
			return j.members("npm", func(key []byte, at int) error {
				switch string(key) {
				case "specifiers":
					return j.skip()
				case "packages":
					return j.members("packages", d.entry("npm"))
				}
				return d.entry("npm")(key, at)
			})
		case "jsr":
			return j.members("jsr", d.entry("jsr"))
		case "packages": // version 3
			return j.members("packages", func(key []byte, _ int) error {
				switch k := string(key); k {
				case "npm", "jsr":
					return j.members(k, d.entry(k))
				}
				return j.skip()
			})
		}
		return j.skip()
	})
	if err == nil && !some {
		err = errors.New("not a lock file of Deno: it is empty")
	}
	if err != nil {
		return lockResult{}, err
	}
	return d.r, nil
}

type denoFile struct {
	j     *lockJSON
	file  string
	lines lockLines
	r     lockResult
}

// entry reads a package: "chalk@5.3.0", with peers "a@1.0.0_b@2.0.0".
func (d *denoFile) entry(typ string) func(key []byte, at int) error {
	return func(key []byte, at int) error {
		if d.r.full() {
			return errLockMany
		}
		name, version, ok := bunSplit(string(key))
		version, _, _ = strings.Cut(version, "_")
		if !ok || !lockVersion(version) {
			d.r.odd(string(key), d.lines.at(at))
			return d.j.skip()
		}
		d.r.Packages = append(d.r.Packages, lockPackage("deno-lock", typ, name, version, d.file, d.lines.at(at)))
		return d.j.skip()
	}
}
