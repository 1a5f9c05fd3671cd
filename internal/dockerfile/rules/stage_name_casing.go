package rules

import (
	"bytes"
	"context"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
)

func stageNameCasing() Check {
	return Check{
		Check: finding.Check[*Input]{
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
			Run: func(_ context.Context, p *pass) error {
				for i := range p.Input.File.Stages {
					s := &p.Input.File.Stages[i]
					name := s.NameWord
					lower := strings.ToLower(name.Text)
					if name.Text == lower {
						continue
					}
					f := at(name.Span, lower, "the name of stage %s is not in lower case", name.Text)
					edits := append([]finding.Edit{p.Input.Edit(name.Span, lower)}, p.Input.respell(s, lower)...)
					p.Report(fix(f, finding.Safe, "Write it in lower case, here and where it is used", edits...))
				}
				return nil
			},
		},
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/342a39140a38d8030016e1360031860853fcaaa9.Dockerfile",
	}
}

// respell are the edits that write the references to a stage, of COPY --from and
// RUN --mount, as name, which differs from the stage's in case only.
func (in *Input) respell(s *dockerfile.Stage, name string) []finding.Edit {
	var out []finding.Edit
	for i := s.End; i < len(in.File.Instructions); i++ {
		inst := &in.File.Instructions[i]
		for _, f := range inst.FlagWords {
			raw := in.File.Bytes[f.Span.Start:f.Span.End]
			for _, ref := range flagSources(f) {
				n := bytes.LastIndex(raw, []byte(ref))
				if n < 0 || ref == name || !strings.EqualFold(ref, name) {
					continue
				}
				out = append(out, in.Edit(in.File.Span(f.Span.Start+n, f.Span.Start+n+len(ref)), name))
			}
		}
	}
	return out
}
