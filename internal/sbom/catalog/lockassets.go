package catalog

import (
	"errors"
	"strings"
)

// nugetAssets reads project.assets.json, which a restore leaves in obj/.
func nugetAssets() lockParser {
	return lockParser{Name: "nuget-assets", Wants: lockNamed("project.assets.json", "project.lock.json"), Read: nugetAssetsRead}
}

func nugetAssetsRead(file string, body []byte) (lockResult, error) {
	if err := lockText(body); err != nil {
		return lockResult{}, err
	}
	j := newLockJSON(body)
	d := nugetDeps{j: j, used: map[string]bool{}, file: file, cataloger: "nuget-assets", lines: newLockLines(j.b)}
	name, version, some := "", "", false
	var direct []string // "target name"
	err := j.document(func(key []byte, _ int) error {
		switch string(key) {
		case "targets":
			return j.members("targets", d.framework)
		case "libraries":
			some = true
			return j.members("libraries", d.library)
		case "projectFileDependencyGroups":
			return j.object(func(framework []byte, _ int) error {
				return j.array(func() error {
					s, err := j.str() // "Newtonsoft.Json >= 13.0.1"
					s, _, _ = strings.Cut(strings.TrimSpace(s), " ")
					if d.needs++; d.needs > maxLeaves {
						return errLockMany
					}
					direct = append(direct, string(framework)+" "+strings.ToLower(s))
					return err
				})
			})
		case "project":
			return nugetProjectName(j, &name, &version)
		}
		return j.skip()
	})
	if err == nil && !some {
		err = errors.New("not what a restore of NuGet leaves: it has no libraries")
	}
	if err != nil {
		return lockResult{}, err
	}
	g := d.join()
	if len(direct) > 0 {
		n := g.project(name, version, file, "")
		for _, key := range direct {
			if err := g.want(n, false, key, ""); err != nil {
				return lockResult{}, err
			}
		}
	}
	d.odd.Packages, d.odd.graph = d.found, g.join()
	return d.odd, nil
}

// nugetProjectName reads what a project is called, in its description.
func nugetProjectName(j *lockJSON, name, version *string) error {
	return j.object(func(key []byte, _ int) (err error) {
		switch string(key) {
		case "version":
			*version, err = j.str()
		case "restore":
			err = j.object(func(key []byte, _ int) (err error) {
				if string(key) == "projectName" {
					*name, err = j.str()
					return err
				}
				return j.skip()
			})
		default:
			err = j.skip()
		}
		return err
	})
}
