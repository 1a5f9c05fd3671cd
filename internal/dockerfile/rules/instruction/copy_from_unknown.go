package instruction

import (
	"context"
	"strconv"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func copyFromUnknown() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/copy-from-unknown",
				Title:    "COPY --from names no stage above it",
				Practice: finding.MultiStage,
				Severity: finding.Medium,
				Aliases:  []string{"DL3022"},
				Why: "A name that is no stage's is taken for an image: a misspelt stage is looked for in a registry, where somebody may have " +
					"put an image of that name. Name a stage that is defined above, or an image with its tag.",
				Bad:  "FROM golang:1.26 AS build\nRUN go build -o /app ./...\nFROM scratch\nCOPY --from=biuld /app /app\n",
				Good: "FROM golang:1.26 AS build\nRUN go build -o /app ./...\nFROM scratch\nCOPY --from=build /app /app\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				names := inspect.StageNames(in.File)
				in.EachTransfer("COPY", func(t inspect.Transfer) {
					if t.From == "" || strings.Contains(t.From, ":") {
						return
					}
					st := in.Stage(t.At)
					if n, err := strconv.Atoi(t.From); err == nil {
						if n < 0 || n > st.Index {
							p.Report(rule.At(t.Flag.Span, t.From, "COPY --from=%s: there is no stage %s above", t.From, t.From))
						}
						return
					}
					other := names[strings.ToLower(t.From)]
					switch {
					case other == nil && !strings.ContainsAny(t.From, "/$.") && near(in.File.Stages[:st.Index], t.From) != "":
						// A word like it is no edit: there may be an image of that name.
						name := near(in.File.Stages[:st.Index], t.From)
						p.Report(rule.At(t.Flag.Span, t.From, "COPY --from=%s names no stage, and is taken for an image; did you mean the stage %s?", t.From, name))
					case other == nil:
						p.Report(rule.At(t.Flag.Span, t.From, "COPY --from=%s names no stage above, and an image without a tag is whatever is newest", t.From))
					case other.Index > st.Index:
						p.Report(rule.At(t.Flag.Span, t.From, "COPY --from=%s names a stage that is defined further down", t.From))
					}
				})
				return nil
			},
		},
		Fires: "docker+awesome-compose/flask-redis/Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/6e46ac03c7a7104c81fce8196af7cf6edd2b8ca7.Dockerfile",
	}
}

// maxNear is how many stages are looked at for a misspelt name.
const maxNear = 100

// near is the name among the stages' that a misspelt one may have meant.
func near(stages []dockerfile.Stage, name string) string {
	for _, st := range stages[max(0, len(stages)-maxNear):] {
		if s := st.Name; len(s) > 2 && oneOff(s, strings.ToLower(name)) {
			return s
		}
	}
	return ""
}

// oneOff reports whether one letter more, less or other, or two exchanged, make
// one word of the other.
func oneOff(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	switch len(b) - len(a) {
	case 1:
		return a[i:] == b[i+1:]
	case 0:
		return i == len(a) || a[i+1:] == b[i+1:] || i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
	}
	return false
}
