package report

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/secret"
)

// lint lists what is wrong in each Dockerfile in the order of its lines, with
// the line, a caret below what is meant, and what can be done.
func (p *page) lint() {
	l := linted{counts: tally{}}
	for _, s := range p.res.Subjects {
		p.lintSubject(s, &l)
	}
	p.lintEnd(l)
}

// linted is what a list of findings comes to.
type linted struct {
	counts         tally
	fixable, files int
}

func (p *page) lintSubject(s finding.Subject, l *linted) {
	head := false
	last := finding.Span{}
	for _, f := range p.res.Findings {
		if f.Subject != s || f.Suppressed != nil {
			continue
		}
		if !head {
			if l.files++; l.files > 1 {
				p.line("")
			}
			p.line("%s", p.paint(heading, p.res.Title(s)))
			head = true
		}
		l.counts[f.Severity]++
		if len(f.Fixes) > 0 && len(f.Fixes[0].Edits) > 0 {
			l.fixable++
		}
		at := sourceOf(f)
		p.problem(f, at == nil || *at != last)
		if at != nil {
			last = *at
		}
	}
}

func (p *page) lintEnd(l linted) {
	if l.files > 0 {
		p.line("")
	}
	p.lintTotal(l.counts, l.fixable, l.files)
	p.benchmark()
	p.suppressed()
	p.footer(p.lintNext(l.fixable)...)
}

// LintText is the text of a lint that is written file by file.
type LintText struct {
	opt Options
	w   *guard
	sum linted

	begun bool // something was given to File
}

// NewLintText begins a text as [Write] writes it.
func NewLintText(w io.Writer, opt Options) *LintText {
	opt = opt.ready("text")
	opt.View = Lint
	return &LintText{opt: opt, w: newGuard(w, opt), sum: linted{counts: tally{}}}
}

// File writes what was found in one file.
func (t *LintText) File(res *check.Result) error {
	t.begun = true
	return t.part(res, func(p *page) {
		for _, s := range p.res.Subjects {
			p.lintSubject(s, &t.sum)
		}
	})
}

// End writes what all files come to. If none was given to File, its findings are
// listed first.
func (t *LintText) End(res *check.Result) error {
	write := func(p *page) { p.lintEnd(t.sum) }
	if !t.begun {
		write = (*page).lint
	}
	if err := t.part(res, write); err != nil {
		return err
	}
	return t.w.flush()
}

func (t *LintText) part(res *check.Result, write func(*page)) error {
	b := bufio.NewWriter(t.w)
	write(&page{w: b, res: cleanResult(res), opt: t.opt})
	return b.Flush()
}

// gutter is what stands left of a problem's text: " 12:5   HIGH    ".
const gutter = 18

// problem shows one finding; its line too, unless it stands above already.
func (p *page) problem(f finding.Finding, excerpt bool) {
	place := ""
	if s := sourceOf(f); s != nil && s.Line > 0 {
		place = fmt.Sprintf("%d:%d", s.Line, s.Column)
	}
	p.line("")
	word := p.severity(f.Severity, fmt.Sprintf("%-10s", strings.ToUpper(f.Severity.String())))
	first := fmt.Sprintf("%7s %s", p.paint(dim, fmt.Sprintf("%7s", place)), word)
	for i, text := range wrapped(shortDigests(sentence(f.Message)), max(20, p.opt.Width-gutter-1)) {
		if i == 0 {
			p.line("%s %s", first, text)
			continue
		}
		p.line("%s %s", strings.Repeat(" ", gutter), text)
	}
	if excerpt {
		p.excerpt(f)
	}
	names := append([]string{string(f.Rule)}, f.Aliases...)
	p.line("%s %s", strings.Repeat(" ", gutter), p.paint(dim, p.within(strings.Join(names, "  "))))
	for _, x := range f.Fixes {
		sign := "fix: "
		if len(x.Edits) == 0 {
			sign = "do: "
		}
		text := x.Title
		if len(x.Edits) > 0 && x.Safety != finding.Safe {
			text += " (" + x.Safety.String() + ")"
		}
		for _, l := range wrapped(sign+sentence(text), max(20, p.opt.Width-gutter-1)) {
			p.line("%s %s", strings.Repeat(" ", gutter), p.paint(good, l))
		}
	}
}

func (p *page) within(s string) string { return ansi.Truncate(s, max(20, p.opt.Width-gutter-1), "…") }

// sentence is a message as people may be shown it.
func sentence(s string) string { return clean(secret.Redact(s)) }

func sourceOf(f finding.Finding) *finding.Span {
	for _, l := range f.At {
		if l.Source != nil {
			return l.Source
		}
	}
	return nil
}

// excerpt shows the line that a finding is in, with what is meant underlined. A
// secret in it is not shown.
func (p *page) excerpt(f finding.Finding) {
	s := sourceOf(f)
	b, ok := p.res.Sources[fileOf(s)]
	if !ok || s.Line < 1 || s.Start < 0 || s.Start > len(b) {
		return
	}
	start := bytes.LastIndexByte(b[:s.Start], '\n') + 1
	end := len(b)
	if n := bytes.IndexByte(b[s.Start:], '\n'); n >= 0 {
		end = s.Start + n
	}
	if start == 0 && bytes.HasPrefix(b, []byte("\xef\xbb\xbf")) && s.Start >= 3 {
		start = 3 // a mark of the encoding is not text
	}
	if p.row == nil || p.row.file != s.File || p.row.start != start {
		if p.mask == nil {
			p.mask = secret.Masker(p.res.Secrets)
		}
		p.row = excerptOf(s.File, start, string(b[start:end]), p.mask)
	}
	row := p.row
	before, meant := string(b[start:s.Start]), string(b[s.Start:min(max(s.End, s.Start), start+row.size, len(b))])
	if s.Start > start+row.size {
		meant = ""
	}
	if row.text == "" {
		return
	}
	text, unmasked := row.text, row.unmasked(f)
	if unmasked {
		text = masked(row.raw, s.Start-start)
	}
	if unmasked || row.hides {
		before, meant = "", ""
	}
	indent := len(text) - len(strings.TrimLeft(text, " "))
	text = text[indent:]
	from := max(0, ansi.StringWidth(shownLine(before))-indent)
	length := max(1, ansi.StringWidth(shownLine(meant)))
	room := max(20, p.opt.Width-gutter-1)
	if over := from + min(length, room/2) - room; over > 0 {
		cutAt := min(over+1, from)
		text, from = "…"+ansi.TruncateLeft(text, cutAt, ""), from-cutAt+1
	}
	pad := strings.Repeat(" ", gutter)
	p.line("%s %s", pad, ansi.Truncate(text, room, "…"))
	if meant != "" {
		p.line("%s %s%s", pad, strings.Repeat(" ", from), p.severity(f.Severity, strings.Repeat("^", max(1, min(length, room-from)))))
	}
}

// excerptLine is a line of a file as it is shown: worked out once for all findings in it,
// as a line may be long and have many.
type excerptLine struct {
	file  string
	start int    // of its first byte
	size  int    // of what is not white space or a continuation at its end
	raw   string // as it stands in the file
	text  string // without the values that are secret; empty: there is nothing to show
	hides bool   // whether there were such
}

// unmasked reports whether a secret of a finding is not among those that were
// taken out of the line: it is too short for that, or written otherwise there.
func (r *excerptLine) unmasked(f finding.Finding) bool {
	return slices.ContainsFunc(f.Hidden, func(v finding.Secret) bool { return strings.Contains(r.text, string(v)) }) ||
		len(f.Hidden) > 0 && !r.hides
}

func excerptOf(file string, start int, line string, mask func(string) string) *excerptLine {
	raw := strings.TrimRight(line, "\r\\` \t")
	r := &excerptLine{file: file, start: start, size: len(raw), raw: raw}
	if strings.TrimSpace(raw) == "" {
		return r
	}
	hidden := secret.Redact(mask(raw))
	r.hides = hidden != raw
	r.text = shownLine(hidden)
	return r
}

func fileOf(s *finding.Span) string {
	if s == nil {
		return ""
	}
	return s.File
}

// shownLine is a line of a file with its tabs as four spaces.
func shownLine(s string) string { return clean(strings.ReplaceAll(s, "\t", "    ")) }

// masked is a line that holds a secret at or after a byte, without the value: what
// is assigned there, or else all behind the first words.
func masked(raw string, at int) string {
	if i := strings.IndexByte(raw[min(at, len(raw)):], '='); i >= 0 {
		value := raw[at+i+1:]
		end := strings.IndexAny(value, " \t")
		if value != "" && (value[0] == '"' || value[0] == '\'') {
			end = strings.IndexByte(value[1:], value[0]) + 2
		}
		if end < 2 {
			end = len(value)
		}
		return shownLine(secret.Redact(raw[:at+i+1]) + "****" + secret.Redact(value[min(end, len(value)):]))
	}
	words := strings.Fields(raw)
	return shownLine(strings.Join(words[:min(2, len(words))], " ") + " ****")
}

func (p *page) lintTotal(counts tally, fixable, files int) {
	total := 0
	for _, n := range counts {
		total += n
	}
	if total == 0 {
		switch n := len(p.res.Subjects); {
		case len(p.res.Unknown) > 0:
			p.line("Nothing found, but not everything could be told")
		case n == 1:
			p.line("%s", p.paint(good, "Nothing found"))
		default:
			p.line("%s", p.paint(good, fmt.Sprintf("Nothing found in %d %ss", n, p.lookedAt())))
		}
		return
	}
	text := fmt.Sprintf("%s in %s  %s", finding.Count(total, "finding"), finding.Count(files, p.lookedAt()), p.counts(counts))
	if fixable > 0 {
		text += fmt.Sprintf("  %d with a fix", fixable)
	}
	p.line("%s", text)
}

// lookedAt is what the page is about.
func (p *page) lookedAt() string {
	if p.opt.View == Audit {
		return "subject"
	}
	return "file"
}
