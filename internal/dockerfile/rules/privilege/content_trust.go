package privilege

import (
	"context"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

const trustVariable = "DOCKER_CONTENT_TRUST"

func contentTrust() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/content-trust",
				Title:    "DOCKER_CONTENT_TRUST is set where nothing enforces it",
				Practice: finding.ContentTrust,
				Severity: finding.Medium,
				Why: "DOCKER_CONTENT_TRUST is read by the docker client of the machine that pulls, builds or pushes. In an image it is a variable of a process that " +
					"does not know it: neither this build's base nor anything that is pulled later is checked. Set it where docker runs, or name the base by its digest, which every builder checks.",
				Bad:  "FROM debian:13-slim\nENV DOCKER_CONTENT_TRUST=1\n",
				Good: "FROM debian:13-slim\nENV LANG=C.UTF-8\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				if hasDocker(in) {
					return nil
				}
				for i := range in.File.Instructions {
					inst := &in.File.Instructions[i]
					switch inst.Cmd {
					case "ENV", "ARG":
						for n, pair := range inst.Pairs() {
							if pair.Key.Text == trustVariable {
								f := rule.At(pair.Key.Span, inst.Cmd, "%s in %s checks nothing: the docker client that pulls or builds reads it, not the image", trustVariable, inst.Cmd)
								p.Report(rule.WithFix(f, finding.Behaviour, "Take it out, and set it where docker is run", in.DropPair(inst, n)))
							}
						}
					case "RUN":
						s := in.Script(i)
						for n := range s.Commands {
							for _, a := range s.Commands[n].Assigns {
								if a.Name == trustVariable {
									p.Report(rule.At(a.Span, "RUN", "%s in RUN checks nothing: it ends with the command, and docker is not run there", trustVariable))
								}
							}
						}
					}
				}
				return nil
			},
		},
	}
}

// hasDocker reports whether a client that reads the variable may be in the image:
// the base is named for it, or some instruction names it.
func hasDocker(in *inspect.Input) bool {
	for i := range in.File.Stages {
		if strings.Contains(finding.ParseReference(in.File.Stages[i].Base).Name, "docker") && strings.Contains(inspect.OfficialImage(&in.File.Stages[i]), "docker") {
			return true
		}
	}
	for i := range in.File.Instructions {
		inst := &in.File.Instructions[i]
		switch inst.Cmd {
		case "COPY", "ADD":
			for _, w := range inst.Words {
				if inspect.StartsContainers(w.Text) {
					return true
				}
			}
		case "RUN", "CMD", "ENTRYPOINT":
			s := in.Script(i)
			for n := range s.Commands {
				c := &s.Commands[n]
				if namesDocker(c) {
					return true
				}
			}
		}
	}
	return false
}

func namesDocker(c *dockerfile.Command) bool {
	for _, w := range c.Words {
		if inspect.StartsContainers(w.Text) || strings.Contains(w.Text, "get.docker.com") {
			return true
		}
	}
	return false
}
