package catalog

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// paketLock reads the packages of NuGet in paket.lock.
func paketLock() lockParser {
	entry := regexp.MustCompile(`^    ([^\s()]+) \(([^\s()]+)\)`)
	return lockParser{Name: "paket-lock", Wants: lockNamed("paket.lock"), Read: func(file string, body []byte) (lockResult, error) {
		if err := lockText(body); err != nil {
			return lockResult{}, err
		}
		var r lockResult
		section, some := "", false
		err := lockLine(body, func(n int, line string) error {
			if line != "" && line[0] != ' ' {
				if section = strings.TrimSpace(line); section == "NUGET" || section == "GITHUB" || section == "GIT" || section == "HTTP" {
					some = true
				}
				return nil
			}
			if section != "NUGET" || !strings.HasPrefix(line, "    ") || strings.HasPrefix(line, "     ") {
				return nil // a repository, or what a package depends on
			}
			if r.full() {
				return errLockMany
			}
			m := entry.FindStringSubmatch(line)
			if m == nil || !nugetWord(m[1]) || !nugetWord(m[2]) {
				name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
				r.odd(name, n)
				return nil
			}
			r.Packages = append(r.Packages, lockPackage("paket-lock", "nuget", m[1], m[2], file, n))
			return nil
		})
		if err == nil && !some {
			err = errors.New("not a lock file of Paket: it has no section that is known")
		}
		if err != nil {
			return lockResult{}, err
		}
		return r, nil
	}}
}

// nugetAssets reads project.assets.json, which a restore leaves in obj/.
func nugetAssets() lockParser {
	return lockParser{Name: "nuget-assets", Wants: lockNamed("project.assets.json"), Read: func(file string, body []byte) (lockResult, error) {
		if err := lockText(body); err != nil {
			return lockResult{}, err
		}
		var r lockResult
		j := newLockJSON(body)
		lines := newLockLines(j.b)
		some := false
		err := j.document(func(key []byte, _ int) error {
			if string(key) != "libraries" {
				return j.skip()
			}
			some = true
			return j.members("libraries", func(key []byte, at int) error {
				if r.full() {
					return errLockMany
				}
				d := nugetDeps{j: j}
				if err := d.library(key, at); err != nil {
					return err
				}
				if len(d.bad) > 0 {
					r.Unknown = append(r.Unknown, fmt.Sprintf("%.80q", key))
					r.Why = "not a package's name and version"
				}
				for _, p := range d.found {
					r.Packages = append(r.Packages, lockPackage("nuget-assets", "nuget", p.Name, p.Version, file, lines.at(at)))
				}
				return nil
			})
		})
		if err == nil && !some {
			err = errors.New("not what a restore of NuGet leaves: it has no libraries")
		}
		if err != nil {
			return lockResult{}, err
		}
		return r, nil
	}}
}
