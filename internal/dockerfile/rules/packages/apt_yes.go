package packages

import (
	"context"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func aptYes() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/apt-yes",
				Title:    "apt-get install asks a question that nobody answers",
				Practice: finding.Layering,
				Severity: finding.Medium,
				Aliases:  []string{"DL3014", "DS021"},
				Why: "A build has no terminal. apt-get that waits for a yes gets none, takes it for a no, and the build fails, " +
					"on the day on which the package brings others with it. Say -y.",
				Bad:  "FROM debian:13-slim\nRUN apt-get update && apt-get install --no-install-recommends curl\n",
				Good: "FROM debian:13-slim\nRUN apt-get update && apt-get install -y --no-install-recommends curl\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				preset := inspect.AptConfigured(p.Input, "apt::get::assume-yes")
				p.Input.EachCommand(func(i int, c *dockerfile.Command) {
					m, ok := inspect.ParsePackageCommand(c, inspect.AptPrograms...)
					if !ok || c.Input >= 0 || aptAnswers(c) || preset(i) {
						return
					}
					if !m.Is("install", "remove", "purge", "upgrade", "dist-upgrade", "full-upgrade", "safe-upgrade", "build-dep", "reinstall") {
						return
					}
					f := rule.At(c.Span, m.Program+" "+m.Verb.Text, "%s %s without -y waits for an answer and fails", m.Program, m.Verb.Text)
					if m.Program != "apt-get" || !m.Is("install") {
						f.Aliases = []string{}
					}
					p.Report(rule.WithEdits(f, finding.Safe, "Answer with -y", inspect.InsertWord(p.Input, i, c, m.Verb, "-y")))
				})
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/1f1a51ed248a4de6a09b269cb6dfd44883d343fc.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/48afc451aa25b73541b0c97112af131d590d716f.Dockerfile",
	}
}

// aptAnswers reports whether an apt-get asks nothing.
func aptAnswers(c *dockerfile.Command) bool {
	if c.Has("-y", "--yes", "--assume-yes", "--force-yes", "--assume-no") || aptPretends(c) || inspect.HasAptOption(c, "assume-yes") {
		return true
	}
	quiet := 0
	for _, w := range c.Args() {
		switch {
		case w.Text == "--quiet":
			quiet++
		case w.Text == "-q=2", w.Text == "--quiet=2":
			return true
		case len(w.Text) > 1 && w.Text[0] == '-' && w.Text[1] != '-':
			quiet += strings.Count(w.Text, "q")
		}
	}
	return quiet >= 2
}

// aptPretends reports whether an apt-get only says what it would do.
func aptPretends(c *dockerfile.Command) bool {
	return c.Has("-s", "--simulate", "--dry-run", "--just-print", "--no-act", "--recon", "--print-uris")
}
