package privilege

import (
	"context"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func dockerSocket() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/docker-socket",
				Title:    "The image asks for the engine's socket",
				Practice: finding.LeastPrivilege,
				Severity: finding.High,
				Aliases:  []string{"CIS-5.32"},
				Why: "Whoever may write to /var/run/docker.sock is root of the host: it starts any container with any right. An image that declares it as a volume, or is " +
					"given rights on it, makes that its normal way to run. Where an application must talk to the engine, put a proxy between that lets only its own calls through.",
				Bad:  "FROM debian:13-slim\nVOLUME /var/run/docker.sock\n",
				Good: "FROM debian:13-slim\nVOLUME /var/lib/app\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				for i := range in.File.Instructions {
					inst := &in.File.Instructions[i]
					switch inst.Cmd {
					case "VOLUME", "COPY", "ADD":
						for _, w := range inst.Words {
							if engineSocket(w.Text) {
								f := rule.At(w.Span, inst.Cmd, "%s of %s makes the host's root of whoever takes over the container", inst.Cmd, w.Text)
								if len(inst.Words) == 1 {
									f = rule.WithFix(f, finding.Behaviour, "Make no volume of it", in.Remove(inst))
								}
								p.Report(f)
							}
						}
					case "RUN":
						socketRights(in, i, p.Report)
					}
				}
				return nil
			},
		},
	}
}

// socketRights reports commands that give rights on the socket.
func socketRights(in *inspect.Input, i int, report func(finding.Finding)) {
	s := in.Script(i)
	for n := range s.Commands {
		c := &s.Commands[n]
		if !slices.Contains([]string{"chmod", "chown", "chgrp", "setfacl"}, c.Program()) {
			continue
		}
		for _, w := range c.Args() {
			if engineSocket(w.Text) {
				report(rule.At(c.Span, c.Program(), "%s gives rights on %s, and with them the host's root", c.Program(), w.Text))
			}
		}
	}
}

func engineSocket(s string) bool {
	for _, name := range []string{"/docker.sock", "/containerd.sock", "/crio.sock", "/podman.sock"} {
		if strings.HasSuffix(s, name) {
			return true
		}
	}
	return false
}
