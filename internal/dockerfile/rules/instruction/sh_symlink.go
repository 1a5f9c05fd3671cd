package instruction

import (
	"context"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func shSymlink() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/sh-replaced",
				Title:    "/bin/sh is linked to another shell",
				Practice: finding.Layering,
				Severity: finding.Medium,
				Aliases:  []string{"DL4005"},
				Why: "To have bash for the build, the shell of every script of the distribution is exchanged, in the image that ships, and the next " +
					"update of the package puts it back. SHELL says which shell runs the instructions that follow, and changes nothing else.",
				Bad:  "FROM debian:13-slim\nRUN ln -sf /bin/bash /bin/sh\n",
				Good: "FROM debian:13-slim\nSHELL [\"/bin/bash\", \"-c\"]\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				in.EachCommand(func(i int, c *dockerfile.Command) {
					ops := c.Operands("-S", "--suffix", "-t", "--target-directory")
					if !c.Is("ln") || len(ops) != 2 || ops[1].Text != "/bin/sh" {
						return
					}
					f := rule.At(c.Span, "ln", "every script's shell becomes %s, where SHELL would change the build's only", ops[0].Text)
					if inspect.HadolintName(c) != "ln" || nestedIn(c) {
						f.Aliases = []string{}
					}
					inst := in.RunAt(i)
					if s := in.Script(i); len(s.Commands) == 1 && len(inst.Heredocs) == 0 && len(inst.FlagWords) == 0 && ops[0].Literal && shellPath(ops[0].Text) != "" {
						f = rule.WithFix(f, finding.Behaviour, "Say SHELL", in.Edit(inst.Span, `SHELL ["`+shellPath(ops[0].Text)+`", "-c"]`))
					}
					p.Report(f)
				})
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/aae8ef1523b8a81230529b5d8adb5e0b2f092322.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/9afbc545ecc11839ac38db528e309379a74aec4b.Dockerfile",
	}
}

// shellPath is the whole path of a shell that is linked to; empty: it is none
// that is known.
func shellPath(target string) string {
	switch target {
	case "/bin/bash", "/usr/bin/bash", "/bin/zsh", "/usr/bin/zsh", "/bin/ash", "/bin/dash":
		return target
	case "bash":
		return "/bin/bash"
	}
	return ""
}
