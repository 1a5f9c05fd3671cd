package cli

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/gate"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/policy/admission"
	"github.com/drydock-dev/drydock/internal/runtime/audit"
)

// decideCompose decides about each service of a compose file. What of it is not known
// cannot be found out.
func (g *gateFlags) decideCompose(ctx context.Context, p *admission.Policy, name string, b []byte) ([]admission.Decision, error) {
	expand, err := check.Expand(filepath.Join(filepath.Dir(name), ".env"), g.env.Getenv)
	if err != nil {
		return nil, err
	}
	read, err := audit.ReadProject(name, b, expand, check.FilesBeside(name))
	if err != nil {
		return nil, err
	}
	var all []admission.Decision
	for _, u := range read.Unknown {
		all = append(all, admission.Decision{Verdict: admission.Unknown, Image: u.What, Rule: "gate", Reason: u.Why})
	}
	facts := g.facts(p)
	binds, err := gate.ComposeVolumes(b)
	for _, file := range read.Included {
		more, merr := gate.ComposeVolumes(read.Files[file])
		binds, err = append(binds, more...), errors.Join(err, merr)
	}
	if err != nil {
		return nil, err
	}
	for _, c := range read.Containers {
		start := gate.StartOf(c)
		start.Binds = append(start.Binds, binds...)
		d := decideService(ctx, p, facts, c, start)
		d.Image = strings.TrimSpace(c.Subject.Name + "  " + d.Image)
		all = append(all, d)
	}
	return all, nil
}

func decideService(ctx context.Context, p *admission.Policy, facts *gate.Verifier, c *audit.Container, start admission.Start) admission.Decision {
	if why := c.Unsure("image"); why != "" {
		return admission.Decision{Verdict: admission.Unknown, Rule: "gate", Requirement: "image", Reason: "its image is not known: " + why}
	}
	n, err := image.ParseName(c.Image)
	switch {
	case c.Built:
		rule := p.Rule(n.Repository)
		d := admission.Decision{Verdict: admission.Allowed, Image: c.Image, Rule: rule.Name, Requirement: "builds", Reason: "the rule allows what is built here"}
		if rule.BuildsOf() == admission.BuildsDeny {
			d.Verdict, d.Reason = admission.Refused, "it is built here, and the rule does not allow that"
		}
		return d.With(rule, start, c.Unsure)
	case err != nil:
		return admission.Decision{Verdict: admission.Unknown, Image: c.Image, Rule: "gate", Requirement: "image", Reason: err.Error()}
	}
	d := facts.Decide(ctx, p, n)
	return d.With(p.Rule(n.Repository), start, c.Unsure)
}
