package instruction

import (
	"context"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

// UnlessBroken takes fixes away that edit a part of what was meant as a JSON
// array and is none: its words are not what they look like. To write all of it
// anew is another matter.
func UnlessBroken(in *inspect.Input, f *finding.Finding) {
	f.Fixes = slices.DeleteFunc(f.Fixes, func(x finding.Fix) bool {
		return slices.ContainsFunc(x.Edits, func(e finding.Edit) bool {
			inst := instructionAt(in, e)
			if inst == nil || !brokenJSON(inst) {
				return false
			}
			first, last := inst.Words[0].Span.Start, inst.Words[len(inst.Words)-1].Span.End
			return e.Start > first || e.End < last
		})
	})
}

// instructionAt is the instruction that an edit changes something of; nil: none.
func instructionAt(in *inspect.Input, e finding.Edit) *dockerfile.Instruction {
	if e.File != in.File.Name {
		return nil
	}
	all := in.File.Instructions
	i, _ := slices.BinarySearchFunc(all, e.Start, func(inst dockerfile.Instruction, at int) int { return inst.Span.End - at })
	if i == len(all) || all[i].Span.Start > e.Start {
		return nil
	}
	return &all[i]
}

// brokenJSON reports whether an instruction's arguments begin like a JSON array
// and are not one. What only tests a condition, RUN [ -f x ], is a command.
func brokenJSON(inst *dockerfile.Instruction) bool {
	if inst.Trigger != nil {
		inst = inst.Trigger
	}
	if inst.JSON || len(inst.Words) == 0 || !strings.HasPrefix(inst.Words[0].Text, "[") {
		return false
	}
	switch inst.Cmd {
	case "COPY", "ADD", "VOLUME", "SHELL":
		return true
	case "RUN", "CMD", "ENTRYPOINT":
		text := strings.TrimSpace(inst.Words[0].Text)
		return strings.HasSuffix(text, "]") && !strings.HasPrefix(text, "[ ") && !strings.HasPrefix(text, "[[") ||
			strings.HasPrefix(strings.TrimLeft(text[1:], " "), `"`) && strings.Contains(text, `",`)
	}
	return false
}

func brokenJSONRule() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/broken-json",
				Title:    "What looks like JSON is none",
				Practice: finding.LeastPrivilege,
				Severity: finding.High,
				Aliases:  []string{},
				Why: "An array with a comma missing, or with single quotes, is no JSON: the builder takes it for the other form without a word. A command is " +
					"then a shell's, whose first word is [\"nginx\",; a COPY has a source named [\"a\",. Put the array right, or leave the brackets out.",
				Bad:  "FROM debian:13-slim\nENTRYPOINT [\"/srv/app\", \"--config\" \"/etc/app.conf\"]\n",
				Good: "FROM debian:13-slim\nENTRYPOINT [\"/srv/app\", \"--config\", \"/etc/app.conf\"]\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				for i := range in.File.Instructions {
					inst := &in.File.Instructions[i]
					if !brokenJSON(inst) {
						continue
					}
					if inst.Trigger != nil {
						inst = inst.Trigger
					}
					words := in.File.Span(inst.Words[0].Span.Start, inst.Words[len(inst.Words)-1].Span.End)
					f := rule.At(words, inst.Cmd, "the brackets of %s hold no JSON array, and are taken for words", inst.Cmd)
					if array, ok := mended(in.Text(words)); ok {
						f = rule.WithFix(f, finding.NeedsReview, "Write the array that seems to be meant", in.Edit(words, array))
					}
					p.Report(f)
				}
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/d9ebecad831c79b09172ad908d0b0232408c38bb.Dockerfile",
	}
}

// mended is the JSON array that a text seems to mean: strings in either quotes, with
// commas or without; false: it cannot be told.
func mended(text string) (string, bool) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(text), "[")
	var words []string
	for ok {
		rest = strings.TrimLeft(rest, " \t,")
		if rest == "" || rest == "]" {
			break
		}
		quote := rest[0]
		n := strings.IndexByte(rest[1:], quote)
		if quote != '"' && quote != '\'' || n < 0 || strings.ContainsAny(rest[1:1+n], "\\\"\r\n") {
			return "", false
		}
		words, rest = append(words, `"`+rest[1:1+n]+`"`), rest[n+2:]
	}
	return "[" + strings.Join(words, ", ") + "]", ok && len(words) > 0
}
