package check

import (
	"context"
	"slices"
	"time"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/policy/admission"
)

// Standards are policies that images keep to wherever they are.
type Standards struct {
	List []admission.Standard
	Env  string // for whose policies it is held; empty: for those of every environment
	// Tell fills in what only registries know of a target.
	Tell func(ctx context.Context, t *Target, k *admission.Known)
}

// health holds each image and SBOM to the policies, by all that was found of it.
// unmatched is what could not be told of inventories and their match.
func (r *run) health(ctx context.Context, unmatched []finding.Unknown, least *privileges) {
	if r.ask.Standards == nil {
		return
	}
	for i := range r.res.Targets {
		t := &r.res.Targets[i]
		if t.From != nil || t.Inventory == nil || t.Image == nil && t.Subject.Kind != finding.KindSBOM && t.Subject.Kind != finding.KindImage {
			continue
		}
		k := r.known(t, unmatched, least)
		if r.ask.Standards.Tell != nil {
			r.ask.Standards.Tell(ctx, t, &k)
		}
		r.res.Health = append(r.res.Health, admission.HealthOf(t.Subject.Name, r.ask.Standards.List, &k))
	}
}

func (r *run) known(t *Target, unmatched []finding.Unknown, least *privileges) admission.Known {
	std := r.ask.Standards
	k := admission.Known{
		Now: r.Now(), Env: std.Env, AnyEnv: std.Env == "", Repository: admission.Repository(t.Subject.Name),
		Sums: make([]admission.Sum, admission.MaxCounted), Newer: admission.Fact[string]{Why: "its base's registry was not asked"},
	}
	if missing := finding.Asked(of(unmatched, t.Subject)); len(missing) > 0 {
		k.Unmatched = missing[0].What + ": " + missing[0].Why
	}
	if t.Unmatched && k.Unmatched == "" {
		k.Unmatched = "the advisory data have none of its packages"
	}
	if missing := finding.Asked(t.Inventory.Unknown); len(missing) > 0 {
		k.Unlisted = missing[0].What + ": " + missing[0].Why
	}
	r.count(t, &k)
	k.Ends, k.Distro = ends(t)
	if len(t.Bases()) > 0 {
		k.Base = admission.Is(admission.BaseOf(t.Base.Ref))
	}
	r.seen(t, &k, least)
	return k
}

// count counts what the policies count of a target.
func (r *run) count(t *Target, k *admission.Known) {
	for i := range r.ask.Standards.List {
		s := &r.ask.Standards.List[i]
		if s.Slot() < 0 {
			continue
		}
		for f := range r.res.Findings {
			if f := &r.res.Findings[f]; f.Vuln != nil && f.Suppressed == nil && f.Subject == t.Subject {
				v := admission.VulnerabilityOf(f)
				sum, _ := s.Count(&v, k.Now)
				k.Sums[s.Slot()].Add(sum, 1)
			}
		}
		for p := range t.Inventory.Packages {
			if p := &t.Inventory.Packages[p]; !p.Removed {
				k.Sums[s.Slot()].Add(s.CountLicenses(p.Licenses), 1)
			}
		}
	}
}

// seen is what the image itself tells: an SBOM alone does not.
func (r *run) seen(t *Target, k *admission.Known, least *privileges) {
	if t.Image == nil || t.Subject.Kind == finding.KindRootfs {
		why := "only its packages are known, and not the image"
		k.User.Why, k.Secrets.Why, k.Privileges.Why = why, why, why
		return
	}
	if t.Image.Config != nil {
		k.User = admission.Is(t.Image.Config.Config.User)
	}
	var secrets, privileges []string
	for i := range r.res.Findings {
		f := &r.res.Findings[i]
		switch {
		case f.Suppressed != nil || f.Subject != t.Subject:
		case f.Hides:
			secrets = append(secrets, f.Message)
		case f.Practice == finding.LeastPrivilege && f.Severity.Place() <= finding.Medium.Place():
			privileges = append(privileges, f.Message)
		}
	}
	k.Secrets.Why, k.Privileges.Why = "its layers were not looked at", "no profile and no observation tells what it needs (drydock observe)"
	if t.Scan != nil && r.ask.Rules {
		k.Secrets = admission.Is(secrets)
	}
	if least.known > 0 || len(privileges) > 0 {
		k.Privileges = admission.Is(privileges)
	}
}

// ends is until when a target's distribution is supported.
func ends(t *Target) (f admission.Fact[time.Time], distro string) {
	d := t.Inventory.Distro
	if d == nil {
		f.Why = "no distribution was found"
		return f, ""
	}
	until, known := base.DistroEnds(d.ID, d.VersionID)
	if !known || until.IsZero() {
		return f, ""
	}
	if distro = d.PrettyName; distro == "" {
		distro = d.ID + " " + d.VersionID
	}
	return admission.Is(until), distro
}

// Bases are what an image stands on for certain: what only looks like one is none.
func (t *Target) Bases() []admission.Base {
	if t.Base == nil || t.Base.Ref == "" || slices.Contains([]string{"name", "history"}, t.Base.By) {
		return nil
	}
	return []admission.Base{admission.BaseOf(t.Base.Ref)}
}
