package privilege

import (
	"context"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func sudo() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/sudo",
				Title:    "sudo in a build",
				Practice: finding.LeastPrivilege,
				Severity: finding.High,
				Aliases:  []string{"DL3004", "DS010", "DKL-DI-0001"},
				Why: "A build says who runs a command with USER. sudo needs no password there, drops the environment that ENV and ARG set, and, left in " +
					"the image, gives whoever takes over the process root for the asking. What must change users when the container starts is better served by gosu or setpriv.",
				Bad:  "FROM debian:13-slim\nUSER root\nRUN sudo apt-get update\n",
				Good: "FROM debian:13-slim\nUSER root\nRUN apt-get update\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				in.EachCommand(func(i int, c *dockerfile.Command) {
					n := inspect.SudoWord(c)
					if n < 0 {
						return
					}
					root := in.RunsAsRoot(in.Stage(i), i)
					what := "sudo where USER says who runs a command"
					if root {
						what = "sudo does nothing for root, who runs this already, but to drop its environment"
					}
					f := rule.At(c.Words[n].Span, "sudo "+c.Program(), "%s", what)
					_, worker := in.WorkerUser(in.Stage(i), i)
					switch e, ok := withoutSudo(in, c, n); {
					case worker:
					case ok && root:
						f = rule.WithFix(f, finding.Behaviour, "Run it without sudo", e)
					default:
						f = rule.WithFix(f, finding.NeedsReview, "Say USER root before, and the user again after")
					}
					p.Report(f)
				})
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/2235577d07fbbcb209dbd9c87e2d44d3a37dcded.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/45eb5c28a74ba71cd99462b3967e233d2a395fb5.Dockerfile",
	}
}

// withoutSudo takes sudo away where its flags say nothing that would be missed.
func withoutSudo(in *inspect.Input, c *dockerfile.Command, n int) (finding.Edit, bool) {
	next := n + 1
	for next < len(c.Words) && slices.Contains([]string{"-E", "-H", "-n", "--", "--preserve-env", "--non-interactive"}, c.Words[next].Text) {
		next++
	}
	if next >= len(c.Words) || strings.HasPrefix(c.Words[next].Text, "-") || !in.Exactly(c.Words[n]) || c.Words[next].Span.Start <= c.Words[n].Span.Start {
		return finding.Edit{}, false
	}
	return in.Edit(in.File.Span(c.Words[n].Span.Start, c.Words[next].Span.Start), ""), true
}
