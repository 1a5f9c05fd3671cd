package index

import (
	"cmp"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/policy/admission"
)

// Counts are findings by severity: a vulnerability and a package each, as "drydock
// cves" counts them. What is suppressed or excepted is in none.
type Counts struct {
	Critical    int `json:"critical"`
	High        int `json:"high"`
	Medium      int `json:"medium"`
	Low         int `json:"low"`
	Negligible  int `json:"negligible"`
	Unspecified int `json:"unspecified"`
}

// Of is the count of one severity.
func (c *Counts) Of(s finding.Severity) *int {
	switch s {
	case finding.Critical:
		return &c.Critical
	case finding.High:
		return &c.High
	case finding.Medium:
		return &c.Medium
	case finding.Low:
		return &c.Low
	case finding.Negligible:
		return &c.Negligible
	default:
		return &c.Unspecified
	}
}

func (c *Counts) plus(o Counts, sign int) {
	c.Critical += sign * o.Critical
	c.High += sign * o.High
	c.Medium += sign * o.Medium
	c.Low += sign * o.Low
	c.Negligible += sign * o.Negligible
	c.Unspecified += sign * o.Unspecified
}

// Total counts all.
func (c Counts) Total() int {
	return c.Critical + c.High + c.Medium + c.Low + c.Negligible + c.Unspecified
}

// compare orders counts, those with more of the worst first.
func (c Counts) compare(o Counts) int {
	return cmp.Or(o.Critical-c.Critical, o.High-c.High, o.Medium-c.Medium, o.Low-c.Low, o.Negligible-c.Negligible, o.Unspecified-c.Unspecified)
}

// tally is what is counted of a part, or of all parts of an inventory.
type tally struct {
	All      Counts
	Fixable  Counts
	KEV      int // known to be exploited
	Silent   int // that do not count
	Gaps     int // parts of which something could not be told
	Unjudged int // parts that are not matched yet
	Packages int
	Sums     [admission.MaxCounted]admission.Sum // of the policies that count
}

// finding counts a finding, or with -1 takes it out again.
func (t *tally) finding(f *finding.Finding, n int) {
	*t.All.Of(f.Severity) += n
	if f.Vuln.FixedIn != "" {
		*t.Fixable.Of(f.Severity) += n
	}
	if f.Vuln.KEV {
		t.KEV += n
	}
}

func (t *tally) add(o tally) {
	t.All.plus(o.All, 1)
	t.Fixable.plus(o.Fixable, 1)
	t.KEV += o.KEV
	t.Silent += o.Silent
	t.Gaps += o.Gaps
	t.Unjudged += o.Unjudged
	t.Packages += o.Packages
	for i := range t.Sums {
		t.Sums[i].Add(o.Sums[i], 1)
	}
}

func (t *tally) sub(o tally) {
	t.All.plus(o.All, -1)
	t.Fixable.plus(o.Fixable, -1)
	t.KEV -= o.KEV
	t.Silent -= o.Silent
	t.Gaps -= o.Gaps
	t.Unjudged -= o.Unjudged
	t.Packages -= o.Packages
	for i := range t.Sums {
		t.Sums[i].Add(o.Sums[i], -1)
	}
}

// Repository is a reference without tag and digest.
func Repository(ref string) string { return finding.ParseReference(ref).Name }
