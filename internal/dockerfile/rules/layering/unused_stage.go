package layering

import (
	"context"

	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func unusedStage() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/unused-stage",
				Title:    "Nothing uses the stage",
				Practice: finding.MultiStage,
				Severity: finding.Low,
				Why: "A stage that the last one neither builds on nor copies from is left out of the build: what it makes is nowhere, and its errors are never seen. " +
					"Either a COPY --from is missing, or the stage is meant for --target and should have a name.",
				Bad:  "FROM golang:1.26\nRUN go build -o /app ./...\n\nFROM debian:13-slim\nCOPY app /app\nCMD [\"/app\"]\n",
				Good: "FROM golang:1.26 AS build\nRUN go build -o /app ./...\n\nFROM debian:13-slim\nCOPY --from=build /app /app\nCMD [\"/app\"]\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				used := p.Input.Used()
				for i := range p.Input.File.Stages {
					s := &p.Input.File.Stages[i]
					if used[i] {
						continue
					}
					span := p.Input.File.Instructions[s.From].Span
					if s.Name == "" {
						p.Report(rule.At(span, inspect.StageName(s), "nothing uses %s, and the build leaves it out", inspect.StageName(s)))
						continue
					}
					f := rule.At(span, inspect.StageName(s), "nothing uses %s, which is built only where --target names it", inspect.StageName(s))
					f.Severity = finding.Negligible
					p.Report(f)
				}
				return nil
			},
		},
		Fires: "docker+awesome-compose/react-express-mysql/frontend/Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/f9a435c39985418f922529b61eeb48e16ce10f62.Dockerfile",
	}
}
