package feed

import (
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/vuln"
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

// TestLastKnown: an end that stands beside the events counts, and is no fix.
func TestLastKnown(t *testing.T) {
	for said, want := range map[string]vuln.Event{
		"< 0.23.4":      {Limit: "0.23.4"},
		"<= 8.5.1":      {LastAffected: "8.5.1"},
		"< 1.0, >= 0.5": {},
		"":              {},
		"all":           {},
	} {
		doc := `{"id":"GHSA-1","modified":"2024-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"RubyGems","name":"x"},
			"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}],"database_specific":{"last_known_affected_version_range":"` + said + `"}}]}`
		rec, err := OSV(strings.NewReader(doc), "RubyGems")
		if err != nil {
			t.Fatal(err)
		}
		events := rec.Advisories[0].Ranges[0].Events
		if want == (vuln.Event{}) && len(events) != 1 || want != (vuln.Event{}) && (len(events) != 2 || events[1] != want) {
			t.Errorf("%q: %v", said, events)
		}
	}
	// A namesake: another product than the package.
	doc := `{"id":"GHSA-9jfq-54vc-9rr2","modified":"2024-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"RubyGems","name":"foreman"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"last_affected":"3.8.0"}]}]}]}`
	if rec, err := OSV(strings.NewReader(doc), "RubyGems"); err != nil || len(rec.Advisories) != 0 {
		t.Error(rec, err)
	}
}
