package admission_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/policy/admission"
)

const example = `schema: drydock/policy/v1
default: deny
rules:
  - name: ours
    images: ["registry.example.com/me/*"]
    vulnerabilities:
      critical: 0d
policies:
  - policy: no-fixable-critical-or-high
    severities: [critical]
    grace: 7d
`

// facts know of one vulnerability; what else a rule needs is not known.
type facts struct{ admission.Facts }

func (facts) Vulnerabilities(context.Context, admission.Subject) ([]admission.Vulnerability, error) {
	return []admission.Vulnerability{{ID: "CVE-2021-44228", Severity: "critical", Fixed: true}}, nil
}

func Example() {
	ctx, now := context.Background(), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	p, err := admission.Parse("policy.yaml", []byte(example), nil) // a key that it does not know is an error
	if err != nil {
		log.Fatal(err)
	}
	rule := p.Rule("registry.example.com/me/app") // the first that matches, else the default
	name, err := image.ParseName("registry.example.com/me/app:1")
	if err != nil {
		log.Fatal(err)
	}
	// Allowed, refused or unknown, and which rule decided.
	decision := rule.Decide(ctx, admission.Subject{Name: name}, facts{}, now)
	fmt.Println(decision.Verdict, decision.Rule, decision.Reason)
	// What a container asks for beyond an image.
	for _, r := range rule.Privileges(admission.Start{Privileged: true}, admission.ProtectedPaths()) {
		fmt.Println(r.What)
	}

	standard := &p.Policies[0]
	v := admission.Vulnerability{Severity: "critical", Fixed: true, Since: now.Add(-48 * time.Hour)}
	sum, until := standard.Count(&v, now) // sums of an image's parts add up
	fmt.Println(sum.Over, sum.Wait, until.Format(time.DateOnly))
	known := admission.Known{Now: now, Say: true, Repository: "registry.example.com/me/app", Sums: []admission.Sum{sum}}
	health := admission.HealthOf("app:1", p.Policies, &known) // kept, violated or unknown, and a grade
	fmt.Println(health.Grade)
	// Output:
	// refused ours it has vulnerabilities beyond their grace period: CVE-2021-44228 (critical)
	// privileged
	// 0 1 2026-01-06
	// A
}
