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
func (r *proving) recheck(context.Context) error {
	if r.c.Looked == nil {
		return r.short(Failure{
			Step: "recheck", Why: "whether what is wrong is gone is seen in the image only",
			Hint: "--prove rebuild builds both versions and looks into them",
		})
	}
	return r.step("recheck", func() (string, error) {
		before, after := r.c.Looked.Before, r.c.Looked.After
		want := Expect{Gone: r.c.Gone, Lesser: r.c.Lesser, Identity: r.c.Identity}
		if b, a := r.parsed[false], r.parsed[true]; b != nil && a != nil {
			want.Stages = len(a.Stages) - len(b.Stages)
		}
		came, failed := Recheck(before, after, want)
		if failed != nil {
			return "", r.fail(*failed)
		}
		r.v.Notes = append(r.v.Notes, came...)
		return fmt.Sprintf("%s before, %d after", finding.Count(len(before), "finding"), len(after)), nil
	})
}

// Expect is what a recheck expects of a change.
type Expect struct {
	// Gone is what must be gone, by identity: as many findings fewer of each as
	// it is named.
	Gone []string
	// Stages is how many stages are new: each may have what was wrong with one
	// before, a floating tag, once more.
	Stages int
	// Lesser is the severity below which new findings may come, as the price of
	// one that is worse and goes: a user who is not root has a name. Those about
	// versions that nobody names ([finding.Traits]) may be as severe. Unspecified:
	// none may.
	Lesser finding.Severity
	// Identity is what findings are counted by; nil: their rule.
	Identity func(finding.Finding) string
}

// Recheck compares what the rules say of two versions: what is to go is gone,
// and nothing came. It returns what came and may, as sentences.
func Recheck(before, after []finding.Finding, want Expect) (came []string, failed *Failure) {
	identity := want.Identity
	if identity == nil {
		identity = func(f finding.Finding) string { return string(f.Rule) }
	}
	most := map[string]int{}
	for _, f := range before {
		if f.Suppressed == nil {
			most[identity(f)] += 1 + f.More
		}
	}
	for id := range most {
		most[id] += max(0, want.Stages)
	}
	fixed := map[string]bool{}
	for _, id := range want.Gone {
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
		count[id] += 1 + f.More
		if _, ok := last[id]; !ok || !had[f.Fingerprint()] {
			last[id] = f
		}
	}
	for _, id := range slices.Sorted(maps.Keys(count)) {
		if count[id] <= most[id] {
			continue
		}
		f := last[id]
		told := fmt.Sprintf("%s: %s", f.Rule, secret.Redact(f.Message))
		switch {
		case fixed[id]:
			return nil, &Failure{Step: "recheck", Why: "the finding is still there: " + told}
		case f.Severity < want.Lesser || f.Drifts && f.Severity == want.Lesser:
			came = append(came, "it brings a lesser finding: "+told)
		default:
			return nil, &Failure{Step: "recheck", Why: "it brings a new finding: " + told}
		}
	}
	return came, nil
}
