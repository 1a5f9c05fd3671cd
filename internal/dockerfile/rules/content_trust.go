package rules

import (
	"context"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
)

const trustVariable = "DOCKER_CONTENT_TRUST"

func contentTrust() Check {
	return Check{
		Check: finding.Check[*Input]{
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
			Run: func(_ context.Context, p *pass) error {
				in := p.Input
				if in.hasDocker() {
					return nil
				}
				for i := range in.File.Instructions {
					inst := &in.File.Instructions[i]
					switch inst.Cmd {
					case "ENV", "ARG":
						for n, pair := range inst.Pairs() {
							if pair.Key.Text == trustVariable {
								f := at(pair.Key.Span, inst.Cmd, "%s in %s checks nothing: the docker client that pulls or builds reads it, not the image", trustVariable, inst.Cmd)
								p.Report(fix(f, finding.Behaviour, "Take it out, and set it where docker is run", in.dropPair(inst, n)))
							}
						}
					case "RUN":
						s := in.Script(i)
						for n := range s.Commands {
							for _, a := range s.Commands[n].Assigns {
								if a.Name == trustVariable {
									p.Report(at(a.Span, "RUN", "%s in RUN checks nothing: it ends with the command, and docker is not run there", trustVariable))
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
func (in *Input) hasDocker() bool {
	for i := range in.File.Stages {
		if strings.Contains(reference(in.File.Stages[i].Base).name, "docker") && strings.Contains(library(&in.File.Stages[i]), "docker") {
			return true
		}
	}
	for i := range in.File.Instructions {
		inst := &in.File.Instructions[i]
		switch inst.Cmd {
		case "COPY", "ADD":
			for _, w := range inst.Words {
				if startsContainers(w.Text) {
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
		if startsContainers(w.Text) || strings.Contains(w.Text, "get.docker.com") {
			return true
		}
	}
	return false
}
