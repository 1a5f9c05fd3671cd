package layering

import (
	"context"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func cacheMount() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/cache-mount",
				Title:    "Dependencies are downloaded anew whenever one of them changes",
				Practice: finding.Layering,
				Traits:   finding.Traits{Remedy: finding.CacheMounts},
				Severity: finding.Negligible,
				Why: "When a lock file changes, the whole layer is made again, and every package is downloaded again for the sake of one. " +
					"RUN --mount=type=cache keeps what was downloaded beside the image: the next build takes it from there, and the layer holds " +
					"none of it. It needs BuildKit, and a builder that keeps its caches, which a fresh CI machine does not; so this runs only where it is asked for.",
				Bad:  "FROM python:3.13-slim\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n",
				Good: "FROM python:3.13-slim\nCOPY requirements.txt .\nRUN --mount=type=cache,target=/root/.cache/pip pip install -r requirements.txt\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				last := -1
				p.Input.EachRun(func(i int, c *dockerfile.Command) {
					d, ok := inspect.InstallsDependencies(c)
					if !ok || i == last || slices.ContainsFunc(p.Input.File.Instructions[i].FlagWords, func(f dockerfile.Flag) bool {
						return f.Name == "mount" && strings.Contains(f.Value, "type=cache")
					}) {
						return
					}
					last = i
					p.Report(rule.At(c.Span, d.Tool, "%s downloads all dependencies again whenever one of them changes", d.Tool))
				})
				return nil
			},
		},
		Off:   true,
		Fires: "docker+awesome-compose/vuejs/vuejs/Dockerfile",
		Quiet: "docker+awesome-compose/flask/app/Dockerfile",
	}
}
