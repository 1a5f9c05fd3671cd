package upgrade

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// pyLine is one requirement of a requirements file; a backslash at a line's end
// goes on with it.
type pyLine struct {
	pyDep
	spec   string
	hashes bool
	line   int // the first, from 1
	after  int // where the next logical line begins
}

// requirements plans for a requirements file of pip's.
func requirements(ctx context.Context, p *plan.Planner, j plan.Job) {
	f, err := p.Open(j.File)
	r := &pyFile{f: f, raised: map[string]string{}}
	if err == nil {
		r.lines = pyLines(string(f.B))
	}
	for _, w := range j.Wants {
		r.raised[vuln.NormalName("PyPI", w.Name)] = w.To
	}
	var made []plan.Upgrade
	var of [][]plan.Want
	for _, w := range j.Wants {
		if err != nil {
			p.Cannot(w, err.Error())
			continue
		}
		u, why := requirement(ctx, p, r, w)
		if why != "" {
			p.Cannot(w, why)
			continue
		}
		made, of = append(made, u), append(of, []plan.Want{w})
	}
	if r.tied && len(made) > 1 {
		made, of = tieAll(made, of)
	}
	p.AddJoined(made, of)
}

// tieAll makes one upgrade of several.
func tieAll(made []plan.Upgrade, of [][]plan.Want) ([]plan.Upgrade, [][]plan.Want) {
	for k := 1; k < len(made); k++ {
		u := &made[0]
		u.Fix.Edits, u.Fix.Safety = append(u.Fix.Edits, made[k].Fix.Edits...), min(u.Fix.Safety, made[k].Fix.Safety)
		u.Notes, of[0] = plan.Unique(append(u.Notes, made[k].Notes...)), append(of[0], of[k]...)
	}
	if edits, ok := plan.JoinEdits(made[0].Fix.Edits); ok {
		made[0].Fix.Edits = edits
	}
	return made[:1], of[:1]
}

// pyFile is a requirements file that is planned for.
type pyFile struct {
	f      *plan.File
	lines  []pyLine
	raised map[string]string // what is wanted of it, by normal name
	tied   bool              // one of the wants needs another
}

func requirement(ctx context.Context, p *plan.Planner, r *pyFile, w plan.Want) (u plan.Upgrade, why string) {
	f, lines := r.f, r.lines
	u.Fix.Safety = plan.Step(w.From, w.To)
	var hashes []pyLine
	for _, l := range lines {
		if l.name != vuln.NormalName("PyPI", w.Name) || !specAdmits(l.spec, w.From) {
			continue
		}
		to, capped, ok := raisedSpec(l.spec, w.To)
		if !ok {
			continue
		}
		if l.hashes {
			hashes = append(hashes, l)
		}
		if capped {
			u.Fix.Safety = finding.NeedsReview
		}
		u.Fix.Edits = append(u.Fix.Edits, f.Edit(l.start, l.end, to))
	}
	if len(u.Fix.Edits) == 0 {
		return u, f.Name + " does not pin " + w.Name + " to " + w.From
	}
	source := strings.TrimSuffix(f.Path, ".txt") + ".in"
	if why := pyBeside(p, f, source, w, &u); why != "" {
		return u, why
	}
	if why := pyHashes(ctx, p, r, hashes, w, &u); why != "" {
		if len(hashes) > 0 {
			why += "; " + pyByHand(p, f, w)
		}
		return u, why
	}
	// The project's own declaration must allow what the file pins.
	edits, safety, err := pyproject(p, path.Join(path.Dir(f.Path), "pyproject.toml"), w, false)
	if err != nil {
		u.Fix.Safety = finding.NeedsReview
		u.Notes = append(u.Notes, "pyproject.toml: "+err.Error())
	}
	if len(edits) > 0 {
		u.Fix.Edits = append(u.Fix.Edits, edits...)
		u.Fix.Safety = min(u.Fix.Safety, safety)
	}
	if out, ok := plan.JoinEdits(u.Fix.Edits); ok {
		u.Fix.Edits = out
	}
	return u, ""
}

// pyBeside raises what the files that a requirements file has to agree with say
// of the package: the one that pip-compile makes it from, and constraints.
func pyBeside(p *plan.Planner, f *plan.File, source string, w plan.Want, u *plan.Upgrade) (why string) {
	names := []string{source}
	for line := range strings.Lines(strings.TrimPrefix(string(f.B), "\xef\xbb\xbf")) {
		option, name, _ := strings.Cut(strings.ReplaceAll(strings.TrimSpace(line), "=", " "), " ")
		if name = strings.TrimSpace(name); option == "-c" || option == "--constraint" {
			names = append(names, path.Join(path.Dir(f.Path), name))
		}
	}
	for _, name := range plan.Unique(names) {
		if name == f.Path || !fs.ValidPath(name) {
			continue
		}
		other, err := p.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err.Error()
		}
		for _, l := range pyLines(string(other.B)) {
			if l.name != vuln.NormalName("PyPI", w.Name) || specAdmits(l.spec, w.To) {
				continue
			}
			to, capped, ok := raisedSpec(l.spec, w.To)
			if !ok || l.hashes || !specAdmits(to, w.To) {
				return fmt.Sprintf("%s asks for %.80q", other.Name, l.spec)
			}
			if u.Fix.Safety = min(u.Fix.Safety, plan.Step(w.From, w.To)); capped {
				u.Fix.Safety = finding.NeedsReview
			}
			u.Fix.Edits = append(u.Fix.Edits, other.Edit(l.start, l.end, to))
		}
	}
	return ""
}

// pyLines finds the requirements of a file with their bytes.
func pyLines(s string) []pyLine {
	var out []pyLine
	at, n := 0, 1
	if strings.HasPrefix(s, "\xef\xbb\xbf") {
		at = 3
	}
	for at < len(s) {
		end, lines := logicalLine(s, at)
		text := s[at:end]
		lead := blanks(text, 0)
		if lead < len(text) && text[lead] != '#' && text[lead] != '-' {
			if d, ok := parsePyDep(text); ok {
				l := pyLine{pyDep: d, spec: text[d.start:d.end], hashes: hasOption(text[d.end:], "--hash"), line: n}
				l.start, l.end, l.after = l.start+at, l.end+at, end
				out = append(out, l)
			}
		}
		at, n = end, n+lines
	}
	return out
}

// logicalLine is the end of the logical line at an offset, line end included,
// and how many lines it is.
func logicalLine(s string, at int) (end, lines int) {
	for {
		i := strings.IndexByte(s[at:], '\n')
		if i < 0 {
			return len(s), lines + 1
		}
		line := strings.TrimSuffix(s[at:at+i], "\r")
		at, lines = at+i+1, lines+1
		if !strings.HasSuffix(line, `\`) || strings.Contains(" "+line, " #") {
			return at, lines
		}
	}
}

// hasOption reports whether an option stands before a comment.
func hasOption(s, option string) bool {
	for line := range strings.Lines(s) {
		line, _, _ = strings.Cut(" "+line, " #")
		if strings.Contains(line, option) {
			return true
		}
	}
	return false
}
