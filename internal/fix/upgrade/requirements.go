package upgrade

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// pyLine is one requirement of a requirements file; a backslash at a line's end
// goes on with it.
type pyLine struct {
	pyDep
	spec   string
	hashes bool
	line   int // the first, from 1
}

// requirements plans for a requirements file of pip's.
func (p *planner) requirements(j job) {
	f, err := p.open(j.file)
	var lines []pyLine
	if err == nil {
		lines = pyLines(string(f.b))
	}
	var made []Upgrade
	var of [][]want
	for _, w := range j.wants {
		if err != nil {
			p.cannot(w, err.Error())
			continue
		}
		u, why := p.requirement(f, lines, w)
		if why != "" {
			p.cannot(w, why)
			continue
		}
		made, of = append(made, u), append(of, []want{w})
	}
	p.addJoined(made, of)
}

func (p *planner) requirement(f *file, lines []pyLine, w want) (u Upgrade, why string) {
	u.Fix.Safety = step(w.From, w.To)
	hashes := false
	for _, l := range lines {
		if l.name != vuln.NormalName("PyPI", w.Name) || !specAdmits(l.spec, w.From) {
			continue
		}
		to, capped, ok := raisedSpec(l.spec, w.To)
		if !ok {
			continue
		}
		hashes = hashes || l.hashes
		if capped {
			u.Fix.Safety = finding.NeedsReview
		}
		u.Fix.Edits = append(u.Fix.Edits, f.edit(l.start, l.end, to))
	}
	if len(u.Fix.Edits) == 0 {
		return u, f.name + " does not pin " + w.Name + " to " + w.From
	}
	source := strings.TrimSuffix(f.path, ".txt") + ".in"
	_, err := fs.Stat(p.dir.FS, source)
	compiled := err == nil
	if why := p.pyBeside(f, source, w, &u); why != "" {
		return u, why
	}
	if hashes {
		u.Fix.Safety, u.Fix.Edits = finding.NeedsReview, nil
		u.Notes = append(u.Notes, "the line has hashes, and those of "+w.To+" are not known: pip would refuse it without them")
		if !compiled {
			source = path.Base(f.path)
		}
		u.Commands = []string{"pip-compile --generate-hashes --upgrade-package " + w.Name + "==" + w.To + " " + path.Base(source)}
		return u, ""
	}
	// The project's own declaration must allow what the file pins.
	edits, safety, err := p.pyproject(path.Join(path.Dir(f.path), "pyproject.toml"), w, false)
	if err != nil {
		u.Fix.Safety = finding.NeedsReview
		u.Notes = append(u.Notes, "pyproject.toml: "+err.Error())
	}
	if len(edits) > 0 {
		u.Fix.Edits = append(u.Fix.Edits, edits...)
		u.Fix.Safety = min(u.Fix.Safety, safety)
	}
	if out, ok := joinEdits(u.Fix.Edits); ok {
		u.Fix.Edits = out
	}
	return u, ""
}

// pyBeside raises what the files that a requirements file has to agree with say
// of the package: the one that pip-compile makes it from, and constraints.
func (p *planner) pyBeside(f *file, source string, w want, u *Upgrade) (why string) {
	names := []string{source}
	for line := range strings.Lines(strings.TrimPrefix(string(f.b), "\xef\xbb\xbf")) {
		option, name, _ := strings.Cut(strings.ReplaceAll(strings.TrimSpace(line), "=", " "), " ")
		if name = strings.TrimSpace(name); option == "-c" || option == "--constraint" {
			names = append(names, path.Join(path.Dir(f.path), name))
		}
	}
	for _, name := range unique(names) {
		if name == f.path || !fs.ValidPath(name) {
			continue
		}
		other, err := p.open(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err.Error()
		}
		for _, l := range pyLines(string(other.b)) {
			if l.name != vuln.NormalName("PyPI", w.Name) || specAdmits(l.spec, w.To) {
				continue
			}
			to, capped, ok := raisedSpec(l.spec, w.To)
			if !ok || l.hashes || !specAdmits(to, w.To) {
				return fmt.Sprintf("%s asks for %.80q", other.name, l.spec)
			}
			if u.Fix.Safety = min(u.Fix.Safety, step(w.From, w.To)); capped {
				u.Fix.Safety = finding.NeedsReview
			}
			u.Fix.Edits = append(u.Fix.Edits, other.edit(l.start, l.end, to))
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
				l.start, l.end = l.start+at, l.end+at
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

// hasOption says whether an option stands before a comment.
func hasOption(s, option string) bool {
	for line := range strings.Lines(s) {
		line, _, _ = strings.Cut(" "+line, " #")
		if strings.Contains(line, option) {
			return true
		}
	}
	return false
}
