package rules

import (
	"context"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
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
					ref := reference(s.Base)
					if ref.digest != "" || ref.tag != "" && ref.tag != "latest" {
						continue
					}
					f := at(s.BaseWord.Span, ref.name, "%s has no tag, which means latest", ref.name)
					if ref.tag != "" {
						f = at(s.BaseWord.Span, ref.name, "%s is whatever is newest on the day of the build", s.Base)
					}
					if s.BaseRaw != s.Base {
						f = why(f, "file", "with the defaults of its build arguments, %s is %s", s.BaseRaw, s.Base)
					}
					f.Aliases = latestAliases(s)
					p.Report(f)
				}
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/342a39140a38d8030016e1360031860853fcaaa9.Dockerfile",
		Quiet: "docker+awesome-compose/aspnet-mssql/app/aspnetapp/Dockerfile",
	}
}

// latestAliases are what other tools call the base as it is written. hadolint
// reads no variables, and one at the beginning may stand for anything.
func latestAliases(s *dockerfile.Stage) []string {
	out := []string{}
	switch raw := reference(strings.Trim(s.BaseRaw, `"'`)); {
	case raw.digest != "":
	case raw.tag == "latest":
		out = append(out, "DL3007")
	case raw.tag == "" && !strings.HasPrefix(raw.name, "$"):
		out = append(out, "DL3006")
	}
	// Trivy does, but for one at the end.
	if tag := reference(s.Base).tag; tag == "latest" || !endsInVariable(s.BaseRaw) {
		out = append(out, "DS001")
	}
	return out
}

func endsInVariable(word string) bool {
	i := strings.LastIndexByte(word, '$')
	return i >= 0 && (strings.HasSuffix(word, "}") || !strings.ContainsAny(word[i:], "/:.-"))
}
