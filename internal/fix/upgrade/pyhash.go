package upgrade

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// pyLooks bounds how many pinned packages are asked what they need.
const pyLooks = 80

// pyNeed is what a package needs of another.
type pyNeed struct {
	name, spec string
	marked     bool // in some environments only
}

// pyNeeds are what a version needs without extras.
func pyNeeds(d plan.Distribution) []pyNeed {
	var out []pyNeed
	for _, text := range d.Needs {
		spec, marker, marked := strings.Cut(text, ";")
		dep, ok := parsePyDep(spec)
		if !ok || strings.Contains(strings.ReplaceAll(marker, " ", ""), "extra==") {
			continue
		}
		out = append(out, pyNeed{dep.name, strings.TrimSpace(spec[dep.start:dep.end]), marked})
	}
	return out
}

// hashed is where the hashes of a requirement stand in a file; ok is false where
// something else stands between them.
func (l pyLine) hashed(s string) (start, end int, between string, ok bool) {
	text := s[l.end:l.after]
	first := strings.Index(text, "--hash")
	if first < 0 {
		return 0, 0, "", false
	}
	var last int
	for at := first; ; {
		rest := text[at:]
		word := strings.IndexAny(rest, " \t\r\n\\")
		if word < 0 {
			word = len(rest)
		}
		if !strings.HasPrefix(rest, "--hash=") && !strings.HasPrefix(rest, "--hash:") || strings.ContainsAny(rest[:word], "#;") {
			return 0, 0, "", false
		}
		last = at + word
		next := strings.Index(text[last:], "--hash")
		if next < 0 {
			break
		}
		gap := text[last : last+next]
		if strings.Trim(gap, " \t\r\n\\") != "" {
			return 0, 0, "", false
		}
		if between == "" {
			between = gap
		}
		at = last + next
	}
	if between == "" {
		between = text[:first] // as the first follows the version
		if strings.Trim(between, " \t\r\n\\") != "" || !strings.Contains(between, "\n") {
			between = " "
		}
	}
	return l.end + first, l.end + last, between, true
}

// pyCheck is why a version cannot stand beside what else a file pins; "": it can.
// strict: pip takes nothing that has no line with hashes.
func pyCheck(ctx context.Context, p *plan.Planner, lines []pyLine, w plan.Want, d plan.Distribution, strict bool, raised map[string]string) string {
	pins := map[string]string{}
	for _, l := range lines {
		if v, ok := pyPinned(l.spec); ok {
			pins[l.name] = v
		}
	}
	for name, to := range raised {
		pins[name] = to
	}
	old := map[string]bool{}
	if was, err := p.Dir.PyPI.Distribution(ctx, w.Name, w.From); err == nil {
		for _, n := range pyNeeds(was) {
			old[n.name] = true
		}
	}
	for _, n := range pyNeeds(d) {
		v, pinned := pins[n.name]
		switch {
		case pinned && !specAdmits(n.spec, v) && n.spec != "":
			return fmt.Sprintf("%s %s asks for %s %s, and the file pins %s", w.Name, w.To, n.name, n.spec, v)
		case !pinned && strict && !old[n.name]:
			return fmt.Sprintf("%s %s needs %s, which has no line with hashes", w.Name, w.To, n.name)
		}
	}
	me, asked := vuln.NormalName("PyPI", w.Name), 0
	for _, l := range lines {
		v, ok := pins[l.name]
		if !ok || l.name == me {
			continue
		}
		if asked++; asked > pyLooks {
			break
		}
		other, err := p.Dir.PyPI.Distribution(ctx, l.name, v)
		if err != nil {
			if strict {
				return err.Error()
			}
			continue
		}
		for _, n := range pyNeeds(other) {
			if n.name == me && n.spec != "" && !specAdmits(n.spec, w.To) && !n.marked {
				return fmt.Sprintf("%s %s asks for %s %s", l.name, v, n.name, n.spec)
			}
		}
	}
	return ""
}

// pyHashes asks the index what the new version needs, and writes its hashes where
// the lines of the old one have some. why says what is not known or does not do.
func pyHashes(ctx context.Context, p *plan.Planner, r *pyFile, hashes []pyLine, w plan.Want, u *plan.Upgrade) (why string) {
	f := r.f
	elsewhere := otherIndex(f)
	if p.Dir.PyPI == nil || elsewhere != "" {
		if len(hashes) == 0 {
			pyUnasked(p, f, u)
			return ""
		}
		if elsewhere == "" {
			elsewhere = "no registry was asked"
		}
		return "the line has hashes, and those of " + w.To + " are not known, as " + elsewhere
	}
	d, err := p.Dir.PyPI.Distribution(ctx, w.Name, w.To)
	switch {
	case err != nil && len(hashes) == 0:
		pyUnasked(p, f, u) // as without an index
		return ""
	case err != nil:
		return "the line has hashes, and those of " + w.To + " are not known: " + err.Error()
	case d.Withdrawn:
		return w.To + " was withdrawn"
	}
	alone := map[string]string{vuln.NormalName("PyPI", w.Name): w.To}
	if why := pyCheck(ctx, p, r.lines, w, d, len(hashes) > 0, alone); why != "" {
		if len(r.raised) == 1 || pyCheck(ctx, p, r.lines, w, d, len(hashes) > 0, r.raised) != "" {
			return why
		}
		r.tied = true
	}
	l, all := python(), p.Toolchains(python(), path.Dir(f.Path))
	if t, old := l.TooOld(d.Python, all); old && d.Python != "" {
		return w.Name + " " + w.To + " needs Python " + d.Python + ", and " + t.From
	}
	if was, err := p.Dir.PyPI.Distribution(ctx, w.Name, w.From); err == nil && len(all) == 0 && l.Narrower(was.Python, d.Python) {
		u.Fix.Safety = finding.NeedsReview
		u.Notes = append(u.Notes, fmt.Sprintf("%s %s needs Python %s, where %s needed %s: which one it runs on is not said",
			w.Name, w.To, d.Python, w.From, was.Python))
	}
	for _, line := range hashes {
		start, end, between, ok := line.hashed(string(f.B))
		if !ok {
			return "its hashes are not laid out as pip-compile does it"
		}
		parts := make([]string, len(d.Hashes))
		for i, h := range d.Hashes {
			parts[i] = "--hash=" + h
		}
		u.Fix.Edits = append(u.Fix.Edits, f.Edit(start, end, strings.Join(parts, between)))
	}
	return ""
}

// pyUnasked says what an index would have told.
func pyUnasked(p *plan.Planner, f *plan.File, u *plan.Upgrade) {
	on := ""
	if all := p.Toolchains(python(), path.Dir(f.Path)); len(all) > 0 {
		on = " (" + all[0].From + ")"
	}
	u.Notes = append(u.Notes, fmt.Sprintf("undecided: whether the new versions in %s run on the project's Python%s, "+
		"and beside what else is pinned: the index did not say", f.Name, on))
}

// pyPinned is the one version that a specifier takes.
func pyPinned(spec string) (string, bool) {
	cs, ok := pyClauses(spec)
	if !ok || len(cs) != 1 || cs[0].op != "==" && cs[0].op != "===" || strings.Contains(cs[0].version, "*") {
		return "", false
	}
	return cs[0].version, true
}

// otherIndex is why pypi.org is not to be asked about a requirements file; "": it
// is.
func otherIndex(f *plan.File) string {
	for line := range strings.Lines(string(plan.TrimBOM(f.B))) {
		option, value, _ := strings.Cut(strings.TrimSpace(strings.ReplaceAll(line, "=", " ")), " ")
		switch option {
		case "-i", "--index-url", "--pypi-url":
			if !isPyPI(strings.TrimSpace(value)) {
				return "the file names another index"
			}
		case "--extra-index-url", "-f", "--find-links", "--no-index":
			return "the file names another index"
		}
	}
	return ""
}

// pyByHand is what fills in hashes: the command that made the file, or one that
// edits it.
func pyByHand(p *plan.Planner, f *plan.File, w plan.Want) string {
	pin := w.Name + "==" + w.To
	for line := range strings.Lines(string(plan.TrimBOM(f.B))) {
		text := strings.TrimSpace(strings.TrimLeft(line, "# \t"))
		if strings.HasPrefix(line, "#") && (strings.HasPrefix(text, "pip-compile ") || strings.HasPrefix(text, "uv pip compile ")) &&
			!strings.ContainsAny(text, ";&|`$<>") && len(text) < 300 {
			return "run: " + text + " --upgrade-package " + pin
		}
	}
	source := strings.TrimSuffix(f.Path, ".txt") + ".in"
	if _, err := fs.Stat(p.Dir.FS, source); err == nil {
		return "run: pip-compile --generate-hashes --upgrade-package " + pin + " " + path.Base(source)
	}
	return "run: hashin -r " + path.Base(f.Path) + " " + pin
}

// python is the language of the packages of pypi.org.
func python() plan.Language {
	return plan.Language{Name: "Python", Image: "python", Admits: specAdmits, Samples: slices.Concat(plan.Minors(2, 6, 7), plan.Minors(3, 3, 15))}
}
