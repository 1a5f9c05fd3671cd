package upgrade

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// pyLock plans for the locks of poetry, uv and pipenv: what the project
// declares is raised, the lock with its hashes is their programs' own.
func pyLock(p *plan.Planner, j plan.Job) {
	manifest, command := "pyproject.toml", ""
	switch path.Base(j.File) {
	case "poetry.lock":
		command = "poetry update --lock "
	case "uv.lock":
		command = "uv lock --upgrade-package "
	case "Pipfile.lock":
		manifest, command = "Pipfile", "pipenv upgrade "
	}
	var made []plan.Upgrade
	var of [][]plan.Want
	for _, w := range j.Wants {
		edits, _, err := pyproject(p, path.Join(path.Dir(j.File), manifest), w, true)
		if err != nil {
			p.Cannot(w, err.Error())
			continue
		}
		u := plan.Upgrade{
			Fix:      finding.Fix{Safety: finding.NeedsReview, Edits: edits},
			Commands: []string{command + w.Name},
			Notes:    []string{path.Base(j.File) + " is not edited: the hashes of the new version are not known"},
		}
		if len(edits) == 0 {
			u.Notes = append(u.Notes, manifest+" needs no change: it does not name "+w.Name+", or asks for "+w.To+" already")
		}
		made, of = append(made, u), append(of, []plan.Want{w})
	}
	p.AddJoined(made, of)
}

// pyproject raises what a pyproject.toml or a Pipfile declares of a package.
// always: a range that admits the new version is raised too, so that the old
// one is left out. A file that is not there has no edits.
func pyproject(p *plan.Planner, name string, w plan.Want, always bool) ([]finding.Edit, finding.Safety, error) {
	f, err := p.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, finding.Safe, nil
	}
	if err != nil {
		return nil, 0, err
	}
	all, err := scanTOML(f.B)
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", f.Name, err)
	}
	safety := plan.Step(w.From, w.To)
	var edits []finding.Edit
	for _, s := range all {
		quotes := 1
		if s.end-s.start >= 6 && (strings.HasPrefix(string(f.B[s.start:s.end]), `"""`) || strings.HasPrefix(string(f.B[s.start:s.end]), `'''`)) {
			quotes = 3
		}
		start, end := s.start+quotes, s.end-quotes
		text := string(f.B[start:end])
		spec := text
		switch declaredIn(s, w.Name) {
		case pyListed:
			d, ok := parsePyDep(text)
			if !ok || d.name != vuln.NormalName("PyPI", w.Name) || d.start == d.end {
				continue
			}
			spec, start, end = text[d.start:d.end], start+d.start, start+d.end
		case pyKeyed:
		default:
			continue
		}
		if !specAdmits(spec, w.From) && specAdmits(spec, w.To) || !always && specAdmits(spec, w.To) {
			continue
		}
		to, capped, ok := raisedSpec(spec, w.To)
		if !ok {
			return nil, 0, fmt.Errorf("%s declares %s as %.80q", f.Name, w.Name, spec)
		}
		if capped {
			safety = finding.NeedsReview
		}
		if to != spec && specAdmits(to, w.To) {
			edits = append(edits, f.Edit(start, end, to))
		}
	}
	return edits, safety, nil
}

// How a table declares dependencies.
const (
	pyNot    = iota
	pyListed // by a list of specifiers (PEP 508)
	pyKeyed  // by name and version
)

// declaredIn reports whether a string declares dependencies, and how; name is the
// package looked for, where the table is by name.
func declaredIn(s tomlString, name string) int {
	k := s.keys
	under := func(prefix ...string) bool { return len(k) >= len(prefix) && slices.Equal(k[:len(prefix)], prefix) }
	switch {
	case s.inArray && len(k) == 2 && under("project", "dependencies"),
		s.inArray && len(k) == 3 && under("project", "optional-dependencies"),
		s.inArray && len(k) == 2 && under("dependency-groups"),
		s.inArray && len(k) == 2 && under("build-system", "requires"),
		s.inArray && len(k) == 3 && under("tool", "uv", "dev-dependencies"),
		s.inArray && len(k) == 3 && under("tool", "uv", "constraint-dependencies"):
		return pyListed
	}
	var rest []string
	switch {
	case under("tool", "poetry", "dependencies"), under("tool", "poetry", "dev-dependencies"):
		rest = k[3:]
	case len(k) > 5 && under("tool", "poetry", "group") && k[4] == "dependencies":
		rest = k[5:]
	case under("packages"), under("dev-packages"):
		rest = k[1:]
	default:
		return pyNot
	}
	if len(rest) == 0 || vuln.NormalName("PyPI", rest[0]) != vuln.NormalName("PyPI", name) {
		return pyNot
	}
	if len(rest) == 1 && !s.inArray || len(rest) == 2 && rest[1] == "version" {
		return pyKeyed
	}
	return pyNot
}
