package check

import (
	"slices"

	"github.com/drydock-dev/drydock/internal/compare"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// Compare puts two results side by side, the earlier first. What either could
// not tell is in the difference too.
func Compare(before, after *Result) compare.Diff {
	d := compare.Sides(before.Side(), after.Side())
	d.Unknown = slices.Concat(before.Unknown, after.Unknown)
	return d
}

// News is after with only what before did not have, for a gate.
func News(before, after *Result) *Result {
	what := func(f *finding.Finding) [2]string {
		if f.Vuln != nil {
			return [2]string{f.Vuln.ID, f.Vuln.Name}
		}
		return [2]string{string(f.Rule), f.Key}
	}
	had := map[[2]string]bool{}
	for i := range before.Findings {
		if f := &before.Findings[i]; f.Suppressed == nil {
			had[what(f)] = true
		}
	}
	res := *after
	res.Findings = slices.DeleteFunc(slices.Clone(after.Findings), func(f finding.Finding) bool { return had[what(&f)] })
	res.Unknown = slices.Concat(before.Unknown, after.Unknown)
	return &res
}

// Side makes a result comparable with another: the inventories of all its
// targets together, and the size of its image where it is one.
func (res *Result) Side() compare.Side {
	s := compare.Side{Findings: res.Findings, Size: -1, Layers: -1, Inventory: &sbom.Inventory{}}
	if len(res.Subjects) > 0 {
		s.Subject = res.Subjects[0]
	}
	for _, t := range res.Targets {
		if t.Inventory != nil {
			s.Inventory.Packages = append(s.Inventory.Packages, t.Inventory.Packages...)
		}
		if t.Scan != nil {
			s.Size, s.Layers = 0, len(t.Scan.Records)
			for _, r := range t.Scan.Records {
				s.Size += r.Size
			}
		}
	}
	return s
}
