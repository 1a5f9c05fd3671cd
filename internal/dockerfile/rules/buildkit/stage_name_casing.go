package buildkit

import (
	"bytes"
	"context"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func stageNameCasing() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/stage-name-casing",
				Title:    "A stage's name has capital letters",
				Practice: finding.MultiStage,
				Severity: finding.Low,
				Aliases:  []string{"StageNameCasing"},
				Why: "BuildKit keeps stage names in lower case. COPY --from=Build still finds the stage build, but FROM Build does not: it asks " +
					"a registry for an image of that name. A name in lower case means the same everywhere.",
				Bad:  "FROM golang:1.26 AS BuildBase\nFROM scratch\nCOPY --from=BuildBase /app /app\n",
				Good: "FROM golang:1.26 AS build-base\nFROM scratch\nCOPY --from=build-base /app /app\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				var uses map[string][]stageUse
				for i := range p.Input.File.Stages {
					s := &p.Input.File.Stages[i]
					name := s.NameWord
					lower := strings.ToLower(name.Text)
					if name.Text == lower {
						continue
					}
					if uses == nil {
						uses = stageUses(p.Input)
					}
					edits := []finding.Edit{p.Input.Edit(name.Span, lower)}
					for _, use := range uses[lower] {
						if use.at >= s.End {
							edits = append(edits, p.Input.Edit(use.span, lower))
						}
					}
					f := rule.At(name.Span, lower, "the name of stage %s is not in lower case", name.Text)
					p.Report(rule.WithFix(f, finding.Safe, "Write it in lower case, here and where it is used", edits...))
				}
				return nil
			},
		},
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/342a39140a38d8030016e1360031860853fcaaa9.Dockerfile",
	}
}

// stageUse is a place where COPY --from or RUN --mount names a stage, in
// another case than the stage's.
type stageUse struct {
	at   int // index of the instruction
	span finding.Span
}

// stageUses finds them, by the name in lower case.
func stageUses(in *inspect.Input) map[string][]stageUse {
	out := map[string][]stageUse{}
	for i := range in.File.Instructions {
		for _, f := range in.File.Instructions[i].FlagWords {
			for _, ref := range inspect.FlagSources(f) {
				lower := strings.ToLower(ref)
				n := bytes.LastIndex(in.File.Bytes[f.Span.Start:f.Span.End], []byte(ref))
				if n < 0 || ref == lower {
					continue
				}
				start := f.Span.Start + n
				out[lower] = append(out[lower], stageUse{at: i, span: in.File.Span(start, start+len(ref))})
			}
		}
	}
	return out
}
