package privilege

import (
	"context"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func sudoWithoutPassword() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/sudo-without-password",
				Title:    "A user may become root for the asking",
				Practice: finding.LeastPrivilege,
				Severity: finding.Medium,
				Why: "With NOPASSWD in sudoers USER is a formality: whoever takes over the process says sudo and is root of the container. Do what needs root in the build, " +
					"before USER, and leave sudo out of the image.",
				Bad:  "FROM debian:13-slim\nRUN echo 'app ALL=(ALL) NOPASSWD: ALL' >> /etc/sudoers\nUSER app\n",
				Good: "FROM debian:13-slim\nRUN mkdir /srv/data && chown app /srv/data\nUSER app\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				shipped := chain(p.Input)
				put := sudoersPutBack(p.Input)
				p.Input.EachCommand(func(i int, c *dockerfile.Command) {
					if i < put {
						return
					}
					if !shipped[p.Input.Stage(i).Index] || !slices.ContainsFunc(c.Words, func(w dockerfile.ShellWord) bool { return strings.Contains(w.Text, "NOPASSWD") }) {
						return
					}
					switch c.Program() {
					case "echo", "printf", "sed", "tee":
						p.Report(rule.At(c.Span, "NOPASSWD", "NOPASSWD in sudoers lets a user become root for the asking"))
					}
				})
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/629f47c56a432a92559905e6938e918884051b56.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/84728eb47859e08e5b86de17de8690908b0823f0.Dockerfile",
	}
}

// sudoersPutBack is the last instruction that puts another file in the place of
// sudoers; -1: none does.
func sudoersPutBack(in *inspect.Input) int {
	last := -1
	in.EachCommand(func(i int, c *dockerfile.Command) {
		if ops := c.Operands(); (c.Is("mv") || c.Is("cp")) && len(ops) > 1 && ops[len(ops)-1].Text == "/etc/sudoers" {
			last = i
		}
	})
	return last
}
