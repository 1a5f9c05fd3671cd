package report

import (
	"io"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix"
	"github.com/drydock-dev/drydock/internal/repair"
	"github.com/drydock-dev/drydock/internal/secret"
)

// fixSARIF is a run of fixes as SARIF: a result for each finding that has a fix.
// What is written is a result that passes; of the others, the fix is there to be
// applied where its edits are of the bytes that the user has, it has not failed
// and no secret is in it.
func fixSARIF(w io.Writer, res *repair.Result, opt Options) error {
	c := &check.Result{Unknown: res.Unknown}
	type state struct{ fix, proof, safety, why string }
	var states []state
	for i := range res.Fixed {
		f := &res.Fixed[i]
		had := map[string]finding.Digest{}
		written := false
		for _, x := range f.Files {
			had[x.Name], written = finding.DigestOf(x.Before), written || x.Written
		}
		take := func(it fix.Item, was string) {
			x := it.Finding
			x.Subject, x.Fixes = f.Subject, nil
			shown := shownFix(it.Fix, f.Secrets)
			if was != "written" && it.Failure == nil && slices.Equal(shown.Edits, it.Fix.Edits) && !slices.ContainsFunc(it.Fix.Edits, func(e finding.Edit) bool {
				d, ok := had[e.File]
				return ok && d != e.Base
			}) {
				x.Fixes = []finding.Fix{shown}
			}
			c.Findings = append(c.Findings, x)
			states = append(states, state{was, it.Fix.Proof.String(), it.Fix.Safety.String(), cut(said(it.Why), longestText)})
		}
		for _, it := range f.Applied {
			if written {
				take(it, "written")
			} else {
				take(it, "ready")
			}
		}
		for _, it := range f.Left {
			take(it, "left")
		}
	}
	return writeSARIF(w, c, opt, sarifEdit{
		run: func(run *sarifRun) {
			run.Invocations[0].ExecutionSuccessful = run.Invocations[0].ExecutionSuccessful && !res.Short()
		},
		result: func(i int, r *sarifResult) {
			s := states[i]
			r.Properties.Fix, r.Properties.Proof, r.Properties.Safety, r.Properties.Why = s.fix, s.proof, s.safety, s.why
			if s.fix == "written" {
				r.Kind, r.Level = "pass", "none"
			}
		},
	})
}

// shownFix is a fix whose edits hold no secret.
func shownFix(x finding.Fix, secrets []string) finding.Fix {
	x.Edits = slices.Clone(x.Edits)
	for i := range x.Edits {
		e := &x.Edits[i]
		e.New = secret.Redact(e.New)
		for _, v := range secrets {
			e.New = strings.ReplaceAll(e.New, v, "****")
		}
	}
	return x
}
