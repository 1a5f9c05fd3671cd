package rules

import (
	"context"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
)

func rpmYes() Check {
	return Check{
		Fires: "docker-library+openjdk/28/oraclelinux10/Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/45c31453742d7b2ba25601ecd2984d6e169d17b5.Dockerfile",
		Check: finding.Check[*Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/rpm-yes",
				Title:    "yum, dnf or zypper asks a question that nobody answers",
				Practice: finding.Layering,
				Severity: finding.Medium,
				Aliases:  []string{"DL3030", "DL3034", "DL3038"},
				Why: "A build has no terminal. A package manager that waits for a yes gets none and gives up, and the build fails " +
					"or, worse, goes on without the package. Say -y.",
				Bad:  "FROM fedora:42\nRUN dnf install curl-8.11.1 && dnf clean all\n",
				Good: "FROM fedora:42\nRUN dnf install -y curl-8.11.1 && dnf clean all\n",
			},
			Run: func(_ context.Context, p *pass) error {
				preset := configured(p.Input, "assumeyes")
				p.Input.eachCommand(func(i int, c *dockerfile.Command) {
					if c.Input >= 0 || option(c, "assumeyes") || c.Has("-y", "--assumeno", "--downloadonly") || preset(i) {
						return
					}
					if m, _, ok := rpmInstall(c, "yum", "dnf", "microdnf"); ok {
						f := at(c.Span, m.program+" "+m.verb.Text, "%s %s without -y waits for an answer and fails", m.program, m.verb.Text)
						f.Aliases = []string{"DL3038"}
						switch m.program {
						case "yum":
							f.Aliases = []string{"DL3030"}
						case "microdnf":
							f.Severity = finding.Low
							f.Message = "microdnf " + m.verb.Text + " without -y trusts that it does not ask"
						}
						p.Report(withFix(f, finding.Safe, "Answer with -y", insertWord(p.Input, i, c, m.verb, "-y")))
						return
					}
					m, ok := managed(c, "zypper")
					if !ok || !m.is("install", "in", "remove", "rm", "source-install", "si", "patch") || c.Has("-n", "--non-interactive", "--no-confirm") {
						return
					}
					f := at(c.Span, "zypper "+m.verb.Text, "zypper %s without -y waits for an answer and fails", m.verb.Text)
					f.Aliases = []string{"DL3034"}
					p.Report(withFix(f, finding.Safe, "Answer with -y", insertWord(p.Input, i, c, m.verb, "-y")))
				})
				return nil
			},
		},
	}
}
