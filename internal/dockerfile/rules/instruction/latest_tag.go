package instruction

import (
	"context"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func latestTag() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
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
			Run: func(_ context.Context, p *rule.Pass) error {
				for i := range p.Input.File.Stages {
					s := &p.Input.File.Stages[i]
					if s.Parent != nil || s.Base == "" || s.Base == "scratch" {
						continue
					}
					ref := finding.ParseReference(s.Base)
					if ref.Digest != "" || ref.Tag != "" && ref.Tag != "latest" {
						continue
					}
					f := rule.At(s.BaseWord.Span, ref.Name, "%s has no tag, which means latest", ref.Name)
					if ref.Tag != "" {
						f = rule.At(s.BaseWord.Span, ref.Name, "%s is whatever is newest on the day of the build", s.Base)
					}
					if s.BaseRaw != s.Base {
						f = rule.WithEvidence(f, "file", "with the defaults of its build arguments, %s is %s", s.BaseRaw, s.Base)
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
	switch raw := finding.ParseReference(strings.Trim(s.BaseRaw, `"'`)); {
	case raw.Digest != "":
	case raw.Tag == "latest":
		out = append(out, "DL3007")
	case raw.Tag == "" && !strings.HasPrefix(raw.Name, "$"):
		out = append(out, "DL3006")
	}
	// Trivy does, but for one at the end.
	if tag := finding.ParseReference(s.Base).Tag; tag == "latest" || !endsInVariable(s.BaseRaw) {
		out = append(out, "DS001")
	}
	return out
}

func endsInVariable(word string) bool {
	i := strings.LastIndexByte(word, '$')
	return i >= 0 && (strings.HasSuffix(word, "}") || !strings.ContainsAny(word[i:], "/:.-"))
}
