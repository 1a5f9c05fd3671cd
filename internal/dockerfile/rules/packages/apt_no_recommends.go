package packages

import (
	"context"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func aptNoRecommends() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/apt-no-recommends",
				Title:    "apt-get install brings packages that nobody asked for",
				Practice: finding.MinimalBase,
				Severity: finding.Low,
				Aliases:  []string{"DL3015", "DS029"},
				Why: "apt-get installs what a package recommends, not only what it needs: documentation viewers, mail servers, fonts. " +
					"Each is bytes to ship and something to patch. --no-install-recommends leaves them out; name those that are wanted.",
				Bad:  "FROM debian:13-slim\nRUN apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/*\n",
				Good: "FROM debian:13-slim\nRUN apt-get update && apt-get install -y --no-install-recommends curl && rm -rf /var/lib/apt/lists/*\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				all := inspect.Reliances{}
				preset := inspect.AptConfigured(p.Input, "apt::install-recommends")
				p.Input.EachCommand(func(i int, c *dockerfile.Command) {
					m, ok := inspect.ParsePackageCommand(c, inspect.AptPrograms...)
					if !ok || !m.Is("install") || aptPretends(c) || c.Has("--no-install-recommends", "--install-recommends", "-R", "--without-recommends", "--with-recommends") || inspect.HasAptOption(c, "install-recommends") || preset(i) {
						return
					}
					f := rule.At(c.Span, m.Program+" install", "%s install also installs what its packages only recommend", m.Program)
					if m.Program != "apt-get" {
						f.Aliases = []string{}
					}
					without := "--no-install-recommends"
					if m.Program == "aptitude" {
						without = "--without-recommends"
					}
					edits := inspect.InsertWord(p.Input, i, c, m.Verb, without)
					lost := p.Input.Relies(i, m, all)
					for _, r := range lost {
						names := strings.Join(r.Names, " ")
						edits = append(edits, p.Input.Insert(r.By.Span.Start, names+" "))
						f = rule.WithEvidence(f, "recommended", "%s only recommends %s, %s: the fix names it", r.By.Text, names, r.Why)
					}
					if len(lost) > 0 && p.Input.Script(i).Exec {
						edits = nil
					}
					f = rule.WithEdits(f, finding.Behaviour, "Leave recommended packages out", edits)
					p.Report(rule.WithChanges(f, "packages that are only recommended are not installed", rule.Installed...))
				})
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/3d2620ef7bc3b72bea58c9aa2e338a191abe575f.Dockerfile",
		Quiet: "docker-library+buildpack-deps/debian/sid/curl/Dockerfile",
	}
}
