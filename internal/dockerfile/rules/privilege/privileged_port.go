package privilege

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func privilegedPort() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/privileged-port",
				Title:    "A port below 1024 for a user that is not root",
				Practice: finding.LeastPrivilege,
				Severity: finding.Low,
				Why: "Ports below 1024 are root's. Docker since 20.10 lifts that in a container's own network, and so do containerd 2 and Podman's newer " +
					"releases where they are told to; an older engine, containerd 1 under Kubernetes and the host's network do not, and the server then " +
					"fails with \"permission denied\". A port from 1024 up works everywhere, and the outside sees whichever port is mapped to it.",
				Bad:  "FROM debian:13-slim\nUSER app\nEXPOSE 80\nCMD [\"/srv/app\"]\n",
				Good: "FROM debian:13-slim\nUSER app\nEXPOSE 8080\nCMD [\"/srv/app\"]\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in, final := p.Input, p.Input.Final()
				user, ok := in.WorkerUser(final, final.End)
				if !ok || mayBind(in) {
					return nil
				}
				own := false
				in.InFinal(func(i int, inst *dockerfile.Instruction) {
					if inst.Cmd != "EXPOSE" {
						return
					}
					own = true
					for _, w := range inst.Words {
						port, _ := in.Scopes.Expand(in.Stage(i), i, w.Text)
						if f, ok := tooLow(w.Span, port, user.Value); ok {
							p.Report(f)
						}
					}
				})
				if facts := in.Scopes.Base(final); !own && facts != nil && facts.Config {
					for _, port := range facts.Exposed {
						if f, ok := tooLow(in.File.Instructions[user.By].Span, port, user.Value); ok {
							p.Report(rule.WithEvidence(f, "base", "%s exposes %s, says %s", facts.Ref, port, facts.Source))
						}
					}
				}
				return nil
			},
		},
	}
}

// tooLow is the finding of a port, "80/tcp", that root alone may bind.
func tooLow(span finding.Span, port, user string) (finding.Finding, bool) {
	port, _, _ = strings.Cut(port, "/")
	n, err := strconv.Atoi(port)
	if err != nil || n < 1 || n >= 1024 {
		return finding.Finding{}, false
	}
	f := rule.At(span, port, "user %s may not bind port %d but where the engine lets it: Docker before 20.10 and Kubernetes on containerd 1 do not", user, n)
	return rule.WithFix(f, finding.NeedsReview, "Let the server listen on a port from 1024 up, and map it: docker run -p "+port+":"+strconv.Itoa(8000+n)), true
}

// mayBind reports whether a command of the final stage gives a program the right
// to bind such ports.
func mayBind(in *inspect.Input) bool {
	found := false
	in.InFinal(func(i int, _ *dockerfile.Instruction) {
		s := in.Script(i)
		for n := range s.Commands {
			found = found || s.Commands[n].Program() == "setcap" || slices.ContainsFunc(s.Commands[n].Words, func(w dockerfile.ShellWord) bool {
				return strings.Contains(strings.ToLower(w.Text), "cap_net_bind_service")
			})
		}
	})
	return found
}
