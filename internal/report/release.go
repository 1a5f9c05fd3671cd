package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/compare"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/policy/admission"
)

// releaseMark is the first line of a comment, by which a pipeline finds its last one.
const releaseMark = "<!-- drydock compare-to -->\n"

// Shares of a comment about a release, in bytes; what they leave is for packages.
const (
	policiesShare = 8000
	openedShare   = 16000
	closedShare   = 8000
)

// Release writes what changed from one release to the next as a comment on a pull request:
// policies, grades, base, size, vulnerabilities opened and closed, other findings, packages.
func Release(w io.Writer, before, after *check.Result, d compare.Diff) error {
	out := releaseMark + "### " + cell(shortDigests(d.A.Subject.Name)) + " → " + cell(shortDigests(d.B.Subject.Name)) + "\n\n"
	out += releaseSides(before, after, d) + releasePolicies(before, after) + releaseGrades(before, after)
	out += releaseVulns(d) + releaseFindings(before, after)
	var rows []string
	for _, u := range d.Unknown {
		rows = append(rows, fmt.Sprintf("- %s: %s\n", cell(shortDigests(u.Subject.Name+": "+u.What)), cell(u.Why)))
	}
	if len(rows) > 0 {
		out += fill("**Could not be told**\n\n", rows, unknownShare) + "\n"
	}
	rows = nil
	for _, c := range d.Packages {
		rows = append(rows, row(string(c.Kind), c.Type+" "+c.Name, c.Before, c.After))
	}
	out += folded(finding.Count(len(rows), "package")+" changed", "| | Package | Before | After |\n|---|---|---|---|\n", rows, commentSize-len(out))
	_, err := io.WriteString(w, out)
	return err
}

// folded is a table that is closed until somebody opens it.
func folded(title, head string, rows []string, share int) string {
	const fold = 80
	if len(rows) == 0 || share < len(head)+len(title)+2*fold {
		return ""
	}
	return "<details><summary>" + title + "</summary>\n\n" + table(head, rows, share-len(title)-fold) + "</details>\n\n"
}

// releaseSides is a table of what both have, and a line that says it.
func releaseSides(before, after *check.Result, d compare.Diff) string {
	opened, closed, changed := 0, 0, 0
	for _, v := range d.Vulnerabilities {
		switch v.Kind {
		case compare.Added:
			opened++
		case compare.Removed:
			closed++
		default:
			changed++
		}
	}
	line := fmt.Sprintf("**%s opened, %d closed**", finding.Count(opened, "vulnerability"), closed)
	if changed > 0 {
		line += fmt.Sprintf(", %d with another severity", changed)
	}
	line += "; " + finding.Count(len(d.Packages), "package") + " changed"
	if d.A.Size >= 0 && d.B.Size >= 0 {
		sign := "+"
		if d.B.Size < d.A.Size {
			sign = "−"
		}
		line += "; size " + sign + sizeOf(max(d.B.Size-d.A.Size, d.A.Size-d.B.Size))
	}
	var rows []string
	for i, s := range []compare.Side{d.A, d.B} {
		res := []*check.Result{before, after}[i]
		cells := []string{[]string{"before", "now"}[i], stands(res), healthGrade(res), sizeOf(s.Size), count(s.Layers), packagesOf(s)}
		rows = append(rows, row(append(cells, sideCounts(s)...)...))
	}
	return line + ".\n\n" + table("| | Base | Grade | Size | Layers | Packages | C | H | M | L | N | ? |\n|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n", rows, subjectsShare)
}

// stands is what the first target of a result stands on.
func stands(res *check.Result) string {
	for _, t := range res.Targets {
		if t.From == nil {
			return shortDigests(standsOn(t))
		}
	}
	return "–"
}

// healthGrade is the worst grade of a result's targets.
func healthGrade(res *check.Result) string {
	g := ""
	for _, h := range res.Health {
		g = max(g, strings.Replace(h.Grade, "?", "Z", 1))
	}
	return cmp.Or(strings.Replace(g, "Z", "?", 1), "–")
}

// results are what policies say, by their names; of several targets the worst.
func results(res *check.Result) map[string]admission.Result {
	worst := []admission.Outcome{admission.Complies, admission.NotKnown, admission.Violates}
	out := map[string]admission.Result{}
	for _, h := range res.Health {
		for _, r := range h.Results {
			if had, ok := out[r.Policy]; !ok || slices.Index(worst, r.Outcome) > slices.Index(worst, had.Outcome) {
				out[r.Policy] = r
			}
		}
	}
	return out
}

func releasePolicies(before, after *check.Result) string {
	was, is := results(before), results(after)
	var rows []string
	same := map[admission.Outcome]int{}
	for _, h := range after.Health {
		for _, listed := range h.Results {
			r, ok := is[listed.Policy]
			if !ok {
				continue // it is there already
			}
			delete(is, listed.Policy)
			old, had := was[r.Policy]
			if had && old.Outcome == r.Outcome {
				same[r.Outcome]++
				continue
			}
			rows = append(rows, row(r.Title, cmp.Or(string(old.Outcome), "–"), string(r.Outcome), shortDigests(r.Reason)))
		}
	}
	out := table("| Policy | Before | Now | Why |\n|---|---|---|---|\n", rows, policiesShare)
	if len(after.Health) > 0 {
		out += fmt.Sprintf("Policies as before: %d kept, %d violated, %d unknown.\n\n", same[admission.Complies], same[admission.Violates], same[admission.NotKnown])
	}
	return out
}

// releaseGrades are the practices whose grade changed.
func releaseGrades(before, after *check.Result) string {
	was := map[finding.Practice]string{}
	for _, r := range before.Card {
		was[r.Practice] = r.Grade
	}
	var rows []string
	for _, r := range after.Card {
		if was[r.Practice] != r.Grade {
			rows = append(rows, row(strings.TrimSpace(practiceName(r.Practice)), cmp.Or(was[r.Practice], "–"), cmp.Or(r.Grade, "–"), shortDigests(why(r.Reasons))))
		}
	}
	return table("| Practice | Before | Now | Why |\n|---|---|---|---|\n", rows, cardShare)
}

func releaseVulns(d compare.Diff) string {
	var opened, closed []string
	for _, v := range d.Vulnerabilities {
		switch v.Kind {
		case compare.Removed:
			closed = append(closed, row(v.Severity.String(), v.ID, v.Name, v.InstalledInA))
		case compare.Changed:
			opened = append(opened, row(v.Before.String()+" → "+v.Severity.String(), v.ID, v.Name, v.InstalledInB, cmp.Or(v.FixedIn, "–")))
		default:
			opened = append(opened, row(v.Severity.String(), v.ID, v.Name, v.InstalledInB, cmp.Or(v.FixedIn, "–")))
		}
	}
	out := ""
	if len(opened) > 0 {
		out += "**Opened**\n\n" + table("| Severity | Vulnerability | Package | Version | Fixed in |\n|---|---|---|---|---|\n", opened, openedShare)
	}
	return out + folded(finding.Count(len(closed), "vulnerability")+" closed", "| Severity | Vulnerability | Package | Version |\n|---|---|---|---|\n", closed, closedShare)
}

// releaseFindings are findings that are no vulnerabilities, and that only one has.
func releaseFindings(before, after *check.Result) string {
	var rows []string
	for _, side := range []struct {
		word string
		news *check.Result
	}{{"new", check.News(before, after)}, {"gone", check.News(after, before)}} {
		for _, f := range side.news.Findings {
			if f.Vuln == nil && f.Suppressed == nil {
				rows = append(rows, row(side.word, f.Severity.String(), string(f.Rule), shortDigests(f.Message)))
			}
		}
	}
	return table("| | Severity | Rule | Finding |\n|---|---|---|---|\n", rows, closedShare)
}
