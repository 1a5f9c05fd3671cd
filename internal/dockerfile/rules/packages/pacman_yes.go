package packages

import (
	"context"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func pacmanYes() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/pacman-yes",
				Title:    "pacman asks a question that nobody answers",
				Practice: finding.Layering,
				Severity: finding.Medium,
				Aliases:  []string{},
				Why: "A build has no terminal. pacman that waits for a yes gets none, takes it for a no, and the build fails. " +
					"Say --noconfirm.",
				Bad:  "FROM archlinux:latest\nRUN pacman -S git && pacman -Scc --noconfirm\n",
				Good: "FROM archlinux:latest\nRUN pacman -S --noconfirm git && pacman -Scc --noconfirm\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				p.Input.EachCommand(func(i int, c *dockerfile.Command) {
					op, ok := pacmanOperation(c)
					if !ok || c.Input >= 0 || c.Has("--noconfirm", "-p", "--print") || strings.ContainsAny(op, "isglp") {
						return
					}
					if !pacmanOperands(c) && !strings.ContainsAny(op, "uc") {
						return
					}
					f := rule.At(c.Span, c.Program()+" -S", "%s -S%s without --noconfirm waits for an answer and fails", c.Program(), op)
					p.Report(rule.WithEdits(f, finding.Safe, "Answer with --noconfirm", inspect.InsertWord(p.Input, i, c, c.Words[len(c.Words)-len(c.Args())-1], "--noconfirm")))
				})
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/8d6a88095339a2f97d92524f4e68d40ddf3a03da.Dockerfile",
	}
}
