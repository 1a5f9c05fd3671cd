package finding

import (
	"context"
	"path"
	"slices"
	"strings"
)

// RuleID names a rule: "area/kebab-name", as in "image/setuid".
type RuleID string

// Practice is the one of Drydock's practices that a rule serves.
type Practice string

// The practices, in the order in which a card shows them.
const (
	Layering        Practice = "layering"
	MinimalBase     Practice = "minimal-base"
	MultiStage      Practice = "multi-stage"
	Vulnerabilities Practice = "vulnerabilities"
	ContentTrust    Practice = "content-trust"
	LeastPrivilege  Practice = "least-privilege"
	TrustedBase     Practice = "trusted-base"
)

// Practices lists every practice in the order in which a card shows them.
func Practices() []Practice {
	return []Practice{Layering, MinimalBase, MultiStage, Vulnerabilities, ContentTrust, LeastPrivilege, TrustedBase}
}

// Rule is a rule's documentation: what it is called, why it matters, how bad a
// finding of it is by default, what other tools call it, and an example of
// each side. Bad fires the rule and Good does not; a test holds every rule to
// that. Literals have the fields in this order.
type Rule struct {
	ID       RuleID
	Title    string // one line, no full stop
	Practice Practice
	Traits
	Severity Severity
	Aliases  []string // names in other tools: "DL3008", "CIS-4.1", "CIS-DI-0008"
	Why      string   // a paragraph or two
	Bad      string   // a minimal input that fires the rule
	Good     string   // the same, put right
}

// Traits are what programs must know of a rule's findings beside their words. A
// finding has those of its rule.
type Traits struct {
	Hides      bool   // it is about secrets, and its findings have in Hidden what is not to be shown
	CacheOrder bool   // it is about steps that a build runs anew too often: a fix is proved by those that it keeps
	Refused    bool   // a build refuses the file as a whole
	Drifts     bool   // it is about versions that nobody names: a fix that must install something may bring it, and says so
	Remedy     Remedy // the rewrite that puts it right; empty: none does
}

// Remedy names a rewrite of a Dockerfile that is larger than a rule's own fixes.
type Remedy string

// The remedies.
const (
	Stages      Remedy = "several stages"
	NonRoot     Remedy = "a user that is not root"
	CacheMounts Remedy = "cache mounts"
	ExecForm    Remedy = "exec form"
	PinDigest   Remedy = "the base's digest"
	NewRelease  Remedy = "a newer release of the base"
)

// Matches reports whether one of the patterns names the rule: by its id, an
// alias, or a glob over either ("dockerfile/*", "CIS-5.*"), in any case.
func (r Rule) Matches(patterns ...string) bool {
	for _, p := range patterns {
		named := func(name string) bool {
			ok, err := path.Match(strings.ToLower(p), strings.ToLower(name))
			return err == nil && ok || strings.EqualFold(p, name)
		}
		if named(string(r.ID)) || slices.ContainsFunc(r.Aliases, named) {
			return true
		}
	}
	return false
}

// Complete fills in what a finding leaves to its rule.
func (r *Rule) Complete(f *Finding) {
	if f.Rule == "" {
		f.Rule = r.ID
	}
	f.Traits = r.Traits
	if f.Practice == "" {
		f.Practice = r.Practice
	}
	if f.Severity == Unspecified {
		f.Severity = r.Severity
	}
	if f.Aliases == nil {
		f.Aliases = r.Aliases
	}
}

// Pass is one run of a check over one input. Report takes what is wrong and
// Unknown what could not be told; both may be called any number of times, from
// one goroutine.
type Pass[In any] struct {
	Input   In
	Report  func(Finding)
	Unknown func(Unknown)
}

// Check is a rule with its code. Run returns an error only when the check
// itself could not run; what is wrong with the input goes to the pass.
type Check[In any] struct {
	Rule
	Run func(context.Context, *Pass[In]) error
}

// RunChecks runs each check over in and gathers what they report, in order. A
// check's error becomes an Unknown: that a rule could not run is not silence.
func RunChecks[In any](ctx context.Context, in In, checks []Check[In]) ([]Finding, []Unknown) {
	var found []Finding
	var unknown []Unknown
	for _, c := range checks {
		p := &Pass[In]{Input: in}
		p.Report = func(f Finding) {
			c.Complete(&f)
			found = append(found, f)
		}
		p.Unknown = func(u Unknown) { unknown = append(unknown, u) }
		if err := c.Run(ctx, p); err != nil {
			unknown = append(unknown, Unknown{What: string(c.ID), Why: err.Error()})
		}
	}
	return found, unknown
}
