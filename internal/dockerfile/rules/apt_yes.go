package rules

import (
	"context"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
)

func aptYes() Check {
	return Check{
		Check: finding.Check[*Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/apt-yes",
				Title:    "apt-get install asks a question that nobody answers",
				Practice: finding.Layering,
				Severity: finding.Medium,
				Aliases:  []string{"DL3014", "DS021"},
				Why: "A build has no terminal. apt-get that waits for a yes gets none, takes it for a no, and the build fails, " +
					"on the day on which the package brings others with it. Say -y.",
				Bad:  "FROM debian:13-slim\nRUN apt-get update && apt-get install --no-install-recommends curl\n",
				Good: "FROM debian:13-slim\nRUN apt-get update && apt-get install -y --no-install-recommends curl\n",
			},
			Run: func(_ context.Context, p *pass) error {
				p.Input.EachRun(func(_ int, c *dockerfile.Command) {
					if !c.Is("apt-get", "install") || c.Has("-y", "--yes", "--assume-yes") || c.Has("-qq") {
						return
					}
					sub := c.Operands()[0]
					f := at(c.Span, "apt-get install", "apt-get install without -y waits for an answer and fails")
					p.Report(fix(f, finding.Safe, "Answer with -y", p.Input.Insert(sub.Span.End, " -y")))
				})
				return nil
			},
		},
	}
}
