package admission

import (
	"context"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
)

// VulnerabilityOf is a finding as policies judge it. It is of a vulnerability.
func VulnerabilityOf(f *finding.Finding) Vulnerability {
	severity := f.Severity.String()
	if severity == "unspecified" || severity == "" {
		severity = "unrated"
	}
	v := f.Vuln
	return Vulnerability{ID: v.ID, Aliases: v.Aliases, Severity: severity, Fixed: v.FixedIn != "", KEV: v.KEV, Since: v.Published}
}

// BaseOf is a base by its reference, with who publishes it.
func BaseOf(ref string) Base {
	kind, _ := base.Publisher(ref)
	if kind == "unknown" {
		kind = ""
	}
	n, err := image.ParseName(ref)
	if err != nil {
		return Base{Repository: strings.ToLower(ref)}
	}
	return Base{Repository: n.Repository, Publisher: kind}
}

// Signed is what is wrong with the signatures of an image, by the requirements of trust of
// the policy's rule for it; empty: nothing is, and Why says who signed it.
func (p *Policy) Signed(ctx context.Context, s Subject, facts Facts, now time.Time) Fact[string] {
	r := p.Rule(s.Name.Repository)
	if len(r.Trust) == 0 {
		return Fact[string]{Why: "no rule of the policy says who signs it (rules, trust)"}
	}
	d := r.only(nil).Decide(ctx, s, facts, now)
	switch d.Verdict {
	case Allowed:
		return Fact[string]{Known: true, Why: d.Reason}
	case Refused:
		return Is(d.Reason)
	}
	return Fact[string]{Why: d.Reason}
}

// Attested are those of the types of which an image has a signed attestation, by those
// whose signatures the policy's rule for it takes.
func (p *Policy) Attested(ctx context.Context, s Subject, facts Facts, now time.Time, types []string) Fact[[]string] {
	r, out := p.Rule(s.Name.Repository), []string{}
	if len(r.Trust) == 0 {
		return Fact[[]string]{Why: "no rule of the policy says whose attestations count (rules, trust)"}
	}
	if d := r.only(nil).Decide(ctx, s, facts, now); d.Verdict != Allowed {
		return Fact[[]string]{Why: d.Reason}
	}
	for _, t := range types {
		ask := Attestation{Type: t}
		for _, a := range r.Attestations {
			if a.Type == t {
				ask = a
			}
		}
		switch d := r.only([]Attestation{ask}).Decide(ctx, s, facts, now); d.Verdict {
		case Allowed:
			out = append(out, t)
		case Unknown:
			return Fact[[]string]{Why: d.Reason}
		}
	}
	return Is(out)
}

// only is the rule with its requirements of trust, and these attestations.
func (r *Rule) only(a []Attestation) *Rule {
	return &Rule{Name: r.Name, Images: r.Images, Trust: r.Trust, Freshness: r.Freshness, Attestations: a, Builds: BuildsDeny, policy: r.policy}
}
