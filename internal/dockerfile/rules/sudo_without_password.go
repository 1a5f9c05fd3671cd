package rules

import (
	"context"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
)

func sudoWithoutPassword() Check {
	return Check{
		Check: finding.Check[*Input]{
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
			Run: func(_ context.Context, p *pass) error {
				shipped := p.Input.chain()
				p.Input.EachRun(func(i int, c *dockerfile.Command) {
					if !shipped[p.Input.Stage(i).Index] || !slices.ContainsFunc(c.Words, func(w dockerfile.ShellWord) bool { return strings.Contains(w.Text, "NOPASSWD") }) {
						return
					}
					switch c.Program() {
					case "echo", "printf", "sed", "tee":
						p.Report(at(c.Span, "NOPASSWD", "NOPASSWD in sudoers lets a user become root for the asking"))
					}
				})
				return nil
			},
		},
	}
}
