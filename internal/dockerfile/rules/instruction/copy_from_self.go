package instruction

import (
	"context"
	"strconv"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func copyFromSelf() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/copy-from-self",
				Title:    "A stage copies from itself",
				Practice: finding.MultiStage,
				Severity: finding.High,
				Aliases:  []string{"DL3023", "DS006"},
				Why: "A stage cannot copy from what it has not become yet, and the build stops. Within a stage, RUN cp copies; " +
					"what another stage made is copied under that one's name.",
				Bad:  "FROM golang:1.26 AS build\nCOPY --from=build /go/bin/app /usr/local/bin/\n",
				Good: "FROM golang:1.26 AS build\nRUN go build -o /go/bin/app ./...\nFROM scratch\nCOPY --from=build /go/bin/app /usr/local/bin/\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				in.EachTransfer("COPY", func(t inspect.Transfer) {
					st := in.Stage(t.At)
					n, err := strconv.Atoi(t.From)
					switch {
					case t.From == "":
					case strings.EqualFold(st.Name, t.From):
						p.Report(rule.At(t.Flag.Span, t.From, "%s copies from itself, and the build stops", inspect.StageName(st)))
					case err == nil && n == st.Index:
						f := rule.At(t.Flag.Span, t.From, "%s copies from itself, and the build stops", inspect.StageName(st))
						f.Aliases = []string{} // the others look at names only
						p.Report(f)
					}
				})
				return nil
			},
		},
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/f9a435c39985418f922529b61eeb48e16ce10f62.Dockerfile",
	}
}
