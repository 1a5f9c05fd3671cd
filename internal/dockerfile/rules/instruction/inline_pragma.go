package instruction

import (
	"context"

	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func inlinePragma() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/inline-pragma",
				Title:    "A comment in the file turns a rule off",
				Practice: finding.Layering,
				Severity: finding.Low,
				Aliases:  []string{"DL1001"},
				Why: "Where a team decides together what it accepts, exceptions belong into one reviewed file, with a reason and a date, and not into a " +
					"comment that nobody sees again. Off unless it is asked for.",
				Bad:  "FROM debian:13-slim\n# hadolint ignore=DL3008\nRUN apt-get install -y curl\n",
				Good: "FROM debian:13-slim\nRUN apt-get install -y curl\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				for _, x := range p.Input.Pragmas.All {
					if x.Tool == "check" || x.Scope == "shell" || len(x.Names) == 0 || x.Wrong != "" && x.Tool != "hadolint" {
						continue
					}
					f := rule.At(x.Span, x.Names[0], "a comment turns %s off here", x.Names[0])
					if x.Tool != "hadolint" || x.Scope != "" {
						f.Aliases = []string{} // hadolint looks at those for one instruction
					}
					p.Report(f)
				}
				return nil
			},
		},
		Off:   true,
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/5f98f4068cc4e7da3a880fb608842814e077f6c5.Dockerfile",
		Quiet: "docker-library+rabbitmq/4.3/alpine/management/Dockerfile",
	}
}
