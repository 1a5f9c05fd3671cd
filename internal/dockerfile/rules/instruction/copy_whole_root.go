package instruction

import (
	"context"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func copyWholeRoot() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/copy-whole-stage",
				Title:    "All of another stage is copied",
				Practice: finding.MultiStage,
				Severity: finding.Medium,
				Aliases:  []string{"DL3067"},
				Why: "A stage's whole file system brings its compilers, package lists, caches and whatever secrets lay about in it, which is " +
					"what a second stage was for leaving behind. Copy the files that the application needs.",
				Bad:  "FROM golang:1.26 AS build\nRUN go build -o /app ./...\nFROM scratch\nCOPY --from=build / /\n",
				Good: "FROM golang:1.26 AS build\nRUN go build -o /app ./...\nFROM scratch\nCOPY --from=build /app /app\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				p.Input.EachTransfer("COPY", func(t inspect.Transfer) {
					if t.From == "" || strings.Trim(t.Dest.Text, `"'`) != "/" {
						return
					}
					for _, w := range t.Sources {
						switch strings.Trim(w.Text, `"'`) {
						case "/":
							p.Report(rule.At(t.Span, t.From, "COPY --from=%s takes all of its file system along", t.From))
							return
						case "/.", "/*", "/./":
							f := rule.At(t.Span, t.From, "COPY --from=%s takes all of its file system along", t.From)
							f.Aliases = []string{} // hadolint looks for "/" alone
							p.Report(f)
							return
						}
					}
				})
				return nil
			},
		},
		Fires: "docker+awesome-compose/apache-php/app/Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/d22b5e13e718e6378635858e04bd8a6395984dfc.Dockerfile",
	}
}
