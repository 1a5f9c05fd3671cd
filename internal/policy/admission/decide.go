package admission

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/scheme"
)

// Subject is the image that is asked about.
type Subject struct {
	Name   image.Name     // by which it is asked for
	Digest finding.Digest // of its manifest or index, or of its configuration where Config says so; empty: not known
	Config bool           // Digest is what the classic image store calls an image's id
	Local  bool           // an Engine has it; else a registry
	Exists bool           // a container was made of it already: its tag may have moved on since

	Hints []finding.Digest // manifests that it may be: nothing that is not proven counts
}

// Seen is what a repository's metadata said, and when the registry was last asked.
type Seen struct {
	View     *trust.View
	Verified time.Time
	Failure  error // why the registry could not be asked now; nil: it was
}

// Vulnerability is one that an image has.
type Vulnerability struct {
	ID       string
	Aliases  []string
	Severity string
	Fixed    bool      // there is a version without it
	KEV      bool      // it is known to be exploited
	Since    time.Time // when it became known; zero: not known
}

// Base is what an image stands on.
type Base struct {
	Repository string // with its registry
	Publisher  string // "official", "verified" …; empty: nobody who is known
}

// Facts finds out what a rule needs to know. An error that is a [trust.Refusal] is an
// answer; any other means that the fact could not be found out.
type Facts interface {
	Trust(ctx context.Context, repository string, root []byte, f Freshness) (Seen, error)
	// Manifests are the manifests that a subject is known by, proven.
	Manifests(ctx context.Context, s Subject) ([]finding.Digest, error)
	// Pinned is the root that is pinned on this machine for a repository; nil: none is.
	Pinned(repository string) ([]byte, error)
	// Marks are the signatures of a manifest by those who count.
	Marks(ctx context.Context, repository string, d finding.Digest, who scheme.Who) (scheme.Marks, error)
	Vulnerabilities(ctx context.Context, s Subject) ([]Vulnerability, error)
	Bases(ctx context.Context, s Subject) ([]Base, error)
}

// Verdict is the answer.
type Verdict string

// The verdicts.
const (
	Allowed Verdict = "allowed"
	Refused Verdict = "refused"
	Unknown Verdict = "unknown" // it could not be found out: whoever enforces refuses
)

// Decision is the answer about one image, and which rule gave it.
type Decision struct {
	Verdict     Verdict        `json:"verdict"`
	Image       string         `json:"image"`
	Digest      finding.Digest `json:"digest,omitempty"`
	Rule        string         `json:"rule"`
	Requirement string         `json:"requirement,omitempty"` // of the rule, that decided
	Reason      string         `json:"reason"`
	Hint        string         `json:"hint,omitempty"`
	Signers     []string       `json:"signers,omitempty"`
	Warnings    []string       `json:"warnings,omitempty"`
	Excepted    []string       `json:"excepted,omitempty"` // what did not count, and why
}

// ByDefault reports whether no rule of the policy was for the image.
func (d Decision) ByDefault() bool { return d.Requirement == defaultRule }

// Decide holds an image to the rule.
func (r *Rule) Decide(ctx context.Context, s Subject, facts Facts, now time.Time) Decision {
	d := Decision{Verdict: Allowed, Image: s.Name.String(), Digest: s.Digest, Rule: r.Name}
	if s.Name.Repository == "" {
		d.Image = string(s.Digest)
	}
	if r.Deny != "" {
		d.Verdict, d.Requirement, d.Reason = Refused, "deny", r.Deny
		if r.plain {
			d.Requirement, d.Hint = defaultRule, "add a rule for it to the policy"
		}
		return d
	}
	if r.plain {
		d.Requirement, d.Reason = defaultRule, "no rule of the policy is for it, and the default is allow"
		return d
	}
	x := &deciding{rule: r, s: s, facts: facts, now: now, d: &d}
	d.Reason = "the rule asks for nothing"
	for _, one := range []struct {
		name string
		asks bool
		look func(context.Context) error
	}{
		{"trust", len(r.Trust) > 0, x.trusted},
		{"attestations", len(r.Attestations) > 0, x.attested},
		{"vulnerabilities", len(r.Vulnerabilities) > 0, x.vulnerable},
		{"bases", r.Bases != nil, x.based},
	} {
		if !one.asks || x.excepted(one.name) {
			continue
		}
		if err := one.look(ctx); err != nil {
			d.Requirement, d.Reason, d.Hint, d.Verdict = one.name, err.Error(), finding.HintOf(err), Unknown
			if _, refused := trust.Refused(err); refused {
				d.Verdict = Refused
			}
			return d
		}
	}
	return d
}

// refusedError is a requirement that does not hold.
type refusedError struct{ kind, text, hint string }

func (e *refusedError) Error() string   { return e.text }
func (e *refusedError) Hint() string    { return e.hint }
func (e *refusedError) Refused() string { return e.kind }

type deciding struct {
	rule  *Rule
	s     Subject
	d     *Decision
	facts Facts
	now   time.Time
	top   []finding.Digest // manifests under which it is signed
	views []*trust.View
}

// excepted reports whether an exception lifts a requirement of the image.
func (x *deciding) excepted(what string) bool {
	for _, e := range x.rule.policy.Exceptions {
		if e.lifts(x.s, what, x.now) {
			x.d.Excepted = append(x.d.Excepted, what+": "+e.Reason)
			return true
		}
	}
	return false
}

func (e Exception) lifts(s Subject, what string, now time.Time) bool {
	pattern, digest, pinned := strings.Cut(e.Image, "@")
	return slices.Contains(e.Except, what) && now.Before(e.Until.End) && Matches(pattern, s.Name.Repository) &&
		(!pinned || finding.Digest(digest) == s.Digest || finding.Digest(digest) == s.Name.Digest)
}

// built lets an image pass that was made on the machine, where the rule says so. One
// that was revoked is known, and not new.
func (x *deciding) built(ctx context.Context, err error) error {
	kind, _ := trust.Refused(err)
	if !x.s.Local || kind != "unsigned" && kind != "moved" {
		return err
	}
	switch x.rule.BuildsOf() {
	case BuildsAllow:
		x.d.Requirement, x.d.Reason = "builds", "nobody signed it, and the rule allows what was built here"
		return nil
	case BuildsAttested:
		x.top = x.known(ctx)
		if aerr := x.hasAttestation(Attestation{Type: "provenance"}); aerr != nil {
			return &refusedError{"unattested", err.Error() + "; and " + aerr.Error(), "attest where it was built: drydock trust attest --type provenance"}
		}
		x.d.Requirement, x.d.Reason = "builds", "its provenance is attested"
		return nil
	}
	return err
}

// known are the manifests by which the image is known, without an error where they
// are not: then nothing can be attested of it.
func (x *deciding) known(ctx context.Context) []finding.Digest {
	all, err := x.facts.Manifests(ctx, x.s)
	if err != nil {
		return nil
	}
	return all
}

// BuildsOf reports whether images of the rule that were made on the machine may start.
func (r *Rule) BuildsOf() Builds {
	switch {
	case r.Builds != "":
		return r.Builds
	case r.policy.Builds != "":
		return r.policy.Builds
	case r.plain && r.policy.Default == Allow:
		return BuildsAllow
	}
	return BuildsDeny
}

func (x *deciding) advice(kind string) string {
	switch kind {
	case "unsigned":
		return "who may sign signs it: drydock trust sign " + x.s.Name.String()
	case "moved":
		if x.s.Local {
			return "docker pull " + x.s.Name.String() + " fetches what is signed, unless the registry has something else"
		}
		return "somebody moved the tag after it was signed: start what is signed by its digest, and ask who did"
	case "revoked":
		return "use a newer image"
	}
	return ""
}

// judge is the verdict about the image: of its tag while it is asked for by one, and
// of its digest once a container exists.
func (x *deciding) judge(v *trust.View) trust.Verdict {
	tag := x.s.Name.Tag
	if x.s.Exists || x.s.Name.Digest != "" {
		tag = ""
	}
	is := func(st trust.Standing) bool {
		if x.s.Config {
			return st.HasConfig(x.s.Digest)
		}
		return st.HasManifest(x.s.Digest)
	}
	if tag != "" {
		st, ok := v.Tag(tag)
		verdict := v.Judge(tag, x.s.Digest)
		if ok && !st.Revoked && is(st) {
			verdict = v.Judge(tag, st.Digest)
		}
		verdict.Here = x.s.Local
		return verdict
	}
	if !x.s.Config {
		return v.Judge("", x.s.Digest)
	}
	verdict := v.Judge("", x.s.Digest)
	for _, d := range v.ByConfig(x.s.Digest) {
		if verdict = v.Judge("", d); verdict.Kind == "verified" {
			break
		}
	}
	for _, d := range x.s.Hints { // nothing that was revoked leads to a configuration any more
		if was := v.Judge("", d); verdict.Kind == "unsigned" && was.Kind == "revoked" {
			verdict = was
		}
	}
	verdict.Here = x.s.Local
	return verdict
}

// fresh holds what was seen to the age that the rule accepts.
func (x *deciding) fresh(s Seen) error {
	if s.Failure == nil {
		return nil
	}
	age := x.now.Sub(s.Verified)
	refuse := x.rule.Freshness.refuse()
	if age > refuse {
		return &refusedError{
			"stale", fmt.Sprintf("%s was verified last %s ago, and since then its registry could not be asked: %v", x.s.Name.Repository, hours(age), s.Failure),
			"bring the registry back; drydock gate status shows what else is getting old",
		}
	}
	if warn := time.Duration(x.rule.Freshness.Warn); age > warn {
		x.d.Warnings = append(x.d.Warnings, fmt.Sprintf("the registry cannot be asked: what was verified %s ago counts for %s more", hours(age), hours(refuse-age)))
	}
	return nil
}

// RefuseAfter is for how long what was verified counts while the registry is down.
const RefuseAfter = 72 * time.Hour

func (f Freshness) refuse() time.Duration {
	if f.Refuse == 0 {
		return RefuseAfter
	}
	return time.Duration(f.Refuse)
}

// Left is for how long what was verified at a time counts still.
func (f Freshness) Left(verified, now time.Time) time.Duration {
	return verified.Add(f.refuse()).Sub(now)
}

// recheckAfter is how old what is known of a repository may be while its registry answers.
const recheckAfter = 30 * time.Second

// RecheckAfter is how old what is known may be before the registry is asked again.
func (f Freshness) RecheckAfter() time.Duration {
	if f.Recheck == 0 {
		return recheckAfter
	}
	return time.Duration(f.Recheck)
}

func hours(d time.Duration) string {
	if d < time.Hour {
		return d.Round(time.Second).String()
	}
	return fmt.Sprintf("%.0f h", d.Hours())
}

func (x *deciding) attested(context.Context) error {
	for _, a := range x.rule.Attestations {
		if err := x.hasAttestation(a); err != nil {
			return err
		}
	}
	return nil
}

func (x *deciding) hasAttestation(a Attestation) error {
	for _, v := range x.views {
		for _, at := range v.Attestations(x.top...) {
			if !trust.Predicate(at.Predicate).Is(a.Type) {
				continue
			}
			if len(a.Signers) == 0 || slices.ContainsFunc(at.Signers, func(s string) bool { return slices.Contains(a.Signers, s) }) {
				return nil
			}
		}
	}
	by := ""
	if len(a.Signers) > 0 {
		by = " by " + strings.Join(a.Signers, " or ")
	}
	return &refusedError{"unattested", fmt.Sprintf("it has no attestation of type %s that is signed%s", a.Type, by), "drydock trust attest " + x.s.Name.String() + " --type " + a.Type + " FILE"}
}

// vulnerable holds the image to the severities that the rule names.
func (x *deciding) vulnerable(ctx context.Context) error {
	all, err := x.facts.Vulnerabilities(ctx, x.s)
	if err != nil {
		return err
	}
	var over []string
	for _, v := range all {
		g, asked := x.rule.Vulnerabilities[v.Severity]
		if !asked || !v.Fixed && !g.Unfixed || !v.Since.IsZero() && x.now.Before(v.Since.Add(time.Duration(g.After))) {
			continue
		}
		if !slices.ContainsFunc(append(v.Aliases, v.ID), x.excepted) {
			over = append(over, fmt.Sprintf("%s (%s)", v.ID, v.Severity))
		}
	}
	if len(over) == 0 {
		return nil
	}
	slices.Sort(over)
	over = slices.Compact(over)
	text := strings.Join(over[:min(len(over), 3)], ", ")
	if more := len(over) - 3; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return &refusedError{"vulnerable", "it has vulnerabilities beyond their grace period: " + text, "drydock fix raises what has a fix; an exception in the policy takes a reason and a date"}
}

// based holds the image to the bases that the rule allows.
func (x *deciding) based(ctx context.Context) error {
	all, err := x.facts.Bases(ctx, x.s)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return errors.New("what it stands on is not known")
	}
	for _, b := range all {
		if x.rule.Bases.allow(b) {
			return nil
		}
	}
	return &refusedError{"base", "it stands on " + all[0].Repository + ", which the rule does not allow", "drydock recommend shows others"}
}

// AsksForBytes reports whether a rule depends on which bytes an image has.
func (r *Rule) AsksForBytes() bool {
	return len(r.Trust)+len(r.Attestations)+len(r.Vulnerabilities) > 0 || r.Bases != nil
}

// With is a decision about an image, held to what a container of it asks for. unsure says
// why a field of a compose file is not known.
func (d Decision) With(r *Rule, s Start, unsure func(field string) string) Decision {
	if d.Verdict == Refused {
		return d
	}
	if no := r.Privileges(s, ProtectedPaths()); len(no) > 0 {
		d.Verdict, d.Requirement, d.Reason = Refused, no[0].What, no[0].Why
		d.Hint = "the rule may allow it: allow: [\"" + no[0].What + "\"]"
		return d
	}
	for _, field := range []string{
		"*", "privileged", "network_mode", "pid", "ipc", "uts", "userns_mode", "cgroup", "cap_add", "devices", "volumes", "security_opt",
	} {
		if why := unsure(field); why != "" && d.Verdict == Allowed {
			d.Verdict, d.Requirement, d.Reason = Unknown, field, field+" is not known: "+why
		}
	}
	return d
}

// AsksForManifests reports whether a rule asks for signatures of another scheme, which are
// of manifests: the classic image store has to say which those are.
func (r *Rule) AsksForManifests() bool {
	return slices.ContainsFunc(r.Trust, func(t Trust) bool { return len(t.roots) == 0 }) || r.BuildsOf() == BuildsAttested
}
