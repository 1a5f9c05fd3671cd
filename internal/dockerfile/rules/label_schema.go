package rules

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
)

const schemaSource = "Which labels there must be is what label-schema in .hadolint.yaml says; without one the rule is silent."

func labelMissing() Check {
	return Check{
		Check: finding.Check[*Input]{
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
			Run: func(_ context.Context, p *pass) error {
				in := p.Input
				wanted := slices.Sorted(maps.Keys(in.Options.LabelSchema))
				if len(wanted) == 0 {
					return nil
				}
				has := make([]map[string]bool, len(in.File.Stages))
				for i := range has {
					has[i] = map[string]bool{}
				}
				in.eachLabel(func(i int, pair dockerfile.Pair) { has[in.Stage(i).Index][bareWord(pair.Key.Text)] = true })
				lent := in.copiedFrom()
				for i := range in.File.Stages {
					s := &in.File.Stages[i]
					for _, label := range wanted {
						if s.Parent != nil && has[s.Parent.Index][label] {
							has[i][label] = true
						}
						if !has[i][label] && !lent[i] {
							p.Report(at(s.Span, label, "%s has no label %s", name(s), label))
						}
					}
				}
				return nil
			},
		},
		Settings: Options{LabelSchema: map[string]string{"version": "semver"}},
	}
}

// copiedFrom says which stages others copy from: what is made in them becomes
// part of another image.
func (in *Input) copiedFrom() []bool {
	out := make([]bool, len(in.File.Stages))
	names := stageNames(in.File)
	in.eachTransfer("COPY", func(t transfer) {
		if st := stageOf(in.File, names, t.from); st != nil {
			out[st.Index] = true
		}
	})
	return out
}

func labelExtra() Check {
	return Check{
		Check: finding.Check[*Input]{
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
			Run: func(_ context.Context, p *pass) error {
				o := p.Input.Options
				if !o.StrictLabels {
					return nil
				}
				p.Input.eachLabel(func(_ int, pair dockerfile.Pair) {
					if key := bareWord(pair.Key.Text); o.LabelSchema[key] == "" {
						p.Report(at(pair.Key.Span, key, "label %s is not in the schema", key))
					}
				})
				return nil
			},
		},
		Settings: Options{LabelSchema: map[string]string{"version": "semver"}, StrictLabels: true},
	}
}

func labelEmpty() Check {
	return Check{
		Check: finding.Check[*Input]{
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
			Run: func(_ context.Context, p *pass) error {
				p.Input.eachLabel(func(_ int, pair dockerfile.Pair) {
					key := bareWord(pair.Key.Text)
					if p.Input.Options.LabelSchema[key] != "" && strings.Trim(pair.Value.Text, `"'`) == "" {
						p.Report(at(pair.Key.Span, key, "label %s is empty", key))
					}
				})
				return nil
			},
		},
		Settings: Options{LabelSchema: map[string]string{"author": "text"}},
	}
}
