package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
)

// Markdown writes res for a pull request or an issue: tables, worst first.
func Markdown(w io.Writer, res *check.Result, opt Options) error {
	b := bufio.NewWriter(w)
	for _, s := range res.Subjects {
		t := tallyOf(res.Findings, func(f finding.Finding) bool { return f.Subject == s })
		fmt.Fprintf(b, "**%s**", cell(s.Name))
		if s.Digest != "" {
			fmt.Fprintf(b, " `%s`", s.Digest)
		}
		var parts []string
		for _, sev := range finding.Severities() {
			if t[sev] > 0 {
				parts = append(parts, fmt.Sprintf("%d %s", t[sev], sev))
			}
		}
		if len(parts) == 0 {
			parts = []string{"nothing found"}
		}
		fmt.Fprintf(b, ": %s\n\n", strings.Join(parts, ", "))
	}
	if len(res.Card) > 0 {
		fmt.Fprintf(b, "| Practice | Grade | Why |\n|---|---|---|\n")
		for _, r := range res.Card {
			grade := r.Grade
			if grade == "" {
				grade = "–"
			}
			fmt.Fprintf(b, "| %s | %s | %s |\n", strings.TrimSpace(practiceName(r.Practice)), grade, cell(strings.Join(r.Reasons, "; ")))
		}
		fmt.Fprintln(b)
	}
	markdownVulns(b, res)
	markdownRest(b, res, opt)
	if len(res.Unknown) > 0 {
		fmt.Fprintf(b, "\n**Could not be told**\n\n")
		for _, u := range res.Unknown {
			fmt.Fprintf(b, "- %s: %s\n", cell(u.What), cell(u.Why))
		}
	}
	if len(res.Database.Sources) > 0 {
		fmt.Fprintf(b, "\n%s\n", dataLine(res.Database))
	}
	return b.Flush()
}

func markdownVulns(b *bufio.Writer, res *check.Result) {
	first := true
	for _, f := range res.Findings {
		v := f.Vuln
		if v == nil || f.Suppressed != nil {
			continue
		}
		if first {
			fmt.Fprintf(b, "| Severity | Vulnerability | Package | Version | Fixed in | Where |\n|---|---|---|---|---|---|\n")
			first = false
		}
		id := cell(v.ID)
		if strings.HasPrefix(v.URL, "https://") && !strings.ContainsAny(v.URL, " ()<>|\n") {
			id = "[" + id + "](" + v.URL + ")"
		}
		if v.KEV {
			id += " **exploited**"
		}
		fix := cell(v.FixedIn)
		if fix == "" {
			fix = "–"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s |\n", f.Severity, id, cell(v.Name), cell(v.Version), fix, cell(place(f)))
	}
	if !first {
		fmt.Fprintln(b)
	}
}

func markdownRest(b *bufio.Writer, res *check.Result, opt Options) {
	first := true
	for _, f := range res.Findings {
		if f.Vuln != nil || f.Suppressed != nil {
			continue
		}
		if first {
			fmt.Fprintf(b, "| Severity | Rule | Finding | Where |\n|---|---|---|---|\n")
			first = false
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", f.Severity, f.Rule, cell(f.Message), cell(place(f)))
	}
	if !opt.ShowSuppressed {
		return
	}
	first = true
	for _, f := range res.Findings {
		if f.Suppressed == nil {
			continue
		}
		if first {
			fmt.Fprintf(b, "\n| Suppressed | By | Why |\n|---|---|---|\n")
			first = false
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", cell(f.Key), f.Suppressed.By, cell(f.Suppressed.Reason))
	}
}
