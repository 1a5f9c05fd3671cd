package rules

import (
	"context"

	"github.com/drydock-dev/drydock/internal/finding"
)

func latestTag() Check {
	return Check{
		Check: finding.Check[*Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/latest-tag",
				Title:    "The base is whatever is newest on the day of the build",
				Practice: finding.TrustedBase,
				Severity: finding.Medium,
				Aliases:  []string{"DL3006", "DL3007", "DS001"},
				Why: "latest, said or left out, is another image every few weeks: the build that passed is not the one that ships, and a new " +
					"major version arrives unannounced. Name a version; a digest holds the very bytes.",
				Bad:  "FROM debian:latest\n",
				Good: "FROM debian:13-slim\n",
			},
			Run: func(_ context.Context, p *pass) error {
				for i := range p.Input.File.Stages {
					s := &p.Input.File.Stages[i]
					if s.Parent != nil || s.Base == "" || s.Base == "scratch" {
						continue
					}
					switch ref := reference(s.Base); {
					case ref.digest != "":
					case ref.tag == "":
						p.Report(at(s.BaseWord.Span, ref.name, "%s has no tag, which means latest", ref.name))
					case ref.tag == "latest":
						p.Report(at(s.BaseWord.Span, ref.name, "%s is whatever is newest on the day of the build", s.Base))
					}
				}
				return nil
			},
		},
	}
}
