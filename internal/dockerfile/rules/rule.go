package rules

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

// Run runs rules over a file, and suppresses what its pragmas say. Findings are
// in the order of the file. Of one rule and severity, those over the limit of
// the options are counted and not kept: see [finding.Finding.More].
func Run(ctx context.Context, in *inspect.Input, checks []rule.Check) ([]finding.Finding, []finding.Unknown) {
	k := keeping{in: in, most: cmp.Or(in.Options.MaxFindings, MaxFindings), seen: map[identity]int{}, count: map[class]int{}}
	plain := make([]finding.Check[*inspect.Input], len(checks))
	for i, c := range checks {
		plain[i] = k.bounded(c.Check)
	}
	found, unknown := finding.RunChecks(ctx, in, plain)
	unknown = append(unknown, unread(in)...)
	k.omitted(found)
	inOrder(found)
	letGo(found)
	return found, unknown
}

// letGo copies what findings share with the file, so that a finding that is kept
// does not keep the file.
func letGo(found []finding.Finding) {
	for i := range found {
		found[i].Key = strings.Clone(found[i].Key)
		for n := range found[i].At {
			if s := found[i].At[n].Source; s != nil {
				own := *s
				found[i].At[n].Source = &own
			}
		}
	}
}

// unread are the shell texts that no rule could look into.
func unread(in *inspect.Input) []finding.Unknown {
	var out []finding.Unknown
	for i := range in.File.Instructions {
		inst := &in.File.Instructions[i]
		if err := in.Script(i).Err; err != nil {
			out = append(out, finding.Unknown{
				What: fmt.Sprintf("%s:%d: what %s runs", in.File.Name, inst.Span.Line, inst.Cmd),
				Why:  err.Error(),
			})
		}
	}
	return out
}
