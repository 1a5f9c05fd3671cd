package packages

import (
	"context"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func aptForScripts() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/apt-for-scripts",
				Title:    "apt is for people, apt-get for scripts",
				Practice: finding.Layering,
				Severity: finding.Medium,
				Aliases:  []string{"DL3027"},
				Why: "apt's manual says that its options and its output may change between versions, as it is made for a terminal. " +
					"apt-get and apt-cache do the same and stay as they are.",
				Bad:  "FROM debian:13-slim\nRUN apt update && apt install -y --no-install-recommends curl && rm -rf /var/lib/apt/lists/*\n",
				Good: "FROM debian:13-slim\nRUN apt-get update && apt-get install -y --no-install-recommends curl && rm -rf /var/lib/apt/lists/*\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				p.Input.EachCommand(func(i int, c *dockerfile.Command) {
					m, ok := inspect.ParsePackageCommand(c, "apt")
					if !ok {
						return
					}
					name, instead := c.Words[len(c.Words)-len(c.Args())-1], ""
					switch {
					case name.Text != "apt": // with its folder
					case m.Is("update", "install", "remove", "purge", "upgrade", "dist-upgrade", "autoremove", "autopurge", "clean", "autoclean", "source", "build-dep", "download", "reinstall", "satisfy"):
						instead = "apt-get"
					case m.Is("show", "search", "policy", "depends", "rdepends"):
						instead = "apt-cache"
					}
					f := rule.At(c.Span, "apt "+m.Verb.Text, "apt is made for a terminal, and its options may change under a script")
					if instead != "" {
						f = rule.WithEdits(f, finding.Safe, "Use "+instead, inspect.ReplaceWord(p.Input, i, c, name, instead))
					}
					p.Report(f)
				})
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/4513ec207d47294a8934a0ead091efe8a0bf113f.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/48afc451aa25b73541b0c97112af131d590d716f.Dockerfile",
	}
}
