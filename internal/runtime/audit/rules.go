package audit

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/drydock-dev/drydock/internal/finding"
)

// Check is a rule over a container.
type Check struct {
	finding.Check[*Container]
	// Needs are the fields of a compose file that it asks for: one that is not
	// known is told.
	Needs []string
}

type pass = finding.Pass[*Container]

// Checks lists the rules over containers.
func Checks() []Check {
	return []Check{
		privileged(), addedCapability(), dockerSocket(), hostNamespace(), newPrivileges(), unconfined(), writableRoot(), rootUser(),
		noMemoryLimit(), noPIDsLimit(), noCPULimit(), restartStorm(),
		sensitiveMount(), device(), publishedEverywhere(), defaultBridge(), literalSecret(), latestTag(), noEffect(),
	}
}

// Rules lists the documentation of all rules of this package.
func Rules() []finding.Rule {
	var out []finding.Rule
	for _, c := range Checks() {
		out = append(out, c.Rule)
	}
	for _, c := range DaemonChecks() {
		out = append(out, c.Rule)
	}
	return out
}

// Run runs rules over a container, and tells which fields that they need are not
// known. Findings are in the order of the file.
func Run(ctx context.Context, c *Container, checks []Check) ([]finding.Finding, []finding.Unknown) {
	plain := make([]finding.Check[*Container], len(checks))
	needs := map[string]bool{"*": true}
	for i, k := range checks {
		plain[i] = k.Check
		for _, n := range k.Needs {
			needs[n] = true
		}
	}
	found, unknown := finding.RunChecks(ctx, c, plain)
	for _, field := range slices.Sorted(maps.Keys(c.unknown)) {
		what := "what " + field + " comes to"
		if field == "*" {
			what = "what it says in all"
		}
		if needs[field] {
			unknown = append(unknown, finding.Unknown{What: what, Why: c.unknown[field]})
		}
	}
	slices.SortStableFunc(found, func(a, b finding.Finding) int { return cmp.Compare(line(a), line(b)) })
	return found, unknown
}

// line is where a finding is in its file, by its first byte.
func line(f finding.Finding) int {
	if s := f.At[0].Source; s != nil {
		return s.Start
	}
	return 0
}

// knows reports whether a field, and with it that it is not said, is known.
func (c *Container) knows(field string) bool { return c.unknown[field] == "" && c.unknown["*"] == "" }

// found is a finding at a field of a container. key tells instances of a rule
// apart.
func (c *Container) found(field, key, format string, args ...any) finding.Finding {
	return finding.Finding{Key: cmp.Or(key, c.Subject.Name), Message: fmt.Sprintf(format, args...), At: []finding.Location{c.at(field)}}
}

// fixed adds a fix to a finding: by edits, where there are some.
func fixed(f finding.Finding, safety finding.Safety, title string, edits []finding.Edit) finding.Finding {
	x := finding.Fix{Title: title, Safety: safety, Edits: edits}
	if len(edits) > 0 {
		x.Proof = finding.Parsed
	}
	f.Fixes = append(f.Fixes, x)
	return f
}

// start says what to do: to docker run, or to a compose file.
func (c *Container) start(run, compose string) string {
	if c.Form == Compose {
		return compose
	}
	return run
}

// rule is a check of one rule.
func rule(r finding.Rule, needs []string, run func(*Container, *pass)) Check {
	r.Practice = cmp.Or(r.Practice, finding.LeastPrivilege)
	return Check{Needs: needs, Check: finding.Check[*Container]{Rule: r, Run: func(_ context.Context, p *pass) error {
		run(p.Input, p)
		return nil
	}}}
}
