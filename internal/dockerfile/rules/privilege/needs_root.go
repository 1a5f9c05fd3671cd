package privilege

import (
	"context"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func needsRoot() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/needs-root",
				Title:    "A user who is not root runs the system's package manager",
				Practice: finding.LeastPrivilege,
				Severity: finding.High,
				Why: "apt-get, apk and their kind write below /usr and /var/lib, which are root's: as another user they stop with \"permission denied\", and the build with them. " +
					"Install before USER, or go back to root for that command alone.",
				Bad:  "FROM debian:13-slim\nUSER app\nRUN apt-get update && apt-get install -y curl\n",
				Good: "FROM debian:13-slim\nRUN apt-get update && apt-get install -y curl\nUSER app\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				last := -1
				in.EachCommand(func(i int, c *dockerfile.Command) {
					if i == last || !installsPackages(c) || c.Conditional() || inspect.SudoWord(c) >= 0 || len(c.Via()) > 0 {
						return
					}
					user, ok := in.WorkerUser(in.Stage(i), i)
					if !ok {
						return
					}
					last = i
					inst := &in.File.Instructions[i]
					f := rule.At(c.Span, c.Program(), "%s needs root, and user %s runs it: the build stops there", c.Program(), user.Value)
					f.At = append(f.At, finding.Location{Source: &in.File.Instructions[user.By].Span})
					written := in.File.Instructions[user.By].Args[0]
					p.Report(rule.WithFix(f, finding.NeedsReview, "Run it as root, and go back to "+user.Value,
						in.Insert(inst.Span.Start, "USER root"+in.LineEnd()), in.Insert(inst.Span.End, in.LineEnd()+"USER "+written)))
				})
				return nil
			},
		},
	}
}

// installsPackages reports whether a command changes what the distribution's
// package manager has installed or knows.
func installsPackages(c *dockerfile.Command) bool {
	switch c.Program() {
	case "apt-get", "apt":
		return c.Is(c.Program(), "install", "update", "upgrade", "dist-upgrade", "remove", "purge") && !c.Has("--simulate", "--dry-run", "--download-only", "-o", "--option", "-c")
	case "apk":
		return c.Is("apk", "add", "upgrade", "del") && !c.Has("--root", "-p")
	case "yum", "dnf", "microdnf", "zypper":
		return c.Is(c.Program(), "install", "update", "upgrade", "remove") && !c.Has("--installroot", "--root")
	}
	return false
}
