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
					return d.specifiers()
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
				case "specifiers":
					return d.specifiers()
				}
				return j.skip()
			})
		case "specifiers":
			return d.specifiers()
		case "workspace":
			return d.workspace("")
		}
		return j.skip()
	})
	if err == nil && !some {
		err = errors.New("not a lock file of Deno: it is empty")
	}
	if err != nil {
		return lockResult{}, err
	}
	for spec, target := range d.specs {
		if n, ok := d.graph.at[target]; ok {
			d.graph.call(n, spec)
		}
	}
	d.r.graph = d.graph.join()
	return d.r, nil
}

type denoFile struct {
	j     *lockJSON
	file  string
	lines lockLines
	r     lockResult
	graph lockJoin
	specs map[string]string // what is asked for -> what it is
}

// specifiers reads what each thing that is asked for came to: "npm:chalk@5" is
// "5.3.0", or "npm:chalk@5.3.0" in version 3.
func (d *denoFile) specifiers() error {
	return d.j.object(func(spec []byte, _ int) error {
		s, err := d.j.str()
		if len(d.specs) >= maxPackages {
			return errLockMany
		}
		if d.specs == nil {
			d.specs = map[string]string{}
		}
		kind, name, _ := strings.Cut(string(spec), ":")
		if !strings.Contains(s, ":") && len(name) > 0 {
			name, _ = npmSplit(name)
			s = kind + ":" + name + "@" + s
		}
		d.specs[string(spec)] = s
		return err
	})
}

// workspace reads what the project depends on, and what its members do.
func (d *denoFile) workspace(folder string) error {
	j := d.j
	if len(d.graph.nodes) > maxPackages {
		return errLockMany
	}
	n := d.graph.project("", "", d.file, lockFolderOf(folder))
	some := false
	wants := func() error {
		return j.array(func() error {
			s, err := j.str()
			some = true
			if err != nil {
				return err
			}
			return d.graph.want(n, false, s, "")
		})
	}
	err := j.object(func(key []byte, _ int) error {
		switch string(key) {
		case "dependencies":
			return wants()
		case "packageJson":
			return j.object(func(key []byte, _ int) error {
				if string(key) == "dependencies" {
					return wants()
				}
				return j.skip()
			})
		case "members":
			return j.object(func(name []byte, _ int) error { return d.workspace(string(name)) })
		}
		return j.skip()
	})
	if c := &d.graph.others[d.graph.nodes[n].other]; !some {
		c.Root = false // it has none of its own
	}
	return err
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
		n := d.graph.node(len(d.r.Packages))
		for _, called := range []string{string(key), name + "@" + version, name} {
			d.graph.call(n, typ+":"+called)
		}
		d.r.Packages = append(d.r.Packages, lockPackage("deno-lock", typ, name, version, d.file, d.lines.at(at)))
		return d.j.object(func(member []byte, _ int) error {
			if string(member) != "dependencies" {
				return d.j.skip()
			}
			need := func() error {
				s, err := d.j.str()
				if err != nil {
					return err
				}
				if i := strings.Index(s, "@npm:"); i > 0 { // "alias@npm:name@1.0.0"
					s = s[i+1:]
				}
				if !strings.HasPrefix(s, "npm:") && !strings.HasPrefix(s, "jsr:") {
					s = typ + ":" + s
				}
				return d.graph.want(n, false, s, "")
			}
			if d.j.kind() == '{' { // before version 4
				return d.j.object(func([]byte, int) error { return need() })
			}
			return d.j.array(need)
		})
	}
}
