package feed

import (
	"strings"
	"testing"
)

func TestWithdrawnBySummary(t *testing.T) {
	for summary, want := range map[string]bool{
		"Withdrawn: Prototype pollution in x":         true,
		"[Withdrawn] Prototype pollution in x":        true,
		"WITHDRAWN - duplicate of another":            true,
		"Withdrawn Advisory: not a vulnerability":     true,
		"x lets anyone see withdrawn posts":           false,
		"Withdrawnness is mishandled in x":            false,
		"":                                            false,
		"withdrawn":                                   true,
		"Rejected CVE ID":                             true,
		"Duplicate Advisory: overflow in x":           true,
		"Duplicate advisories are merged wrongly":     false,
		"Reject unauthorized access":                  false,
		"A flaw; see the withdrawn advisory GHSA-1-2": false,
	} {
		doc := `{"id":"GHSA-1","modified":"2024-01-01T00:00:00Z","summary":"` + summary + `","affected":[{"package":{"ecosystem":"npm","name":"x"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}]}]}`
		rec, err := OSV(strings.NewReader(doc), "npm")
		if err != nil {
			t.Fatal(err)
		}
		if got := len(rec.Advisories) == 1 && rec.Advisories[0].Withdrawn; got != want {
			t.Errorf("%q: withdrawn is %t", summary, got)
		}
	}
}
