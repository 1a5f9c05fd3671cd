package vuln

import (
	"cmp"
	"slices"

	"github.com/drydock-dev/drydock/internal/finding"
)

// sortKey is what nearly always decides [finding.Compare] between findings of
// one subject. Findings are large and there are thousands: sorting keys and
// moving each finding once takes a third of the time.
type sortKey struct {
	first int // suppressed, severity and exploitation, lower first
	score float64
	rule  finding.RuleID
	key   string
	at    int
}

// sorted returns the findings in the order of [finding.Compare].
func sorted(found []finding.Finding) []finding.Finding {
	keys := make([]sortKey, len(found))
	for i := range found {
		f := &found[i]
		k := sortKey{first: 2 * f.Severity.Place(), score: f.Vuln.CVSS.Score, rule: f.Rule, key: f.Key, at: i}
		if !f.Vuln.KEV {
			k.first++
		}
		if f.Suppressed != nil {
			k.first += 100
		}
		keys[i] = k
	}
	slices.SortFunc(keys, func(a, b sortKey) int {
		if c := cmp.Compare(a.first, b.first); c != 0 {
			return c
		}
		if c := cmp.Compare(b.score, a.score); c != 0 {
			return c
		}
		if c := cmp.Compare(a.rule, b.rule); c != 0 {
			return c
		}
		if c := cmp.Compare(a.key, b.key); c != 0 {
			return c
		}
		return finding.Compare(found[a.at], found[b.at])
	})
	out := make([]finding.Finding, len(found))
	for i, k := range keys {
		out[i] = found[k.at]
	}
	return out
}
