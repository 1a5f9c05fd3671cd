package check

import (
	"context"
	"fmt"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/policy/admission"
	"github.com/drydock-dev/drydock/internal/trust"
)

// admit asks the policy about each image that was looked at, by all that was found of it:
// what the user's filter leaves out counts for the policy all the same.
func (r *run) admit(ctx context.Context) {
	for i := range r.res.Targets {
		t := &r.res.Targets[i]
		if r.ask.Policy == nil || t.Image == nil || t.From != nil {
			continue
		}
		var found []finding.Finding
		for _, f := range r.res.Findings {
			if f.Subject == t.Subject {
				found = append(found, f)
			}
		}
		r.res.Decisions = append(r.res.Decisions, r.ask.Policy(ctx, t, found, of(r.res.Unknown, t.Subject)))
	}
}

// refuse makes findings of what the policy refuses, which no filter leaves out: the policy
// has exceptions of its own.
func (r *run) refuse(signed *signatures) {
	at := 0
	for i := range r.res.Targets {
		t := &r.res.Targets[i]
		if t.Image == nil || t.From != nil || at == len(r.res.Decisions) {
			continue
		}
		d := r.res.Decisions[at]
		at++
		by := "rule " + d.Rule
		if d.Requirement != "" && d.Requirement != d.Rule {
			by += ", " + d.Requirement
		}
		switch d.Verdict {
		case admission.Refused:
			r.take(t.Subject, Found{Findings: []finding.Finding{found(trust.PolicyRule(), d.Rule, fmt.Sprintf("the policy refuses it (%s): %s", by, d.Reason))}})
		case admission.Unknown:
			r.take(t.Subject, Found{Unknown: []finding.Unknown{{What: "whether the policy allows " + t.Subject.Name, Why: d.Reason + " (" + by + ")"}}})
		default:
			if d.ByDefault() {
				continue // nobody looked at it
			}
			signed.judged++
			signed.reasons = append(signed.reasons, fmt.Sprintf("the policy allows %s (%s): %s", t.Subject.Name, by, d.Reason))
		}
	}
}
