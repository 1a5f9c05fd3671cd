package rules

import (
	"cmp"
	"slices"

	"github.com/drydock-dev/drydock/internal/finding"
)

func inOrder(found []finding.Finding) {
	start := func(f finding.Finding) int {
		if len(f.At) == 0 || f.At[0].Source == nil {
			return -1
		}
		return f.At[0].Source.Start
	}
	slices.SortStableFunc(found, func(a, b finding.Finding) int {
		return cmp.Or(cmp.Compare(start(a), start(b)), cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.Rule, b.Rule))
	})
}
