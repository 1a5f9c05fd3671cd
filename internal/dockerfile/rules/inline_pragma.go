package rules

import (
	"context"

	"github.com/drydock-dev/drydock/internal/finding"
)

func inlinePragma() Check {
	return Check{
		Check: finding.Check[*Input]{
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
			Run: func(_ context.Context, p *pass) error {
				for _, x := range p.Input.pragmas.all {
					if x.tool == "check" || x.scope == "shell" || len(x.names) == 0 || x.wrong != "" && x.tool != "hadolint" {
						continue
					}
					f := at(x.span, x.names[0], "a comment turns %s off here", x.names[0])
					if x.tool != "hadolint" || x.scope != "" {
						f.Aliases = []string{} // hadolint looks at those for one instruction
					}
					p.Report(f)
				}
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/5f98f4068cc4e7da3a880fb608842814e077f6c5.Dockerfile",
		Quiet: "docker-library+rabbitmq/4.3/alpine/management/Dockerfile",
		Off:   true,
	}
}
