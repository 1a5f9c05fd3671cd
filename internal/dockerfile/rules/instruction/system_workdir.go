package instruction

import (
	"context"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func systemWorkdir() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/system-workdir",
				Title:    "The working directory is one of the kernel's",
				Practice: finding.LeastPrivilege,
				Severity: finding.High,
				Aliases:  []string{"DS030"},
				Why: "/proc, /dev and their like are mounted by the runtime. A working directory in there is how a known hole of runc " +
					"(CVE-2024-21626) reached the host's files through /proc/self/fd, and nothing that a build puts there is in the image.",
				Bad:  "FROM debian:13-slim\nWORKDIR /proc/self/fd/8\n",
				Good: "FROM debian:13-slim\nWORKDIR /srv\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				p.Input.Each("WORKDIR", func(i int, inst *dockerfile.Instruction) {
					dir, _ := p.Input.Value(i, inst.Words[0])
					for _, system := range []string{"/proc/", "/dev/", "/sys/", "/boot/", "/lost+found/", "/initrd/"} {
						if !strings.HasPrefix(dir+"/", system) {
							continue
						}
						f := rule.At(inst.Words[0].Span, dir, "WORKDIR %s is in a folder that is the system's own", dir)
						if !strings.HasPrefix(strings.Trim(inst.Words[0].Text, `"`), system) || system == "/sys/" {
							f.Aliases = []string{}
						}
						p.Report(f)
					}
				})
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/170316e515350032f2c611ef37484e2e25d7042c.Dockerfile",
	}
}
