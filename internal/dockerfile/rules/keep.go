package rules

import (
	"context"
	"fmt"

	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/instruction"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

// MaxFindings limits the findings of one rule and severity that are shown of a Dockerfile; more
// are counted and unknown. It is more than anybody reads, and few enough that what a hostile file
// costs does not grow with what it does wrong.
const MaxFindings = 1000

// MaxFixed limits the findings of one rule and severity that are kept where each is to be fixed,
// in each round. The others are found when those are fixed.
const MaxFixed = 5000

// keeping decides, as rules report, which findings are kept: what is not is
// counted and costs nothing more.
type keeping struct {
	in    *inspect.Input
	most  int
	seen  map[identity]int
	count map[class]int
}

// identity tells a file's findings apart, but for those that are alike.
type identity struct {
	rule finding.RuleID
	key  string
}

// class is what findings are counted by. No gate tells those of one apart: one
// that the findings that are kept pass, the others would pass too.
type class struct {
	rule       finding.RuleID
	severity   finding.Severity
	suppressed bool
}

func classOf(f *finding.Finding) class { return class{f.Rule, f.Severity, f.Suppressed != nil} }

// bounded is a check whose findings are told apart, held against the file's
// pragmas, and kept only up to the limit.
func (k *keeping) bounded(c finding.Check[*inspect.Input]) finding.Check[*inspect.Input] {
	run := c.Run
	c.Run = func(ctx context.Context, p *rule.Pass) error {
		own := *p
		own.Report = func(f finding.Finding) {
			c.Complete(&f)
			k.distinguish(&f)
			obey(k.in, &f, &c.Rule)
			instruction.UnlessBroken(k.in, &f)
			of := classOf(&f)
			if k.count[of]++; k.count[of] <= k.most {
				p.Report(f)
			}
		}
		return run(ctx, &own)
	}
	return c
}

// distinguish gives findings of one rule and key a number each, from the second
// on.
func (k *keeping) distinguish(f *finding.Finding) {
	id := identity{f.Rule, f.Key}
	k.seen[id]++
	if n := k.seen[id]; n > 1 {
		f.Key = fmt.Sprintf("%s #%d", f.Key, n)
	}
}

// omitted has the last finding of each class say how many more there were.
func (k *keeping) omitted(found []finding.Finding) {
	for i := len(found) - 1; i >= 0; i-- {
		of := classOf(&found[i])
		found[i].More = max(0, k.count[of]-k.most)
		k.count[of] = 0
	}
}
