package instruction

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

const schemaSource = "Which labels there must be is what label-schema in .hadolint.yaml says; without one the rule is silent."

func labelMissing() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/label-missing",
				Title:    "A label that you require is missing",
				Practice: finding.Layering,
				Severity: finding.Low,
				Aliases:  []string{"DL3049"},
				Why:      "Whoever finds the image in a registry or on a host learns from its labels what it is and whom to ask. " + schemaSource,
				Bad:      "FROM debian:13-slim\n",
				Good:     "FROM debian:13-slim\nLABEL version=1.2.3\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				wanted := slices.Sorted(maps.Keys(in.Options.LabelSchema))
				if len(wanted) == 0 {
					return nil
				}
				has := make([]map[string]bool, len(in.File.Stages))
				for i := range has {
					has[i] = map[string]bool{}
				}
				eachLabel(in, func(i int, pair dockerfile.Pair) { has[in.Stage(i).Index][bareWord(pair.Key.Text)] = true })
				lent := copiedFrom(in)
				for i := range in.File.Stages {
					s := &in.File.Stages[i]
					for _, label := range wanted {
						if s.Parent != nil && has[s.Parent.Index][label] {
							has[i][label] = true
						}
						if !has[i][label] && !lent[i] {
							p.Report(rule.At(s.Span, label, "%s has no label %s", inspect.StageName(s), label))
						}
					}
				}
				return nil
			},
		},
		Settings: inspect.Options{LabelSchema: map[string]string{"version": "semver"}},
	}
}

// copiedFrom says which stages others copy from: what is made in them becomes
// part of another image.
func copiedFrom(in *inspect.Input) []bool {
	out := make([]bool, len(in.File.Stages))
	names := inspect.StageNames(in.File)
	in.EachTransfer("COPY", func(t inspect.Transfer) {
		if st := inspect.StageOf(in.File, names, t.From); st != nil {
			out[st.Index] = true
		}
	})
	return out
}

func labelExtra() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/label-not-in-schema",
				Title:    "A label that your schema does not know",
				Practice: finding.Layering,
				Severity: finding.Low,
				Aliases:  []string{"DL3050"},
				Why: "You said strict-labels: an image has the labels of the schema and no others, so that a misspelt one is not taken for the one " +
					"that is asked for. " + schemaSource,
				Bad:  "FROM debian:13-slim\nLABEL version=1.2.3 vresion=1.2.3\n",
				Good: "FROM debian:13-slim\nLABEL version=1.2.3\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				o := p.Input.Options
				if !o.StrictLabels {
					return nil
				}
				eachLabel(p.Input, func(_ int, pair dockerfile.Pair) {
					if key := bareWord(pair.Key.Text); o.LabelSchema[key] == "" {
						p.Report(rule.At(pair.Key.Span, key, "label %s is not in the schema", key))
					}
				})
				return nil
			},
		},
		Settings: inspect.Options{LabelSchema: map[string]string{"version": "semver"}, StrictLabels: true},
	}
}

func labelEmpty() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/label-empty",
				Title:    "A label that you require says nothing",
				Practice: finding.Layering,
				Severity: finding.Medium,
				Aliases:  []string{"DL3051"},
				Why:      "An empty label satisfies a search for its name and nobody who reads it. " + schemaSource,
				Bad:      "FROM debian:13-slim\nLABEL author=\"\"\n",
				Good:     "FROM debian:13-slim\nLABEL author=\"Ada\"\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				eachLabel(p.Input, func(_ int, pair dockerfile.Pair) {
					key := bareWord(pair.Key.Text)
					if p.Input.Options.LabelSchema[key] != "" && strings.Trim(pair.Value.Text, `"'`) == "" {
						p.Report(rule.At(pair.Key.Span, key, "label %s is empty", key))
					}
				})
				return nil
			},
		},
		Settings: inspect.Options{LabelSchema: map[string]string{"author": "text"}},
	}
}
