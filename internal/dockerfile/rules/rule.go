package rules

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
)

// Check is a rule over a Dockerfile.
type Check struct {
	finding.Check[*Input]
	// Off says that the rule runs only where it is asked for.
	Off bool
	// Fires and Quiet are files of the corpus of Dockerfiles from the wild: one
	// in which the rule fires, and one that looks alike and in which it does not.
	// Where the corpus has none, they are empty.
	Fires, Quiet string
	// BadContext and GoodContext are files of the build context of Bad and Good,
	// by path; nil: no context is known.
	BadContext, GoodContext map[string]string
	// Settings are those under which Bad fires and Good does not, for rules that
	// find nothing without.
	Settings Options
}

type pass = finding.Pass[*Input]

// at is a finding at a place of the file. detail tells instances of a rule in
// one file apart, and must not hold what an unrelated edit changes (a line):
// the package, the instruction's text. [Run] tells equal ones apart.
func at(span finding.Span, detail, format string, args ...any) finding.Finding {
	return finding.Finding{
		Key:     detail,
		Message: fmt.Sprintf(format, args...),
		At:      []finding.Location{{Source: &span}},
	}
}

// fix adds a fix to a finding.
func fix(f finding.Finding, safety finding.Safety, title string, edits ...finding.Edit) finding.Finding {
	f.Fixes = append(f.Fixes, finding.Fix{Title: title, Safety: safety, Edits: edits})
	return f
}

// why adds evidence to a finding.
func why(f finding.Finding, kind finding.EvidenceKind, format string, args ...any) finding.Finding {
	f.Evidence = append(f.Evidence, finding.Evidence{Kind: kind, Text: fmt.Sprintf(format, args...)})
	return f
}

// Run runs rules over a file, and suppresses what its pragmas say. Findings are
// in the order of the file. Of one rule and severity, those over the limit of
// the options are counted and not kept: see [finding.Finding.More].
func Run(ctx context.Context, in *Input, checks []Check) ([]finding.Finding, []finding.Unknown) {
	k := keeping{in: in, most: cmp.Or(in.Options.MaxFindings, MaxFindings), seen: map[identity]int{}, count: map[class]int{}}
	plain := make([]finding.Check[*Input], len(checks))
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
func unread(in *Input) []finding.Unknown {
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

// name is how messages call a stage.
func name(s *dockerfile.Stage) string {
	if s.Name != "" {
		return "stage " + s.Name
	}
	return fmt.Sprintf("stage %d", s.Index)
}
