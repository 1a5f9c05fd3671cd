package buildkit

import (
	"context"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func consistentInstructionCasing() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/consistent-instruction-casing",
				Title:    "An instruction is written in another case than the others",
				Practice: finding.Layering,
				Severity: finding.Low,
				Aliases:  []string{"ConsistentInstructionCasing"},
				Why: "The builder takes run and RUN for the same. A reader, and whoever searches the file for RUN, does not: what is written " +
					"differently is overlooked. Most of the file decides which case it is.",
				Bad:  "FROM debian:13-slim\nRUN useradd app\nuser app\n",
				Good: "FROM debian:13-slim\nRUN useradd app\nUSER app\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				insts := p.Input.File.Instructions
				lower, upper := 0, 0
				for i := range insts {
					switch word := insts[i].Keyword.Text; {
					case insts[i].Stage < 0: // as BuildKit, which leaves out what is before the first FROM
					case word == strings.ToLower(word):
						lower++
					case word == strings.ToUpper(word):
						upper++
					}
				}
				as, how := strings.ToUpper, "upper case"
				if lower > upper {
					as, how = strings.ToLower, "lower case"
				}
				for i := range insts {
					word := insts[i].Keyword
					if insts[i].Stage < 0 || word.Text == as(word.Text) {
						continue
					}
					f := rule.At(word.Span, word.Text, "%s is not written in %s as most of the file is", word.Text, how)
					edits := []finding.Edit{p.Input.Edit(word.Span, as(word.Text))}
					if w := insts[i].Words; insts[i].Cmd == "FROM" && len(w) > 2 && w[1].Text != as(w[1].Text) {
						edits = append(edits, p.Input.Edit(w[1].Span, as(w[1].Text))) // FROM and AS go together
					}
					p.Report(rule.WithFix(f, finding.Safe, "Write "+as(word.Text), edits...))
				}
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/8b94992c57a98a4d1cc3dd78e81d80779dccbfff.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/2c38498aea9106e47585c9db4f4b9cd63b7d3458.Dockerfile",
	}
}
