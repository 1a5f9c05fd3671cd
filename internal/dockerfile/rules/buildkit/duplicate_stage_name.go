package buildkit

import (
	"context"

	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func duplicateStageName() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/duplicate-stage-name",
				Title:    "Two stages have one name",
				Practice: finding.MultiStage,
				Severity: finding.Medium,
				Aliases:  []string{"DuplicateStageName", "DL3024", "DS012"},
				Why: "A name that is given twice means whichever stage BuildKit finds for it: the last, wherever it is used. What the first one " +
					"makes is lost, and no message says so. Capital letters make no difference.",
				Bad:  "FROM golang:1.26 AS build\nFROM node:24 AS build\nFROM scratch\nCOPY --from=build /out /\n",
				Good: "FROM golang:1.26 AS server\nFROM node:24 AS client\nFROM scratch\nCOPY --from=client /out /\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				first := map[string]int{} // name -> the stage that has it
				for i := range p.Input.File.Stages {
					s := &p.Input.File.Stages[i]
					if s.Name == "" {
						continue
					}
					n, taken := first[s.Name]
					if !taken {
						first[s.Name] = i
						continue
					}
					other := p.Input.File.Stages[n].NameWord.Span
					f := rule.At(s.NameWord.Span, s.Name, "stage %d is called %s like the one at line %d", s.Index, s.Name, other.Line)
					f.At = append(f.At, finding.Location{Source: &other})
					p.Report(f)
				}
				return nil
			},
		},
		Quiet: "docker+awesome-compose/vuejs/vuejs/Dockerfile",
	}
}
