package catalog

import (
	"errors"
	"strings"
)

// nugetConfig reads packages.config, which names every package of a project,
// transitive ones too.
func nugetConfig() lockParser {
	return lockParser{Name: "packages-config", Wants: lockNamed("packages.config"), Read: nugetConfigRead}
}

func nugetConfigRead(file string, body []byte) (lockResult, error) {
	if err := lockText(body); err != nil {
		return lockResult{}, err
	}
	var r lockResult
	root := false
	err := lockXML(body, func(e xmlElement) error {
		switch e.at() {
		case "packages":
			root = true
		case "packages/package":
			if r.full() {
				return errLockMany
			}
			id, version := e.attr("id"), e.attr("version")
			if !nugetWord(id) {
				id = ""
			}
			if id == "" || !nugetWord(version) {
				r.odd(id, e.line)
				return nil
			}
			p := lockPackage("packages-config", "nuget", id, version, file, e.line)
			p.Dev = strings.EqualFold(e.attr("developmentDependency"), "true")
			r.Packages = append(r.Packages, p)
		}
		return nil
	})
	if err == nil && !root {
		err = errors.New("not a packages.config: the root element is not packages")
	}
	if err != nil {
		return lockResult{}, err
	}
	return r, nil
}

func nugetWord(s string) bool { return lockWord(s) && !strings.ContainsAny(s, "$()[]*,/;@%") }

// nugetLocks are the files that speak for a project.
func nugetLocks() []string {
	return []string{"packages.lock.json", "packages.config", "obj/project.assets.json", "project.assets.json", "paket.lock"}
}
