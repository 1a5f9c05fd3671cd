package cli

import (
	"errors"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/report"
	"github.com/drydock-dev/drydock/internal/trust"
)

// refused prints a refusal that came before there was anything to judge by. Any
// other error is one.
func (t *trustFlags) refused(n image.Name, err error) error {
	kind, ok := trust.Refused(err)
	if !ok {
		return err
	}
	verdict := trust.Verdict{Kind: kind, Now: n.Digest, Standing: trust.Standing{Tag: n.Tag, Reason: err.Error()}}
	hint := finding.HintOf(err)
	perr := t.write(func(to sink) error { return report.Refusal(to, to.format, n.String(), verdict, hint, t.page(to)) })
	return errors.Join(perr, exitError(2))
}

// refusal makes a refusal's exit code 2: that something is not to be trusted is an
// answer.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// ExitCode implements the interface of errors that have one.
func (r refusal) ExitCode() int { return 2 }

// answered gives a refusal its exit code.
func answered(err error) error {
	var r trust.Refusal
	if errors.As(err, &r) {
		return refusal{err}
	}
	return err
}
