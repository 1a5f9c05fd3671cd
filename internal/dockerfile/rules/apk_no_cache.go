package rules

import (
	"context"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
)

func apkNoCache() Check {
	return Check{
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/c59497714ead4b57efd4e587910df7ad5b71c259.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/206da696408c1329908376b88616f575255b7196.Dockerfile",
		Check: finding.Check[*Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/apk-no-cache",
				Title:    "apk keeps its index in the layer",
				Practice: finding.Layering,
				Severity: finding.Low,
				Aliases:  []string{"DL3019", "DS025", "DKL-DI-0004"},
				Why: "With --no-cache, apk fetches today's index, installs from it and leaves nothing behind: no apk update before it, no removal of /var/cache/apk after it, " +
					"and no index in the layer where either is forgotten.",
				Bad:  "FROM alpine:3.22\nRUN apk add curl\n",
				Good: "FROM alpine:3.22\nRUN apk add --no-cache curl\n",
			},
			Run: func(_ context.Context, p *pass) error {
				p.Input.eachRunText(func(i int, run *dockerfile.Instruction, commands []dockerfile.Command) {
					if mounts(run, "/var/cache/apk", "/etc/apk/cache") {
						return
					}
					for n := range commands {
						c := &commands[n]
						m, ok := managed(c, "apk")
						if !ok || !m.is("add") || c.Has("--no-cache", "--no-network", "--cache-dir") {
							continue
						}
						f := at(c.Span, "apk add", "apk add without --no-cache keeps the package index, unless it is removed by hand")
						f = withFix(f, finding.Safe, "Install with --no-cache", insertWord(p.Input, i, c, m.verb, "--no-cache"))
						p.Report(changing(f, "the package index is not kept", "/var/cache/apk", "/etc/apk/cache"))
					}
				})
				return nil
			},
		},
	}
}
