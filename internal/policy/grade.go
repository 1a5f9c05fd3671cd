package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// Grade is a practice's letter, A to F, and the reasons for it, the weightiest
// first, by the table in the package's documentation. It looks at the
// findings of that practice that are not suppressed, and for layering at the
// images' efficiency too.
func Grade(p finding.Practice, findings []finding.Finding, stats ...Stats) (letter string, reasons []string) {
	var of, aside []finding.Finding
	for _, f := range findings {
		switch {
		case f.Practice != p || f.Suppressed != nil || f.Rule == RuleExpired:
		case f.Unshipped != "":
			aside = append(aside, f)
		default:
			of = append(of, f)
		}
	}
	var marks []mark
	if p == finding.Vulnerabilities {
		marks = gradeVulnerabilities(of)
	} else {
		marks = gradeFindings(of)
	}
	if p == finding.Layering {
		for _, s := range stats {
			marks = append(marks, gradeEfficiency(s)...)
		}
	}
	marks = append(marks, gradeUnshipped(aside)...)
	sorting.By(marks, func(a, b mark) int { return int(b.letter) - int(a.letter) })
	best := byte('A')
	for _, m := range marks {
		best = max(best, m.letter)
		reasons = append(reasons, m.reason)
	}
	return string(best), reasons
}

// mark is one reason for a letter.
type mark struct {
	letter byte
	reason string
}

// gradeUnshipped is the mark for what is found where nothing is shipped from.
func gradeUnshipped(fs []finding.Finding) []mark {
	if len(fs) == 0 {
		return nil
	}
	letter := byte('A')
	var where []string
	for _, f := range fs {
		if f.Severity.Place() <= finding.Unspecified.Place() {
			letter = 'B'
		}
		if !slices.Contains(where, f.Unshipped) {
			where = append(where, f.Unshipped)
		}
	}
	slices.Sort(where)
	return []mark{{letter, fmt.Sprintf("%s in what is not shipped (%s), which weighs less",
		finding.Count(len(fs), "finding"), strings.Join(where, ", "))}}
}

func gradeVulnerabilities(fs []finding.Finding) []mark {
	var kev, criticalFixed, critical, high, medium, unratedFixed, unrated int
	for _, f := range fs {
		if f.Vuln != nil && f.Vuln.KEV {
			kev++
		}
		switch f.Severity {
		case finding.Critical:
			if f.Vuln != nil && f.Vuln.FixedIn != "" {
				criticalFixed++
			} else {
				critical++
			}
		case finding.High:
			high++
		case finding.Medium:
			medium++
		case finding.Unspecified:
			if f.Vuln != nil && f.Vuln.FixedIn != "" {
				unratedFixed++
			} else {
				unrated++
			}
		}
	}
	letterHigh, letterUnrated := byte('C'), byte('B')
	if high > 10 {
		letterHigh = 'D'
	}
	if unratedFixed > 10 {
		letterUnrated = 'C'
	}
	return counted(
		count{kev, 'F', "known exploited vulnerability"},
		count{criticalFixed, 'F', "critical, fixable vulnerability"},
		count{critical, 'D', "critical vulnerability"},
		count{high, letterHigh, "high vulnerability"},
		count{unratedFixed, letterUnrated, "unrated, fixable vulnerability"},
		count{unrated, 'B', "unrated vulnerability"},
		count{medium, 'B', "medium vulnerability"},
	)
}

func gradeFindings(fs []finding.Finding) []mark {
	n := map[finding.Severity]int{}
	for _, f := range fs {
		n[f.Severity]++
	}
	letterHigh := byte('C')
	if n[finding.High] >= 3 {
		letterHigh = 'D'
	}
	return counted(
		count{n[finding.Critical], 'F', "critical finding"},
		count{n[finding.High], letterHigh, "high finding"},
		count{n[finding.Unspecified], 'B', "unrated finding"},
		count{n[finding.Medium], 'B', "medium finding"},
	)
}

type count struct {
	n      int
	letter byte
	what   string
}

func counted(cs ...count) []mark {
	var out []mark
	for _, c := range cs {
		if c.n > 0 {
			out = append(out, mark{c.letter, finding.Count(c.n, c.what)})
		}
	}
	return out
}

func gradeEfficiency(s Stats) []mark {
	if s.Wasted < EfficiencyFloor {
		return nil
	}
	letter := byte('F')
	for _, step := range [...]struct {
		least  float64
		letter byte
	}{{0.95, 'A'}, {0.90, 'B'}, {0.80, 'C'}, {0.70, 'D'}} {
		if s.Efficiency >= step.least {
			letter = step.letter
			break
		}
	}
	return []mark{{letter, fmt.Sprintf("%s%s reclaimable, efficiency %.1f%%", s.prefix(), size(s.Reclaimable), 100*s.Efficiency)}}
}
