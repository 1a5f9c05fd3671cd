package privilege

import (
	"context"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func insecureRun() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/insecure-run",
				Title:    "A command of the build runs outside its sandbox",
				Practice: finding.LeastPrivilege,
				Severity: finding.Medium,
				Why: "RUN --security=insecure runs with every capability, and --network=host in the builder's own network, where it reaches what listens on the host alone. " +
					"Whatever the command downloads has the same. Builders refuse both unless they are told otherwise, so the file builds on some machines only.",
				Bad:  "# syntax=docker/dockerfile:1\nFROM debian:13-slim\nRUN --security=insecure /src/build.sh\n",
				Good: "# syntax=docker/dockerfile:1\nFROM debian:13-slim\nRUN /src/build.sh\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				in.Each("RUN", func(_ int, inst *dockerfile.Instruction) {
					for _, fl := range inst.FlagWords {
						var f finding.Finding
						switch {
						case fl.Name == "security" && fl.Value == "insecure":
							f = rule.At(fl.Span, "security", "RUN --security=insecure has every right of the builder")
						case fl.Name == "network" && fl.Value == "host":
							f = rule.At(fl.Span, "network", "RUN --network=host reaches what listens on the builder alone")
							f.Severity = finding.Low
						default:
							continue
						}
						start, end := in.DropFlag(fl)
						p.Report(rule.WithFix(f, finding.Behaviour, "Run it in the sandbox", in.Edit(in.File.Span(start, end), "")))
					}
				})
				return nil
			},
		},
	}
}
