package buildkit

import (
	"context"

	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func reservedStageName() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/reserved-stage-name",
				Title:    "A stage has a name that means something else",
				Practice: finding.MultiStage,
				Severity: finding.Medium,
				Aliases:  []string{"ReservedStageName", "DL3063"},
				Why: "scratch is the empty base and context the folder of the build. A stage of that name is taken for the other thing, " +
					"now in one place and now in another: FROM scratch does not start from the stage.",
				Bad:  "FROM alpine:3.22 AS scratch\n",
				Good: "FROM alpine:3.22 AS base\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				for i := range p.Input.File.Stages {
					if s := &p.Input.File.Stages[i]; s.Name == "scratch" || s.Name == "context" {
						f := rule.At(s.NameWord.Span, s.Name, "%s means something else to BuildKit and is no name for a stage", s.Name)
						if s.NameWord.Text != s.Name {
							f.Aliases = []string{"ReservedStageName"} // hadolint minds the case
						}
						p.Report(f)
					}
				}
				return nil
			},
		},
	}
}
