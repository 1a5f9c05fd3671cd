package catalog

import (
	"errors"
	"strings"
)

// conanLock reads conan.lock: lists of references from Conan 2 on, a graph before.
func conanLock() lockParser {
	return lockParser{Name: "conan-lock", Wants: lockNamed("conan.lock"), Read: conanRead}
}

type conanFile struct {
	j     *lockJSON
	file  string
	lines lockLines
	r     lockResult
}

func conanRead(file string, body []byte) (lockResult, error) {
	if err := lockText(body); err != nil {
		return lockResult{}, err
	}
	c := &conanFile{j: newLockJSON(body), file: file}
	c.lines = newLockLines(c.j.b)
	j, some := c.j, false
	err := j.document(func(name []byte, _ int) error {
		switch k := string(name); k {
		case "requires", "build_requires", "python_requires", "config_requires":
			some = true
			return j.elements(k, func() error {
				at := j.i
				ref, err := j.str()
				if err != nil {
					return err
				}
				return c.reference(ref, at, k != "requires")
			})
		case "graph_lock":
			some = true
			return j.members(k, func(name []byte, _ int) error {
				if string(name) != "nodes" {
					return j.skip()
				}
				return j.members("nodes", c.node)
			})
		}
		return j.skip()
	})
	if err == nil && !some {
		err = errors.New("not a lock file of Conan: it has neither requires nor a graph")
	}
	if err != nil {
		return lockResult{}, err
	}
	return c.r, nil
}

// node reads a part of Conan 1's graph; the project itself has no reference to a
// recipe of a channel, or a path.
func (c *conanFile) node(_ []byte, at int) error {
	j := c.j
	ref, own, build := "", false, false
	err := j.object(func(name []byte, _ int) (err error) {
		switch string(name) {
		case "ref":
			ref, err = j.str()
		case "path":
			own = j.kind() == '"'
			err = j.skip()
		case "context":
			var context string
			context, err = j.str()
			build = context == "build"
		default:
			err = j.skip()
		}
		return err
	})
	if err != nil || own || ref == "" {
		return err
	}
	return c.reference(ref, at, build)
}

// reference reads "zlib/1.2.11@user/channel#revision%timestamp".
func (c *conanFile) reference(ref string, at int, dev bool) error {
	if c.r.full() {
		return errLockMany
	}
	short, _, _ := strings.Cut(ref, "#")
	short, _, _ = strings.Cut(short, "@")
	name, version, _ := strings.Cut(short, "/")
	if !lockWord(name) || !lockVersion(version) {
		c.r.odd(name, c.lines.at(at))
		return nil
	}
	p := lockPackage("conan-lock", "conan", name, version, c.file, c.lines.at(at))
	p.Dev = dev
	c.r.Packages = append(c.r.Packages, p)
	return nil
}
