package report

import (
	"slices"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
)

// DocSupport is how long a release is supported that a subject stands on.
type DocSupport struct {
	Subject   int    `json:"subject"`
	Product   string `json:"product"` // as endoflife.date calls it: "debian", "nodejs"
	Release   string `json:"release"` // "Debian 11 (Bullseye)"
	EOL       string `json:"eol,omitempty"`
	Supported bool   `json:"supported"`
	Message   string `json:"message,omitempty"` // where it is over, or will be soon
}

func docSupports(res *check.Result) []DocSupport {
	var out []DocSupport
	for _, s := range res.Support {
		out = append(out, DocSupport{
			Subject: subjectIndex(res.Subjects, s.Subject), Product: s.Product, Release: s.Name(),
			EOL: day(s.EOL), Supported: !s.Over, Message: s.Aging,
		})
	}
	return out
}

// aging is what there is to say of the releases that a subject stands on and that
// no finding says.
func aging(res *check.Result, subject finding.Subject) []string {
	var out []string
	for _, s := range res.Support {
		told := func(f finding.Finding) bool { return f.Subject == subject && f.Message == s.Aging }
		if s.Aging != "" && s.Subject == subject && !slices.ContainsFunc(res.Findings, told) {
			out = append(out, s.Aging)
		}
	}
	return out
}

// agingLines are what no finding says of any subject's releases, each once, with
// the subject where it is that of one alone.
func agingLines(res *check.Result) []string {
	var lines []string
	of := map[string][]finding.Subject{}
	for _, t := range res.Targets {
		for _, s := range aging(res, t.Subject) {
			if of[s] == nil {
				lines = append(lines, s)
			}
			of[s] = append(of[s], t.Subject)
		}
	}
	for i, s := range lines {
		if len(of[s]) == 1 {
			lines[i] = about(res, of[s][0]) + s
		}
	}
	return lines
}

// outOfSupport says which of the releases that the targets stand on are over.
func (p *page) outOfSupport() {
	for i, s := range agingLines(p.res) {
		if i == 0 {
			p.line("")
		}
		p.wrap(0, p.paint(warn, "! ")+s)
	}
}

func markdownSupport(res *check.Result) string {
	var rows []string
	for _, s := range agingLines(res) {
		rows = append(rows, "- "+cell(s)+"\n")
	}
	if len(rows) == 0 {
		return ""
	}
	return "\n" + fill("**Out of support**\n\n", rows, asideShare)
}
