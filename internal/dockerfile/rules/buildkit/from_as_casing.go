package buildkit

import (
	"context"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func fromAsCasing() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/from-as-casing",
				Title:    "FROM and its AS are written in different case",
				Practice: finding.MultiStage,
				Severity: finding.Low,
				Aliases:  []string{"FromAsCasing"},
				Why: "FROM and AS are two keywords of one instruction. Written alike they stand out from the names between them, and the " +
					"stages of a file are found at a glance.",
				Bad:  "FROM golang:1.26 as build\n",
				Good: "FROM golang:1.26 AS build\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				for i := range p.Input.File.Stages {
					s := &p.Input.File.Stages[i]
					inst := &p.Input.File.Instructions[s.From]
					if len(inst.Words) < 3 {
						continue
					}
					from, as := inst.Keyword.Text, inst.Words[1]
					want := strings.ToUpper(as.Text)
					if from == strings.ToLower(from) {
						want = strings.ToLower(as.Text)
					} else if from != strings.ToUpper(from) {
						continue // of mixed case: another rule's
					}
					if as.Text == want {
						continue
					}
					f := rule.At(as.Span, s.Name, "%s does not match the case of %s", as.Text, from)
					p.Report(rule.WithFix(f, finding.Safe, "Write "+want, p.Input.Edit(as.Span, want)))
				}
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/f52352ff511e7dbaa08f3ab94a09574bf9b7a1c9.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/342a39140a38d8030016e1360031860853fcaaa9.Dockerfile",
	}
}
