package instruction

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func runWithoutEffect() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/run-without-effect",
				Title:    "RUN changes its own shell, and nothing else",
				Practice: finding.Layering,
				Severity: finding.Medium,
				Aliases:  []string{},
				Why: "Each RUN has a shell of its own. What export sets, a virtual environment's activate, ulimit or umask change ends with it, and the next " +
					"instruction knows nothing of it. ENV sets a variable for all that follow; for a virtual environment, its bin folder goes first in PATH.",
				Bad:  "FROM python:3.14-slim\nRUN python -m venv /venv\nRUN . /venv/bin/activate\nRUN pip install --no-cache-dir flask==3.1.2\n",
				Good: "FROM python:3.14-slim\nRUN python -m venv /venv\nENV PATH=/venv/bin:$PATH\nRUN pip install --no-cache-dir flask==3.1.2\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				in.EachRunText(func(i int, run *dockerfile.Instruction, commands []dockerfile.Command) {
					if len(commands) == 0 || in.Script(i).Err != nil || slices.ContainsFunc(commands, hasEffect) {
						return
					}
					c := &commands[0]
					what := c.Program()
					if args := c.Args(); len(args) > 0 && (what == "." || what == "source") {
						what += " " + args[0].Text
					}
					f := rule.At(run.Span, what, "%s changes the shell of this RUN alone, which ends here", cmp.Or(what, "an assignment"))
					p.Report(asENV(in, f, i, run, commands))
				})
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/788570f776c753937aef1be4bcf7be1005a94de6.Dockerfile",
	}
}

// hasEffect reports whether a command may do more than change its own shell.
func hasEffect(c dockerfile.Command) bool {
	if len(c.Redirects) > 0 || slices.Contains(c.Within, "substitution") {
		return true
	}
	if len(c.Words) == 0 {
		return len(c.Assigns) == 0
	}
	switch c.Program() {
	case "export", "alias", "ulimit", "umask", "unset", "set", "shopt", "setopt", "declare", "hash":
		return false
	case ".", "source":
		args := c.Args()
		return len(args) == 0 || !strings.HasSuffix(args[0].Text, "activate") && !strings.Contains(args[0].Text, "bashrc") && !strings.Contains(args[0].Text, "profile") &&
			!strings.HasSuffix(args[0].Text, "/env")
	case "conda", "mamba":
		return !c.Is(c.Program(), "activate")
	}
	return true
}

// asENV offers ENV in the place of an export of values that are told.
func asENV(in *inspect.Input, f finding.Finding, i int, run *dockerfile.Instruction, commands []dockerfile.Command) finding.Finding {
	c := &commands[0]
	if len(commands) != 1 || c.Program() != "export" || len(run.Heredocs) > 0 || len(run.FlagWords) > 0 || in.Script(i).Exec || len(in.Pragmas.Local[i]) > 0 {
		return f
	}
	var pairs []string
	for _, w := range c.Args() {
		if name, value, ok := strings.Cut(w.Text, "="); !ok || !isName(name) || strings.ContainsAny(value, "`(\\~'\" \t") {
			return f
		}
		pairs = append(pairs, in.Text(w.Span))
	}
	for _, a := range c.Assigns {
		if !a.Value.Literal && strings.ContainsAny(a.Value.Text, "`(\\~") || strings.ContainsAny(a.Value.Text, "\n") {
			return f
		}
		pairs = append(pairs, in.Text(a.Span))
	}
	if len(pairs) == 0 {
		return f
	}
	return rule.WithFix(f, finding.Behaviour, "Use ENV", in.Edit(run.Span, "ENV "+strings.Join(pairs, " ")))
}

// isName reports whether a text is the name of a variable.
func isName(s string) bool { return s != "" && inspect.NameLength(s) == len(s) }
