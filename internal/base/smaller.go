package base

import (
	"fmt"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
)

func smallerVariant() finding.Rule {
	return finding.Rule{
		ID:       "base/smaller-variant",
		Title:    "A smaller image of the same software would do as a base",
		Practice: finding.MinimalBase,
		Severity: finding.Low,
		Aliases:  []string{"CIS-4.3"},
		Why: "What is not in the image cannot be attacked, and need not be pulled, scanned and upgraded. Many images come in several builds: " +
			"the full one has compilers, headers and tools that only a build needs; a slim one or one on Alpine Linux has what the software itself " +
			"needs. What the application asks of its base beside that must be looked at first: `drydock recommend` lists it.\n\n" +
			"It is medium where the base is the full image, or where the smaller one is known to have less than half its size or fewer severe " +
			"vulnerabilities.",
		Bad:  "FROM python:3.14\n",
		Good: "FROM python:3.14-alpine\n",
	}
}

func newerImage() finding.Rule {
	return finding.Rule{
		ID:       "base/newer-image",
		Title:    "A newer supported image could take the base's place",
		Practice: finding.TrustedBase,
		Severity: finding.Low,
		Aliases:  []string{"CIS-4.4"},
		Why: "A base gets its fixes by being built anew, and as long as its release is supported. `drydock recommend` proposes newer images of " +
			"the same channel, and none that has more severe vulnerabilities merely for being newer. `drydock check` reports a release that is " +
			"over under its own rules.",
		Bad:  "FROM nginx:1.20\n",
		Good: "FROM nginx:stable\n",
	}
}

// Finding is the best option of a group as a finding, with its index among the
// options; false: none is recommended, or nobody assessed it. Its place and its
// edit are the caller's.
func (a *Advice) Finding(g Group) (finding.Finding, int, bool) {
	n := a.best(g)
	if n < 0 || !a.Options[n].Assessed() {
		return finding.Finding{}, 0, false
	}
	o := &a.Options[n]
	rule := newerImage()
	if g == Slim {
		rule = smallerVariant()
	}
	f := of(rule, a.Ref+" "+string(g), fmt.Sprintf("%s could be %s", a.Ref, o.Ref))
	if g == Slim {
		f.Key = a.Ref
		if a.Build.variant() == fullVariant {
			f.Severity = finding.Medium
		}
		f.Message = fmt.Sprintf("%s could be %s, a smaller image of the same software", a.Ref, o.Ref)
	}
	var facts []string
	if s, t := a.Seen, o.Seen; s != nil && t != nil {
		if s.Size > 0 && t.Size > 0 {
			facts = append(facts, fmt.Sprintf("%s instead of %s", Megabytes(t.Size), Megabytes(s.Size)))
			if t.Size*2 < s.Size {
				f.Severity = finding.Medium
			}
		}
		if s.counted() && t.counted() {
			x, y := s.severe(), t.severe()
			facts = append(facts, fmt.Sprintf("%d critical and %d high instead of %d and %d", y[0], y[1], x[0], x[1]))
			if s.worse(t) {
				f.Severity = finding.Medium
			}
		}
	}
	if len(facts) > 0 {
		f.Message += ": " + strings.Join(facts, ", ")
		if a.Entry != nil && a.Entry.Reconstructed || o.Entry != nil && o.Entry.Reconstructed {
			f.Message += " (as reconstructed)"
		}
	}
	for _, e := range []*Entry{a.Entry, o.Entry} {
		if e != nil && !e.Bare {
			f.Evidence = append(f.Evidence, finding.Evidence{Kind: "base", Text: "what " + e.Ref + " holds: " + e.From()})
		}
	}
	for _, w := range o.Why {
		f.Evidence = append(f.Evidence, finding.Evidence{Kind: "for", Text: w})
	}
	for _, c := range o.Check {
		f.Evidence = append(f.Evidence, finding.Evidence{Kind: "check", Text: c})
	}
	return f, n, true
}

// Megabytes is a size as images have them: "11.5 MB", "142 MB".
func Megabytes(n int64) string {
	mb := float64(n) / 1e6
	if mb < 100 {
		return fmt.Sprintf("%.1f MB", mb)
	}
	return fmt.Sprintf("%.0f MB", mb)
}
