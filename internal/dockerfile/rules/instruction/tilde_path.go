package instruction

import (
	"context"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func tildePath() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/tilde-path",
				Title:    "A tilde where no shell reads it",
				Practice: finding.Layering,
				Severity: finding.Medium,
				Aliases:  []string{},
				Why: "A shell puts the home folder in the place of ~, a builder does not: WORKDIR ~/app and COPY . ~/app make a folder that is named ~, " +
					"and ENV hands the tilde on. Write the path: /root/app, or /home/app for a user of that name.",
				Bad:  "FROM python:3.14-slim\nCOPY app.py ~/app/\n",
				Good: "FROM python:3.14-slim\nCOPY app.py /root/app/\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				for i := range in.File.Instructions {
					inst := &in.File.Instructions[i]
					if inst.Trigger != nil {
						inst = inst.Trigger
					}
					tildes(in, inst, func(w dockerfile.Word, what string) {
						f := rule.At(w.Span, inst.Cmd+" "+w.Text, "%s %s: %s", inst.Cmd, w.Text, what)
						p.Report(rule.WithFix(f, finding.NeedsReview, "Write the home folder's path"))
					})
				}
				return nil
			},
		},
	}
}

// tildes visits the words of an instruction that begin with a tilde.
func tildes(in *inspect.Input, inst *dockerfile.Instruction, visit func(w dockerfile.Word, what string)) {
	const folder = "a folder that is named ~ is made, as no shell puts the home folder in its place"
	home := func(w dockerfile.Word) bool {
		text := strings.Trim(w.Text, `"'`)
		return text == "~" || strings.HasPrefix(text, "~/")
	}
	switch inst.Cmd {
	case "WORKDIR", "VOLUME":
		for _, w := range inst.Words {
			if home(w) {
				visit(w, folder)
			}
		}
	case "COPY", "ADD":
		if n := len(inst.Words); n > 1 && home(inst.Words[n-1]) {
			visit(inst.Words[n-1], folder)
		}
	case "ENV":
		for _, pair := range inst.Pairs() {
			value := strings.Trim(pair.Value.Text, `"'`)
			if home(pair.Value) || strings.Contains(value, ":~/") || strings.HasSuffix(value, ":~") {
				visit(pair.Value, "programs get the tilde as it is written, and most look for a folder of that name")
			}
		}
	}
}
