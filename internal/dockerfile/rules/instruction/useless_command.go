package instruction

import (
	"context"
	"slices"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func uselessCommand() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/command-without-use",
				Title:    "A command that has nothing to do in a build",
				Practice: finding.Layering,
				Severity: finding.Low,
				Aliases:  []string{"DL3001"},
				Why: "A build step has no terminal, no init system, no processes but its own, and what it starts is gone when it ends: service, ssh, " +
					"mount, top, kill and their like do nothing that the image keeps. What is to run, runs from CMD or ENTRYPOINT, in the container.",
				Bad:  "FROM debian:13-slim\nRUN service nginx start\n",
				Good: "FROM nginx:1.28\nCMD [\"nginx\", \"-g\", \"daemon off;\"]\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				p.Input.EachCommand(func(i int, c *dockerfile.Command) {
					program := c.Program()
					if !slices.Contains(pointless, program) || usedWithin(program, p.Input.Script(i).Commands) {
						return
					}
					f := rule.At(c.Words[0].Span, program, "%s", pointlessness(program))
					if !slices.Contains(pointless, inspect.HadolintName(c)) || slices.Contains(c.Within, "nested") {
						f.Aliases = []string{}
					}
					p.Report(f)
				})
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/c436634ca016ab8f2512a51bc0b7e834ca9623fa.Dockerfile",
		Quiet: "docker-library+buildpack-deps/debian/sid/scm/Dockerfile",
	}
}

// usedWithin reports whether a RUN has a use for what a command does: other commands
// run while a service is up, or what was started beside them is ended.
func usedWithin(program string, commands []dockerfile.Command) bool {
	switch program {
	case "service": // not the first and last thing that is done
		if slices.ContainsFunc(commands, func(c dockerfile.Command) bool {
			return c.Is("service") && len(c.Args()) > 1 && c.Args()[1].Text == "stop"
		}) {
			return true
		}
		first := slices.IndexFunc(commands, func(c dockerfile.Command) bool { return c.Is("service") })
		return slices.ContainsFunc(commands[first:], func(c dockerfile.Command) bool {
			return !slices.Contains([]string{"service", "sleep", "echo", ""}, c.Program())
		})
	case "kill":
		return slices.ContainsFunc(commands, func(c dockerfile.Command) bool { return slices.Contains(c.Within, "background") })
	}
	return false
}

// pointless are the commands that hadolint names.
var pointless = []string{"free", "kill", "mount", "ps", "service", "shutdown", "ssh", "top", "vim"}

// pointlessness says why a command has no use in a build.
func pointlessness(program string) string {
	switch program {
	case "service":
		return "what service starts is gone when this step of the build ends"
	case "kill":
		return "kill ends a process that ends with this step of the build anyway"
	case "mount":
		return "what mount mounts is gone when this step of the build ends"
	case "ssh":
		return "ssh logs in on another machine in the middle of a build"
	case "shutdown":
		return "shutdown has no machine to stop in a build"
	case "vim":
		return "vim waits for a person, and a build has none"
	}
	return program + " looks at the processes of the build, and nobody looks at what it says"
}
