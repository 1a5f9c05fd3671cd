package report

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
)

// A comment on GitHub is 65,536 characters at most. Each part of the report has
// its share in bytes; what the others leave is for the vulnerabilities.
const (
	commentSize   = 64000
	subjectsShare = 8000
	cardShare     = 4000
	unknownShare  = 8000
	asideShare    = 6000  // of what is suppressed, and of the data's dates
	findingsShare = 16000 // of what is no vulnerability
)

// longestCell is the most that is shown of one text, in runes.
const longestCell = 300

// Markdown writes res for a comment on a pull request or an issue: tables, the
// worst first, cut to what a comment holds.
func Markdown(w io.Writer, res *check.Result, opt Options) error {
	head := markdownSubjects(res) + markdownCard(res) + markdownHealth(res)
	rest := markdownFindings(res)
	if opt.ShowSuppressed {
		rest += markdownSuppressed(res)
	}
	tail := markdownBenchmark(res) + markdownSupport(res) + markdownUnknown(res) + markdownCoverage(res)
	if len(res.Database.Sources) > 0 {
		tail += "\n" + cut(escape(clean(dataLine(res.Database))), asideShare) + "\n"
	}
	left := commentSize - len(head) - len(rest) - len(tail)
	_, err := io.WriteString(w, head+markdownVulns(res, left)+rest+tail)
	return err
}

func markdownSubjects(res *check.Result) string {
	var rows []string
	for _, s := range res.Subjects {
		t := tallyOf(res.Findings, func(f finding.Finding) bool { return f.Subject == s })
		row := "**" + cell(shortDigests(res.Title(s))) + "**"
		if s.Digest != "" {
			row += " " + cell(s.Digest.Short())
		}
		var parts []string
		for _, sev := range finding.Severities() {
			if t[sev] > 0 {
				parts = append(parts, fmt.Sprintf("%d %s", t[sev], sev))
			}
		}
		if len(parts) == 0 {
			parts = []string{nothing(res, s)}
		}
		rows = append(rows, row+": "+strings.Join(parts, ", ")+"\n\n")
	}
	return fill("", rows, subjectsShare)
}

func markdownCard(res *check.Result) string {
	var rows []string
	for _, r := range res.Card {
		grade := r.Grade
		if grade == "" {
			grade = "–"
		}
		rows = append(rows, row(strings.TrimSpace(practiceName(r.Practice)), grade, shortDigests(why(r.Reasons))))
	}
	return table("| Practice | Grade | Why |\n|---|---|---|\n", rows, cardShare)
}

func markdownHealth(res *check.Result) string {
	var rows []string
	for _, h := range res.Health {
		for _, r := range h.Results {
			rows = append(rows, row(r.Title, string(r.Outcome), shortDigests(r.Reason)))
		}
		rows = append(rows, row("**Grade**", h.Grade, ""))
	}
	return table("| Policy | Says | Why |\n|---|---|---|\n", rows, cardShare)
}

func markdownVulns(res *check.Result, share int) string {
	var rows []string
	for _, f := range res.Findings {
		v := f.Vuln
		if v == nil || f.Suppressed != nil {
			continue
		}
		id := cell(v.ID)
		if u := webURL(v.URL); u != "" {
			id = "[" + id + "](" + u + ")"
		}
		if v.KEV {
			id += " **exploited**"
		}
		name := v.Name
		if b := presence(v); b != "" {
			name += " (" + b + ")"
		}
		fix := v.FixedIn
		if fix == "" {
			fix = "–"
		}
		rows = append(rows, fmt.Sprintf("| %s | %s ", f.Severity, id)+row(name, v.Version, fix, where(res, f)))
	}
	return table("| Severity | Vulnerability | Package | Version | Fixed in | Where |\n|---|---|---|---|---|---|\n", rows, share)
}

func markdownFindings(res *check.Result) string {
	var rows []string
	for _, f := range res.Findings {
		if f.Vuln == nil && f.Suppressed == nil {
			rows = append(rows, row(f.Severity.String(), string(f.Rule), shortDigests(f.Message), where(res, f)))
		}
	}
	return table("| Severity | Rule | Finding | Where |\n|---|---|---|---|\n", rows, findingsShare)
}

func markdownSuppressed(res *check.Result) string {
	var rows []string
	for _, f := range res.Findings {
		if s := f.Suppressed; s != nil {
			rows = append(rows, row(f.Key, s.By, s.Reason+source(s)))
		}
	}
	return table("| Suppressed | By | Why |\n|---|---|---|\n", rows, asideShare)
}

func markdownUnknown(res *check.Result) string {
	if len(res.Unknown)+len(res.Warnings) == 0 {
		return ""
	}
	var rows []string
	for _, u := range res.Unknown {
		rows = append(rows, fmt.Sprintf("- %s: %s\n", cell(shortDigests(about(res, u.Subject)+u.What)), cell(u.Why)))
	}
	out := ""
	if len(rows) > 0 {
		out = fill("**Could not be told**\n\n", rows, unknownShare)
	}
	rows = nil
	for _, w := range res.Warnings {
		rows = append(rows, "\nWarning: "+cell(w)+"\n")
	}
	return out + fill("", rows, unknownShare)
}

// where is a finding's place, with its subject where there are several.
func where(res *check.Result, f finding.Finding) string {
	p := place(f)
	switch {
	case p == "" && len(res.Subjects) > 1:
		return shortDigests(res.Title(f.Subject))
	case strings.HasPrefix(p, f.Subject.Name):
		return p
	}
	return shortDigests(about(res, f.Subject) + p)
}

// about names a subject where there are several.
func about(res *check.Result, s finding.Subject) string {
	if len(res.Subjects) < 2 || s.Name == "" {
		return ""
	}
	return clean(res.Title(s)) + ": "
}

// table is a table with an empty line after it, and nothing where it has no rows.
func table(head string, rows []string, share int) string {
	if len(rows) == 0 {
		return ""
	}
	return fill(head, rows, share) + "\n"
}

// fill is the head and as many rows as the share of bytes holds, then how many
// there are more.
func fill(head string, rows []string, share int) string {
	const forMore = 40
	var b strings.Builder
	b.WriteString(head)
	for i, r := range rows {
		after := 0
		if i < len(rows)-1 {
			after = forMore
		}
		if b.Len()+len(r)+after > share {
			fmt.Fprintf(&b, "\n… and %d more\n", len(rows)-i)
			break
		}
		b.WriteString(r)
	}
	return b.String()
}

// row is a row of a table whose cells hold foreign text.
func row(cells ...string) string {
	var b strings.Builder
	for _, c := range cells {
		b.WriteString("| " + cell(c) + " ")
	}
	return b.String() + "|\n"
}

// cell is foreign text that stays inside a cell of a Markdown table and means
// there nothing but itself.
func cell(s string) string { return unlinked(escape(cut(clean(s), longestCell))) }

// unlinked is text in which nothing is a link to an issue, a merge request or an address: an
// empty comment stands in each. A foreign text names nobody's page and is seen on none.
func unlinked(s string) string {
	var b strings.Builder
	from := 0
	for i := range len(s) {
		if refers(s[:i], s[i:]) {
			b.WriteString(s[from:i+1] + "<!-- -->")
			from = i + 1
		}
	}
	return b.String() + s[from:]
}

// escape takes from text what Markdown, and GitHub's and GitLab's mentions,
// would make of it. A backslash is escaped as well, so that none of those that
// are put in is taken for the second half of a pair.
func escape(s string) string {
	if !strings.ContainsAny(s, "\\`*_[]<>&|~@$") {
		return s
	}
	var b strings.Builder
	before := ' '
	for i, r := range s {
		switch r {
		case '\\', '`', '*', '[', ']', '<', '>', '&', '|', '~', '$':
			b.WriteByte('\\')
		case '_':
			after, _ := utf8.DecodeRuneInString(s[i+1:])
			if !wordly(before) || !wordly(after) {
				b.WriteByte('\\')
			}
		}
		b.WriteRune(r)
		if r == '@' && !wordly(before) {
			// An empty comment keeps @name from being told that it is spoken of.
			b.WriteString("<!-- -->")
		}
		before = r
	}
	return b.String()
}

// refers reports whether the character at which after begins makes a reference to an issue
// or a merge request, or a link, of what is around it.
func refers(before, after string) bool {
	next := byte(0)
	if len(after) > 1 {
		next = after[1]
	}
	digit := next >= '0' && next <= '9'
	before = strings.ToLower(before[max(0, len(before)-4):])
	switch after[0] {
	case '#', '!':
		return digit
	case ':':
		return strings.HasPrefix(after, "://")
	case '.':
		return strings.HasSuffix(before, "www")
	case '-':
		return digit && strings.HasSuffix(before, "gh")
	}
	return false
}

func wordly(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
