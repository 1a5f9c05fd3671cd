package catalog

import (
	"errors"
	"fmt"
	"strings"
)

// sbtLock reads build.sbt.lock, of the dependency lock plugin of sbt.
func sbtLock() lockParser {
	return lockParser{Name: "sbt-lock", Wants: lockNamed("build.sbt.lock"), Read: sbtRead}
}

func sbtRead(file string, body []byte) (lockResult, error) {
	if err := lockText(body); err != nil {
		return lockResult{}, err
	}
	s := &sbtFile{j: newLockJSON(body), file: file}
	s.lines = newLockLines(s.j.b)
	some := false
	err := s.j.document(func(name []byte, _ int) error {
		if string(name) != "dependencies" {
			return s.j.skip()
		}
		some = true
		return s.j.elements("dependencies", s.dependency)
	})
	if err == nil && !some {
		err = errors.New("not a lock file of sbt: it has no dependencies")
	}
	if err != nil {
		return lockResult{}, err
	}
	return s.r, nil
}

type sbtFile struct {
	j     *lockJSON
	file  string
	lines lockLines
	r     lockResult
}

func (s *sbtFile) dependency() error {
	j, at := s.j, s.j.i
	if s.r.full() {
		return errLockMany
	}
	var org, name, version string
	configurations, tests := 0, 0
	err := j.members("a dependency", func(key []byte, _ int) (err error) {
		switch string(key) {
		case "org":
			org, err = j.str()
		case "name":
			name, err = j.str()
		case "version":
			version, err = j.str()
		case "configurations":
			err = j.array(func() error {
				c, err := j.str()
				if configurations++; strings.HasPrefix(c, "test") {
					tests++
				}
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
	if !(javaCoordinates{org, name, version}).sound() {
		s.r.Unknown = append(s.r.Unknown, fmt.Sprintf("%.200q", org+":"+name))
		s.r.Why = fmt.Sprintf("line %d: not an organization, a name and a version", s.lines.at(at))
		return nil
	}
	p := mavenPackage("sbt-lock", org, name, version, s.file, s.lines.at(at))
	p.Dev = configurations > 0 && configurations == tests
	s.r.Packages = append(s.r.Packages, p)
	return nil
}
