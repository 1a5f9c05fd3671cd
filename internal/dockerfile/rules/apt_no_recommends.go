package rules

import (
	"context"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
)

func aptNoRecommends() Check {
	return Check{
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/3d2620ef7bc3b72bea58c9aa2e338a191abe575f.Dockerfile",
		Quiet: "docker-library+buildpack-deps/debian/sid/curl/Dockerfile",
		Check: finding.Check[*Input]{
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
			Run: func(_ context.Context, p *pass) error {
				all := reliances{}
				preset := configured(p.Input, "apt::install-recommends")
				p.Input.eachCommand(func(i int, c *dockerfile.Command) {
					m, ok := managed(c, "apt-get", "apt", "aptitude")
					if !ok || !m.is("install") || aptPretends(c) || c.Has("--no-install-recommends", "--install-recommends", "-R", "--without-recommends", "--with-recommends") || option(c, "install-recommends") || preset(i) {
						return
					}
					f := at(c.Span, m.program+" install", "%s install also installs what its packages only recommend", m.program)
					if m.program != "apt-get" {
						f.Aliases = []string{}
					}
					without := "--no-install-recommends"
					if m.program == "aptitude" {
						without = "--without-recommends"
					}
					edits := insertWord(p.Input, i, c, m.verb, without)
					lost := p.Input.relies(i, m, all)
					for _, r := range lost {
						names := strings.Join(r.names, " ")
						edits = append(edits, p.Input.Insert(r.by.Span.Start, names+" "))
						f = why(f, "recommended", "%s only recommends %s, %s: the fix names it", r.by.Text, names, r.why)
					}
					if len(lost) > 0 && p.Input.Script(i).Exec {
						edits = nil
					}
					f = withFix(f, finding.Behaviour, "Leave recommended packages out", edits)
					p.Report(changing(f, "packages that are only recommended are not installed", installed...))
				})
				return nil
			},
		},
	}
}
