package policy_test

import (
	"fmt"
	"log"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/policy"
	"github.com/drydock-dev/drydock/internal/vuln"
)

func Example() {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	subject := finding.Subject{Kind: finding.KindImage, Name: "app:1"}
	findings := []finding.Finding{
		{Rule: "image/root-user", Subject: subject, Severity: finding.Medium, Message: "it runs as root"},
		{Rule: "image/secret-in-env", Subject: subject, Severity: finding.High, Message: "ENV holds a token"},
	}
	var statements []vuln.Statement // of VEX documents
	var unknown []finding.Unknown

	cfg, err := policy.ParseConfig(".drydock.yaml", []byte(
		"ignore:\n  - id: image/secret-in-env\n    reason: a token of the tests\n    until: 2026-06-30\n"))
	if err != nil {
		log.Fatal(err)
	}
	baseline, err := policy.ParseBaseline("baseline.json", []byte(`{"schema":"drydock/v1","findings":[]}`))
	if err != nil {
		log.Fatal(err)
	}
	findings = cfg.Exceptions.Apply(findings, subject, now) // ignored ones get a reason, expired ones speak up
	findings = vuln.ApplyVEX(findings, statements)
	findings = baseline.Apply(findings) // only what is new counts
	gate, err := policy.ParseGate("severity:medium,efficiency:0.95")
	if err != nil {
		log.Fatal(err)
	}
	verdict := gate.Judge(findings, unknown, policy.Stats{Name: "app:1", Efficiency: 0.9, Wasted: 50 << 20})
	fmt.Println(verdict.Code, verdict.Reasons)
	// Output: 2 [1 medium finding (severity:medium) app:1: efficiency 0.9000 is under 0.95 (52.4 MB wasted)]
}
