package privilege

import (
	"context"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func keptAlive() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/kept-alive",
				Title:    "The container is kept alive by a command that does nothing",
				Practice: finding.LeastPrivilege,
				Severity: finding.Low,
				Why: "tail -f and sleep infinity as the last command keep a container up whatever became of the program that it is for: it may have died long ago. Run that " +
					"program in the foreground, so that its end is the container's.",
				Bad:  "FROM debian:13-slim\nCMD /srv/app & tail -f /dev/null\n",
				Good: "FROM debian:13-slim\nCMD [\"/srv/app\"]\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				in.EachStarted(func(i int, c *dockerfile.Command, _ int) {
					if !idles(c) {
						return
					}
					text := c.Program() + " keeps the container up whatever becomes of what it runs"
					if len(in.Script(i).Commands) == 1 {
						text = c.Program() + " keeps up a container that runs nothing"
					}
					p.Report(rule.At(c.Span, c.Program(), "%s", text))
				})
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/601366d38eaf1b0da38e9dd13c4ad48a85d3f3bb.Dockerfile",
	}
}

func idles(c *dockerfile.Command) bool {
	switch c.Program() {
	case "tail":
		if !c.Has("-f", "-F", "--follow") || c.Input >= 0 {
			return false
		}
		for _, w := range c.Operands("-n", "-c", "--pid") {
			if w.Text == "/dev/null" || strings.HasPrefix(w.Text, "/var/log/") {
				return true
			}
		}
	case "sleep":
		ops := c.Operands()
		return len(ops) > 0 && (ops[0].Text == "infinity" || ops[0].Text == "inf" || strings.HasSuffix(ops[0].Text, "d") || len(ops[0].Text) > 5)
	}
	return false
}
