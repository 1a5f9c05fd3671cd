package packages

import (
	"context"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func wgetAndCurl() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/wget-and-curl",
				Title:    "wget and curl do the same, and the stage uses both",
				Practice: finding.MinimalBase,
				Severity: finding.Medium,
				Aliases:  []string{"DL4001", "DS014"},
				Why: "Each of the two brings its own libraries, its own settings for proxies and certificates, and its own vulnerabilities. " +
					"One of them downloads everything that the other does.",
				Bad:  "FROM debian:13\nRUN wget -q https://example.com/a\nRUN curl -fsSLO https://example.com/b\n",
				Good: "FROM debian:13\nRUN curl -fsSLO https://example.com/a\nRUN curl -fsSLO https://example.com/b\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				type use struct{ wget, curl bool }
				used := map[int]use{}
				p.Input.EachRunText(func(i int, _ *dockerfile.Instruction, commands []dockerfile.Command) {
					stage := p.Input.File.Instructions[i].Stage
					u := used[stage]
					var last *dockerfile.Command
					for n := range commands {
						switch commands[n].Program() {
						case "wget":
							u.wget, last = true, &commands[n]
						case "curl":
							u.curl, last = true, &commands[n]
						}
					}
					used[stage] = u
					if last != nil && u.wget && u.curl {
						p.Report(rule.At(last.Span, last.Program(), "the stage downloads with wget and with curl, where one would do"))
					}
				})
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/fec96bf0f5c46d04ba25ccbec41e50c7cf765cf0.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/4c5193834295449c3fe933a294beb16375674137.Dockerfile",
	}
}
