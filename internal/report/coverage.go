package report

import (
	"slices"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
)

// DocCoverage is what the advisory data cover of one ecosystem of one subject:
// from when to when vulnerabilities with a fix are recorded, and to when those
// without one. Complete says that the two days are one.
type DocCoverage struct {
	Subject     int      `json:"subject"`
	Ecosystem   string   `json:"ecosystem"`
	Packages    int      `json:"packages"`
	Advisories  int      `json:"advisories"`
	From        string   `json:"from,omitempty"`
	To          string   `json:"to"`
	Unfixed     string   `json:"unfixedTo,omitempty"` // empty: vulnerabilities without a fix are not recorded
	Complete    bool     `json:"complete"`
	Behind      []string `json:"behind,omitempty"`      // packages of which nothing is recorded after unfixedTo
	Unsupported []string `json:"unsupported,omitempty"` // packages of limited or no security support, with which
	Why         string   `json:"why,omitempty"`
}

func docCoverage(c check.Coverage, subject int) DocCoverage {
	return DocCoverage{
		Subject: subject, Ecosystem: c.Ecosystem, Packages: c.Packages, Advisories: c.Advisories,
		From: day(c.From), To: day(c.To), Unfixed: day(c.Unfixed), Complete: c.Complete(),
		Behind: c.Behind, Unsupported: c.Unsupported, Why: c.Sentence(),
	}
}

// coverageLines are what a reader must know of the data's coverage, each once;
// one that is not of every subject names its own.
func coverageLines(res *check.Result) []string {
	var lines []string
	of := map[string][]finding.Subject{}
	for _, c := range res.Coverage {
		for _, s := range c.Sentences() {
			if of[s] == nil {
				lines = append(lines, s)
			}
			of[s] = append(of[s], c.Subject)
		}
	}
	for i, s := range lines {
		if len(of[s]) == 1 && len(res.Subjects) > 1 {
			lines[i] = about(res, of[s][0]) + s
		}
	}
	return append(notRead(res), lines...)
}

// whole reports whether everything that the data could have of a subject is
// recorded, as far as the data themselves say.
func whole(res *check.Result, s finding.Subject) bool {
	return !slices.ContainsFunc(res.Coverage, func(c check.Coverage) bool {
		return c.Subject == s && (!c.Complete() || len(c.Behind) > 0)
	})
}

// coverage says where the data may lack a vulnerability.
func (p *page) coverage() {
	lines := coverageLines(p.res)
	if len(lines) == 0 {
		return
	}
	p.line("")
	p.line("%s", p.paint(heading, "Coverage"))
	for _, s := range lines {
		p.wrap(2, s)
	}
}

func markdownCoverage(res *check.Result) string {
	var rows []string
	for _, s := range coverageLines(res) {
		rows = append(rows, "- "+cell(s)+"\n")
	}
	if len(rows) == 0 {
		return ""
	}
	return "\n" + fill("**Coverage**\n\n", rows, asideShare)
}

// supported is the word on how far the distribution supports a finding's
// package; empty: as any other.
func supported(f finding.Finding) string {
	for _, e := range f.Evidence {
		if e.Kind == finding.EvidenceSupport {
			return e.Text
		}
	}
	return ""
}

func cleanCoverage(all []check.Coverage) []check.Coverage {
	var out []check.Coverage
	for _, c := range all {
		c.Subject, c.Ecosystem = cleanSubject(c.Subject), clean(c.Ecosystem)
		c.Behind, c.Unsupported = cleanAll(c.Behind), cleanAll(c.Unsupported)
		out = append(out, c)
	}
	return out
}
