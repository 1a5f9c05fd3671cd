package rules

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/drydock-dev/drydock/internal/finding"
)

// distinguish gives findings of one rule and key a number each, from the second
// on.
func distinguish(found []finding.Finding) {
	type id struct {
		rule finding.RuleID
		key  string
	}
	seen := map[id]int{}
	for i := range found {
		k := id{found[i].Rule, found[i].Key}
		seen[k]++
		if n := seen[k]; n > 1 {
			found[i].Key = fmt.Sprintf("%s #%d", found[i].Key, n)
		}
	}
}

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
