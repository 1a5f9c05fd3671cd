package rule

import (
	"fmt"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/secret"
)

// WithEdits adds a fix if there are edits for it.
func WithEdits(f finding.Finding, safety finding.Safety, title string, edits []finding.Edit) finding.Finding {
	if len(edits) == 0 {
		return f
	}
	return WithFix(f, safety, title, edits...)
}

// Unpinned is the finding that packages are installed without their version.
func Unpinned(span finding.Span, program string, words []string, how string) finding.Finding {
	return At(span, program+" "+secret.Redact(strings.Join(words, " ")), "%s installs whatever version of %s is newest (%s)", program, secret.Redact(inspect.List(words)), how)
}

// Check is a rule over a Dockerfile.
type Check struct {
	finding.Check[*inspect.Input]
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
	Settings inspect.Options
}

// Pass is one run of a rule over a file.
type Pass = finding.Pass[*inspect.Input]

// At is a finding at a place of the file. detail tells instances of a rule in
// one file apart, and must not hold what an unrelated edit changes (a line):
// the package, the instruction's text. rules.Run tells equal ones apart.
func At(span finding.Span, detail, format string, args ...any) finding.Finding {
	return finding.Finding{
		Key:     detail,
		Message: fmt.Sprintf(format, args...),
		At:      []finding.Location{{Source: &span}},
	}
}

// WithFix adds a fix to a finding.
func WithFix(f finding.Finding, safety finding.Safety, title string, edits ...finding.Edit) finding.Finding {
	f.Fixes = append(f.Fixes, finding.Fix{Title: title, Safety: safety, Edits: edits})
	return f
}

// WithEvidence adds evidence to a finding.
func WithEvidence(f finding.Finding, kind finding.EvidenceKind, format string, args ...any) finding.Finding {
	f.Evidence = append(f.Evidence, finding.Evidence{Kind: kind, Text: fmt.Sprintf(format, args...)})
	return f
}
