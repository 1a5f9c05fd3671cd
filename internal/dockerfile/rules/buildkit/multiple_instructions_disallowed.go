package buildkit

import (
	"context"

	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func multipleInstructionsDisallowed() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/multiple-instructions-disallowed",
				Title:    "Of several CMD, ENTRYPOINT or HEALTHCHECK the last one counts",
				Practice: finding.Layering,
				Severity: finding.Medium,
				Aliases:  []string{"MultipleInstructionsDisallowed", "DL4003", "DL4004", "DL3012", "DS016", "DS007", "DS023"},
				Why: "An image has one CMD, one ENTRYPOINT and one HEALTHCHECK. A second one in a stage replaces the first without a word. " +
					"Whoever reads the file from the top takes the first for what runs.",
				Bad:  "FROM node:24\nCMD [\"npm\", \"start\"]\nCMD [\"node\", \"server.js\"]\n",
				Good: "FROM node:24\nCMD [\"node\", \"server.js\"]\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				// What the other tools call it, by instruction.
				names := map[string][]string{
					"CMD":         {"MultipleInstructionsDisallowed", "DL4003", "DS016"},
					"ENTRYPOINT":  {"MultipleInstructionsDisallowed", "DL4004", "DS007"},
					"HEALTHCHECK": {"MultipleInstructionsDisallowed", "DL3012", "DS023"},
				}
				for n := range p.Input.File.Stages {
					s := &p.Input.File.Stages[n]
					last := map[string]int{}
					for i := s.From + 1; i < s.End; i++ {
						inst := &p.Input.File.Instructions[i]
						aliases, ok := names[inst.Cmd]
						if !ok {
							continue
						}
						dead, taken := last[inst.Cmd]
						last[inst.Cmd] = i
						if !taken {
							continue
						}
						old := &p.Input.File.Instructions[dead]
						f := rule.At(old.Span, inst.Cmd, "this %s has no effect: the one at line %d replaces it", inst.Cmd, inst.Span.Line)
						// The second place is hadolint's, and where its pragmas stand.
						f.At = append(f.At, finding.Location{Source: &inst.Span})
						f.Aliases = aliases
						p.Report(rule.WithFix(f, finding.Safe, "Remove the one without effect", p.Input.Remove(old)))
					}
				}
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/474148a054f5b51ca1aa5dd32e102e5ab2290bc6.Dockerfile",
		Quiet: "docker+awesome-compose/vuejs/vuejs/Dockerfile",
	}
}
