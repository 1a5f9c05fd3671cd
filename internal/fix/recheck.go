package fix

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/secret"
)

// recheck wants the findings gone and no other come.
func (r *proving) recheck(ctx context.Context) error {
	if r.Recheck == nil {
		return r.short(Failure{
			Step: "recheck", Why: "whether what is wrong is gone is seen in the image only",
			Hint: "--prove rebuild builds both versions and looks into them",
		})
	}
	return r.step("recheck", func() (string, error) {
		before, err := r.Recheck(ctx, r.c.Before)
		if err != nil {
			return "", err
		}
		after, err := r.Recheck(ctx, r.c.After)
		if err != nil {
			return "", err
		}
		stages := 0
		if b, a := r.parsed[false], r.parsed[true]; b != nil && a != nil {
			stages = len(a.Stages) - len(b.Stages)
		}
		if f := Recheck(before, after, r.c.Gone, stages, r.Identity); f != nil {
			return "", r.fail(*f)
		}
		return fmt.Sprintf("%s before, %d after", plural(len(before), "finding"), len(after)), nil
	})
}

// Recheck compares what the rules say of two versions: of each identity in gone
// there must be as many findings fewer as it is named, and of none may there be
// more. A stage that is new may have what was wrong with one before, a floating
// tag, once more; stages is how many are new.
func Recheck(before, after []finding.Finding, gone []string, stages int, identity func(finding.Finding) string) *Failure {
	if identity == nil {
		identity = func(f finding.Finding) string { return string(f.Rule) }
	}
	most := map[string]int{}
	for _, f := range before {
		if f.Suppressed == nil {
			most[identity(f)]++
		}
	}
	for id := range most {
		most[id] += max(0, stages)
	}
	fixed := map[string]bool{}
	for _, id := range gone {
		fixed[id] = true
		most[id] = max(0, most[id]-1)
	}
	had := map[string]bool{}
	for _, f := range before {
		had[f.Fingerprint()] = true
	}
	count := map[string]int{}
	last := map[string]finding.Finding{} // the one to tell: one that was not there, if any
	for _, f := range after {
		if f.Suppressed != nil {
			continue
		}
		id := identity(f)
		count[id]++
		if _, ok := last[id]; !ok || !had[f.Fingerprint()] {
			last[id] = f
		}
	}
	for _, id := range slices.Sorted(maps.Keys(count)) {
		if count[id] <= most[id] {
			continue
		}
		what := "it brings a new finding"
		if fixed[id] {
			what = "the finding is still there"
		}
		return &Failure{Step: "recheck", Why: fmt.Sprintf("%s: %s: %s", what, last[id].Rule, secret.Redact(last[id].Message))}
	}
	return nil
}
