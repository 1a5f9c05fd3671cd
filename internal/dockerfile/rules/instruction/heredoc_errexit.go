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

func heredocErrexit() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/heredoc-errexit",
				Title:    "A script in a here-document goes on after an error",
				Practice: finding.Layering,
				Severity: finding.Medium,
				Aliases:  []string{},
				Why: "A shell that is given several lines runs the next one whatever became of the one before, and the step's result is the last line's: " +
					"a failed install is an image without the package. Begin the script with set -e.",
				Bad:  "FROM debian:13-slim\nRUN <<EOF\nmake -C /src install\nrm -rf /src\nEOF\n",
				Good: "FROM debian:13-slim\nRUN <<EOF\nset -e\nmake -C /src install\nrm -rf /src\nEOF\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				in.EachRunText(func(i int, run *dockerfile.Instruction, commands []dockerfile.Command) {
					s := in.Script(i)
					if len(run.Heredocs) != 1 || s.Err != nil || s.Exec || s.Span != run.Heredocs[0].Body || in.StopsAtErrors(i) || s.StopsAtErrors {
						return
					}
					n := goesOn(commands)
					if n < 0 {
						return
					}
					h := run.Heredocs[0]
					f := rule.At(run.Keyword.Span, "<<"+h.Name, "the script goes on when %s fails: nothing says set -e", inspect.CommandName(&commands[n]))
					if !strings.HasPrefix(h.Content, "#!") {
						f = rule.WithFix(f, finding.Behaviour, "Begin it with set -e", in.Insert(h.Body.Start, "set -e"+in.LineEnd()))
					}
					p.Report(f)
				})
				return nil
			},
		},
		Fires: "docker+awesome-compose/flask-redis/Dockerfile",
	}
}

// goesOn is the first command whose failure nothing notices; -1: none. Assignments
// and what only says something do not count, nor does the last command of a script.
func goesOn(commands []dockerfile.Command) int {
	quiet := []string{"echo", "printf", "set", "export", "cd", "true", ":", "shopt", "umask"}
	for n := range commands[:max(len(commands)-1, 0)] {
		c, next := &commands[n], &commands[n+1]
		if len(c.Within) > 0 || len(c.Words) == 0 || slices.Contains(quiet, c.Program()) {
			continue
		}
		if !slices.ContainsFunc(commands[n+1:], func(x dockerfile.Command) bool { return len(x.Within) == 0 && (x.After == ";" || x.After == "") }) {
			continue // one list, which stops by itself
		}
		if next.After == "||" || next.After == "|" && len(next.Within) == 0 {
			continue
		}
		return n
	}
	return -1
}
