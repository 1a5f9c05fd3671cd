package rules

import (
	"cmp"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sorting"
)

func inOrder(found []finding.Finding) {
	start := func(f finding.Finding) int {
		if len(f.At) == 0 || f.At[0].Source == nil {
			return -1
		}
		return f.At[0].Source.Start
	}
	sorting.By(found, func(a, b finding.Finding) int {
		return cmp.Or(cmp.Compare(start(a), start(b)), cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.Rule, b.Rule))
	})
}
