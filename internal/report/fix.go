package report

import (
	"cmp"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix"
	"github.com/drydock-dev/drydock/internal/jsonstream"
	"github.com/drydock-dev/drydock/internal/repair"
	"github.com/drydock-dev/drydock/internal/secret"
)

// Fix writes what was fixed, how far it is proved, and what it changes, as text,
// json, sarif or markdown.
func Fix(w io.Writer, format string, res *repair.Result, opt Options) error {
	if opt.Width <= 0 {
		opt.Width = 120
	}
	if opt.Program == "" {
		opt.Program = "drydock"
	}
	opt.Program, opt.Target, opt.More = clean(opt.Program), clean(opt.Target), cleanAll(opt.More)
	switch format {
	case "json":
		return jsonstream.Write(w, docFixes(res, opt))
	case "markdown":
		opt.Color = false
		g := newGuard(w, opt)
		if _, err := io.WriteString(g, fixMarkdown(res)); err != nil {
			return err
		}
		return g.flush()
	case "sarif":
		return fixSARIF(w, res, opt)
	case "text":
		return paged(w, opt, func(p *page) { p.fixes(res) })
	}
	return fmt.Errorf("fix has no format %q (one of text, json, sarif, markdown)", format)
}

// said is foreign text as people may be shown it: one line, no secret.
func said(s string) string { return clean(secret.Redact(s)) }

func (p *page) fixes(res *repair.Result) {
	p.res = &check.Result{}
	for _, u := range res.Unknown {
		p.res.Unknown = append(p.res.Unknown, finding.Unknown{What: said(u.What), Why: said(u.Why), Beyond: u.Beyond})
	}
	for i := range res.Fixed {
		if i > 0 {
			p.line("")
		}
		p.fixedSubject(&res.Fixed[i])
	}
	if len(res.Fixed) == 0 {
		p.line("nothing to fix")
	}
	if b := res.Branch; b != nil {
		p.line("")
		p.wrap(2, p.paint(good, fmt.Sprintf("%s on the new branch %s, and your files are as they were.",
			oneOrMore(len(b.Commits), "commit is", "commits are"), said(b.Name))))
		p.wrap(2, said(ShellLine([]string{"git", "log", "-p", "HEAD.." + b.Name}))+" shows them.")
	}
	p.footer(p.nextFix(res)...)
}

// fixed is one subject: the fixes, what they change, how far that is proved.
func (p *page) fixedSubject(f *repair.Fixed) {
	p.line("%s", p.paint(heading, said(cmp.Or(f.Title, f.Subject.Name))))
	if len(f.Applied) == 0 && len(f.Left) == 0 {
		p.line("  %s", nothingToFix(f))
		for _, n := range f.Notes {
			p.wrap(2, "note: "+said(n))
		}
		return
	}
	p.fixList(f)
	for _, x := range f.Files {
		p.line("")
		p.diff(x)
		if x.Starred {
			p.wrap(2, p.paint(warn, "note: ")+starred)
		}
	}
	p.verdict(f)
	for _, t := range f.Todo {
		p.wrap(2, "run after: "+said(t))
	}
	for _, n := range f.Notes {
		p.wrap(2, "note: "+said(n))
	}
	p.line("")
	p.wrap(2, p.outcome(f))
}

// starred is said of a diff that is no patch.
const starred = "**** stands for a secret: this diff cannot be applied as it is shown; fix --write writes the real bytes"

func nothingToFix(f *repair.Fixed) string {
	if f.ByHand > 0 {
		return fmt.Sprintf("nothing to fix; %s", findingsOf(f.ByHand))
	}
	return "nothing to fix"
}

func findingsOf(n int) string {
	if n == 1 {
		return "1 finding has no fix that could be applied"
	}
	return fmt.Sprintf("%d findings have no fix that could be applied", n)
}

func (p *page) fixList(f *repair.Fixed) {
	rows := p.fixRows(f.Subject, f.Applied, func(fix.Item) string { return p.paint(good, "✓") })
	rows = append(rows, p.fixRows(f.Subject, f.Left, func(it fix.Item) string {
		if it.Failure != nil {
			return p.paint(bad, "✗")
		}
		return p.paint(dim, "·")
	})...)
	p.table(2, []string{"", "~PLACE", "RULE", "SAFETY", "+FIX"}, rows)
	p.whyLeft(f.Subject, f.Left)
}

// whyLeft says why fixes were not applied: those for one reason together.
func (p *page) whyLeft(s finding.Subject, left []fix.Item) {
	var order []string
	at := map[string][]finding.Finding{}
	for _, it := range left {
		if it.Failure != nil {
			step := p.paint(bad, said(it.Failure.Step))
			p.wrap(4, fmt.Sprintf("%s (%s, %s): %s", step, it.Finding.Rule, placeOf(it), said(it.Why)))
			p.log(it.Failure)
			if it.Failure.Hint != "" {
				p.wrap(4, "hint: "+said(it.Failure.Hint))
			}
			continue
		}
		if at[it.Why] == nil {
			order = append(order, it.Why)
		}
		at[it.Why] = append(at[it.Why], it.Finding)
	}
	for _, why := range order {
		first, others := placesIn(at[why], whyPlaces, beside(s))
		if others != "" {
			first += ", " + others
		}
		p.wrap(4, p.paint(dim, cmp.Or(said(first), "–")+": "+said(why)))
	}
}

// whyPlaces is how many places are named with one reason.
const whyPlaces = 8

// fixRows is a row a fix: those that are the same in several places are one, with
// how many they are.
func (p *page) fixRows(s finding.Subject, items []fix.Item, mark func(fix.Item) string) [][]string {
	var rows [][]string
	at := map[string]int{}
	same := [][]finding.Finding{}
	for _, it := range items {
		row := []string{mark(it), "", said(string(it.Finding.Rule)), it.Fix.Safety.String(), said(titleOf(it))}
		key := strings.Join(row, "\x00")
		i, ok := at[key]
		if !ok {
			i = len(rows)
			at[key], rows, same = i, append(rows, row), append(same, nil)
		}
		same[i] = append(same[i], it.Finding)
	}
	for i := range rows {
		first, others := placesIn(same[i], rowPlaces, beside(s))
		rows[i][1], rows[i][4] = said(first), p.also(rows[i][4], said(others))
		if n := len(same[i]); n > 1 {
			rows[i][2] += fmt.Sprintf(" ×%d", n)
		}
	}
	return rows
}

// titleOf is a fix with the vulnerabilities that it puts right.
func titleOf(it fix.Item) string {
	const show = 3
	ids := it.Resolves()
	if len(ids) > show {
		ids = append(ids[:show:show], fmt.Sprintf("%d more", len(it.Resolves())-show))
	}
	if len(ids) == 0 {
		return it.Fix.Title
	}
	return it.Fix.Title + ": " + strings.Join(ids, ", ")
}

// beside is a place as seen from the folder of what is fixed, whose path stands
// above.
func beside(s finding.Subject) func(string) string {
	dir := s.Name
	if s.Kind != finding.KindFolder {
		dir = path.Dir(filepath.ToSlash(s.Name))
	}
	return func(at string) string { return strings.TrimPrefix(filepath.ToSlash(at), dir+"/") }
}

func placeOf(it fix.Item) string { return cmp.Or(place(it.Finding), "–") }

// diff shows what changes in a file.
func (p *page) diff(x fix.File) {
	name := strings.TrimPrefix(said(x.Name), "/")
	if isLock(x.Name) && !p.opt.Full {
		come, gone := lines(x)
		p.wrap(0, fmt.Sprintf("%s: %s come, %d go (a lock file: --full shows them)", p.paint(heading, name), finding.Count(come, "line"), gone))
		return
	}
	from := "a/" + name
	if x.New {
		from = "/dev/null"
	}
	p.line("%s", p.paint(bad, "--- "+from))
	p.line("%s", p.paint(good, "+++ b/"+name))
	p.hunks(x.Hunks)
}

// isLock reports whether a program writes a file, and nobody reads what changes
// in it line by line.
func isLock(name string) bool {
	switch base := strings.ToLower(filepath.Base(name)); base {
	case "go.sum", "go.work.sum", "npm-shrinkwrap.json", "pnpm-lock.yaml", "package-lock.json", "packages.lock.json":
		return true
	default:
		return strings.HasSuffix(base, ".lock")
	}
}

// lines counts those that a change brings and takes away.
func lines(x fix.File) (come, gone int) {
	for _, h := range x.Hunks {
		for _, l := range h.Lines {
			switch l.Op {
			case '+':
				come++
			case '-':
				gone++
			}
		}
	}
	return come, gone
}

func (p *page) hunks(hunks []fix.Hunk) {
	for _, h := range hunks {
		p.line("%s", p.paint(command, h.Head()))
		for _, l := range h.Lines {
			s := plain
			switch l.Op {
			case '-':
				s = bad
			case '+':
				s = good
			}
			p.line("%s", p.paint(s, string(l.Op)+said(strings.TrimSuffix(l.Text, "\r"))))
			if l.NoEnd {
				p.line(`\ No newline at end of file`)
			}
		}
	}
}

// Hunks writes what one fix changes, as the interactive mode shows it.
func Hunks(w io.Writer, hunks []fix.Hunk, opt Options) error {
	return paged(w, opt, func(p *page) { p.hunks(hunks) })
}

// verdict says how far all that was applied is proved, and what it changes.
func (p *page) verdict(f *repair.Fixed) {
	v := f.Verdict
	if v == nil {
		return
	}
	p.line("")
	s := good
	if v.Reached < f.Wanted {
		s = warn
	}
	if v.Failed != nil {
		s = bad
	}
	p.line("%s %s", p.paint(heading, "Proof:"), p.paint(s, v.Reached.String()))
	var rows [][]string
	for _, st := range v.Steps {
		rows = append(rows, []string{st.Name, took(st.Took), said(st.Did)})
	}
	p.table(2, []string{"STEP", ">TOOK", "+"}, rows)
	for _, n := range v.Notes {
		p.wrap(2, "note: "+said(n))
	}
	for _, l := range v.Left {
		p.wrap(2, p.paint(warn, "left behind: ")+said(l))
	}
	for _, fail := range []*fix.Failure{v.Failed, v.Short} {
		if fail != nil {
			p.wrap(2, p.paint(s, said(fail.Step))+": "+said(fail.Why))
			p.log(fail)
			if fail.Hint != "" {
				p.wrap(2, "hint: "+said(fail.Hint))
			}
		}
	}
	if rows := sides(v); len(rows) > 0 {
		p.line("")
		p.table(2, []string{"", ">BEFORE", ">AFTER", "+"}, rows)
	}
}

func took(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return "–"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// logLines is how much of a log's end is shown.
const logLines = 12

// log shows the end of a failure's log.
func (p *page) log(f *fix.Failure) {
	for _, l := range lastLines(f.Log, logLines) {
		p.line("    %s", p.fit(p.paint(dim, "| ")+l))
	}
}

// lastLines is the end of a log, cleaned line by line.
func lastLines(log string, n int) []string {
	var out []string
	for l := range strings.SplitSeq(strings.TrimSpace(secret.Redact(log)), "\n") {
		// What a program overwrote on its terminal's line is not told again.
		l = strings.TrimRight(l, "\r")
		if i := strings.LastIndexByte(l, '\r'); i >= 0 {
			l = l[i+1:]
		}
		if l = strings.TrimRight(clean(l), " "); l != "" {
			out = append(out, l)
		}
	}
	return out[max(0, len(out)-n):]
}

// sides compares the two images, a row a measure: name, before, after, change.
func sides(v *fix.Verdict) [][]string {
	if v.Before == nil || v.After == nil || v.Before.Measured == nil || v.After.Measured == nil {
		return nil
	}
	b, a := v.Before, v.After
	rows := [][]string{
		{"size", Bytes(b.Size), Bytes(a.Size), percent(b.Size, a.Size)},
		{"layers", fmt.Sprint(b.Layers), fmt.Sprint(a.Layers), ""},
		{"packages", fmt.Sprint(b.Packages), fmt.Sprint(a.Packages), ""},
		{"vulnerabilities", severities(b.Measured), severities(a.Measured), ""},
		{"user", userOf(b), userOf(a), ""},
	}
	if c := v.Cache; c != nil {
		rows = append(rows, []string{
			"cached steps", fmt.Sprintf("%d of %d", c.CachedBefore, c.StepsBefore),
			fmt.Sprintf("%d of %d", c.CachedAfter, c.StepsAfter), "after a change of " + said(c.File),
		})
	}
	return rows
}

func percent(before, after int64) string {
	if before <= 0 || before == after {
		return ""
	}
	return fmt.Sprintf("%+.0f %%", 100*float64(after-before)/float64(before))
}

// severities counts as "1C 4H 12M 3L".
func severities(m *fix.Measured) string {
	if m.Vulnerabilities == nil {
		return "not known"
	}
	var parts []string
	for _, s := range []finding.Severity{finding.Critical, finding.High, finding.Medium, finding.Low} {
		parts = append(parts, fmt.Sprintf("%d%s", m.Vulnerabilities[s], letter(s)))
	}
	if len(m.Unknown) > 0 {
		parts = append(parts, "and what could not be told")
	}
	return strings.Join(parts, " ")
}

func userOf(s *fix.Side) string {
	if s.Image.User == "" {
		return "root"
	}
	return said(s.Image.User)
}

// outcome is the sentence at the end.
func (p *page) outcome(f *repair.Fixed) string {
	n := len(f.Applied)
	switch {
	case n == 0 && slices.ContainsFunc(f.Left, func(i fix.Item) bool { return i.Failure != nil }):
		return p.paint(bad, "Nothing is written: the proof failed.")
	case n == 0:
		return "Nothing is changed."
	case len(f.Files) > 0 && f.Files[0].Written:
		fixes := oneOrMore(n, "fix is", "fixes are")
		return p.paint(good, fmt.Sprintf("%s written to %s; proof: %s.", fixes, fileNames(f), f.Verdict.Reached))
	case f.Committed:
		return p.paint(good, fmt.Sprintf("%s committed; proof: %s.", oneOrMore(n, "fix is", "fixes are"), f.Verdict.Reached))
	case f.Verdict != nil && f.Verdict.Reached < f.Wanted:
		return p.paint(warn, fmt.Sprintf("Nothing is written: %s was asked for, and no more than %s is reached.",
			f.Wanted, f.Verdict.Reached))
	}
	return fmt.Sprintf("%s ready; nothing is written.", oneOrMore(n, "fix is", "fixes are"))
}

func oneOrMore(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}

func fileNames(f *repair.Fixed) string {
	var names []string
	for _, x := range f.Files {
		names = append(names, said(x.Name))
	}
	return strings.Join(names, ", ")
}
