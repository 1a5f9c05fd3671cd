package report

import (
	"bufio"
	"fmt"
	"image/color"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
)

// Text writes res for people: the view that opt asks for, what could not be
// told, where the data is from, and the next command to type.
func Text(w io.Writer, res *check.Result, opt Options) error {
	b := bufio.NewWriter(w)
	p := &page{w: b, res: res, opt: opt}
	switch opt.View {
	case CVEs:
		p.cves()
	case Quickview:
		p.quickview()
	case Layers:
		p.layers()
	case Packages:
		p.packages()
	case Tree:
		p.tree()
	case Lint, Audit:
		p.lint()
	default:
		p.card()
	}
	return b.Flush()
}

// page is one text report being written. Its writer keeps the first error.
type page struct {
	w   *bufio.Writer
	res *check.Result
	opt Options

	row  *excerptLine        // the line that was shown last
	mask func(string) string // takes what is secret out of a line; nil: not needed yet
}

func (p *page) line(format string, args ...any) { fmt.Fprintf(p.w, format+"\n", args...) }

// style is a meaning, not a colour.
type style int

const (
	plain style = iota
	heading
	dim
	good
	warn
	bad
	command
)

func (p *page) paint(s style, text string) string {
	if !p.opt.Color || s == plain || text == "" {
		return text
	}
	st := ansi.Style{}
	switch s {
	case heading:
		st = st.Bold()
	case dim:
		st = st.Faint()
	case good:
		st = st.ForegroundColor(ansi.Green)
	case warn:
		st = st.ForegroundColor(ansi.Yellow)
	case bad:
		st = st.ForegroundColor(ansi.Red)
	case command:
		st = st.ForegroundColor(ansi.Cyan)
	}
	return st.Styled(text)
}

func (p *page) severity(s finding.Severity, text string) string {
	if !p.opt.Color {
		return text
	}
	st := ansi.Style{}
	var c color.Color
	switch s {
	case finding.Critical:
		c, st = ansi.Magenta, st.Bold()
	case finding.High:
		c = ansi.Red
	case finding.Medium:
		c = ansi.Yellow
	case finding.Low:
		c = ansi.Cyan
	default:
		return st.Faint().Styled(text)
	}
	return st.ForegroundColor(c).Styled(text)
}

// rated is a severity in a table's cell.
func (p *page) rated(s finding.Severity) string { return p.severity(s, strings.ToUpper(s.String())) }

// counts is a tally as "1C 4H 12M 3L", in colour, without the zeros of a tally
// that has something. Nothing at all is "0".
func (p *page) counts(t tally) string {
	var parts []string
	for _, s := range finding.Severities() {
		if n := t[s]; n > 0 {
			parts = append(parts, p.severity(s, fmt.Sprintf("%d%s", n, letter(s))))
		}
	}
	if len(parts) == 0 {
		return p.paint(good, "0")
	}
	return strings.Join(parts, " ")
}

// letter is a severity's column head.
func letter(s finding.Severity) string {
	if s == finding.Unspecified {
		return "?"
	}
	return strings.ToUpper(s.String()[:1])
}

// fit cuts a line to the page's width.
func (p *page) fit(s string) string {
	if len(s) <= p.opt.Width { // no text is wider than it is long
		return s
	}
	return ansi.Truncate(s, p.opt.Width, "…")
}

// widthOf is how many columns a text takes.
func widthOf(s string) int {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return ansi.StringWidth(s)
		}
	}
	return len(s)
}

// wrap breaks text at spaces to fit the page, indenting every line. A longer
// word stands on a line of its own.
func (p *page) wrap(indent int, text string) {
	pad := strings.Repeat(" ", indent)
	line, width := "", 0
	for _, word := range strings.Fields(text) {
		w := widthOf(word)
		if line != "" && indent+width+1+w > p.opt.Width {
			p.line("%s%s", pad, line)
			line, width = "", 0
		}
		if line != "" {
			line, width = line+" ", width+1
		}
		line, width = line+word, width+w
	}
	p.line("%s%s", pad, line)
}

// footer says what could not be told, what to mind, and where the data is from.
func (p *page) footer(next ...string) {
	if len(p.res.Unknown) > 0 {
		p.line("")
		p.line("%s", p.paint(heading, "Could not be told"))
		p.unknown()
	}
	p.coverage()
	if len(p.res.Warnings) > 0 {
		p.line("")
		for _, w := range p.res.Warnings {
			p.wrap(0, p.paint(warn, "warning: ")+w)
		}
	}
	about := basesLine(p.res)
	if about != "" {
		p.line("")
		p.wrap(0, p.paint(dim, about))
	}
	if d := p.res.Database; len(d.Sources) > 0 {
		if about == "" {
			p.line("")
		}
		p.wrap(0, p.paint(dim, dataLine(d)))
	}
	if len(next) > 0 {
		p.line("")
		p.line("%s", p.paint(heading, "What's next"))
		for _, n := range next {
			what, cmd, _ := strings.Cut(n, " → ")
			p.line("  %s → %s", what, p.paint(command, p.opt.Program+" "+cmd))
		}
	}
}

// unknownShown is how many of what could not be told the text lists.
const unknownShown = 9

// unknown lists what could not be told: what is the same of several subjects once.
func (p *page) unknown() {
	var order []finding.Unknown
	more := map[finding.Unknown]int{}
	for _, u := range p.res.Unknown {
		key := finding.Unknown{What: u.What, Why: u.Why}
		if _, ok := more[key]; ok {
			more[key]++
			continue
		}
		more[key] = 0
		order = append(order, u)
	}
	for i, u := range order {
		if i == unknownShown-1 && len(order) > unknownShown {
			p.line("  … and %d more (--format json lists all)", len(order)-i)
			break
		}
		of := about(p.res, u.Subject)
		if n := more[finding.Unknown{What: u.What, Why: u.Why}]; n > 0 {
			of = strings.TrimSuffix(of, ": ") + fmt.Sprintf(" and %d more: ", n)
		}
		p.wrap(2, p.paint(warn, "?")+" "+shortDigests(of+u.What)+": "+u.Why)
	}
}

// dataLine says from when the advisory data is, source by source.
func dataLine(d check.Database) string {
	byDate := map[string][]string{}
	for name, t := range d.Sources {
		byDate[day(t)] = append(byDate[day(t)], name)
	}
	var dates []string
	for date, names := range byDate {
		slices.Sort(names)
		dates = append(dates, date)
	}
	slices.Sort(dates)
	slices.Reverse(dates)
	var parts []string
	for _, date := range dates {
		parts = append(parts, strings.Join(byDate[date], ", ")+" "+date)
	}
	from := "Advisory data"
	if d.Embedded {
		from = "Advisory data (embedded snapshot)"
	}
	return from + ": " + strings.Join(parts, "; ")
}

// Bytes is a size as people write it.
func Bytes(n int64) string { return finding.Bytes(n) }

// ago is a time in words, for people who look at layers.
func ago(now, t time.Time) string {
	if t.IsZero() || t.Unix() <= 0 {
		return "–"
	}
	switch d := now.Sub(t); {
	case d < 0:
		return day(t)
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return finding.Count(int(d.Minutes()), "minute") + " ago"
	case d < 48*time.Hour:
		return finding.Count(int(d.Hours()), "hour") + " ago"
	case d < 60*24*time.Hour:
		return finding.Count(int(d.Hours()/24), "day") + " ago"
	case d < 2*365*24*time.Hour:
		return finding.Count(int(d.Hours()/24/30), "month") + " ago"
	}
	return finding.Count(int(now.Sub(t).Hours()/24/365), "year") + " ago"
}
