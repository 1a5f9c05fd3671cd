package instruction

import (
	"context"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func copyAboveContext() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/copy-above-context",
				Title:    "COPY from above the build's context",
				Practice: finding.Layering,
				Severity: finding.Medium,
				Aliases:  []string{},
				Why: "A build sees its context and nothing above it. The classic builder refuses ../; BuildKit leaves it out and looks for the rest of the path " +
					"in the context, where it is another file or none. Build with the folder above as context (docker build -f app/Dockerfile ..), or give it with --build-context.",
				Bad:  "FROM debian:13-slim\nCOPY ../shared /shared\n",
				Good: "FROM debian:13-slim\nCOPY --from=shared . /shared\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				for _, cmd := range []string{"COPY", "ADD"} {
					in.EachTransferAnywhere(cmd, func(t inspect.Transfer) {
						if t.From != "" {
							return
						}
						for _, w := range t.Sources {
							source, _ := in.Value(t.At, w)
							if source == ".." || strings.HasPrefix(source, "../") || strings.HasPrefix(source, "./../") {
								p.Report(rule.At(w.Span, source, "%s %s: the build does not see what is above its context", cmd, source))
							}
						}
					})
				}
				return nil
			},
		},
	}
}
