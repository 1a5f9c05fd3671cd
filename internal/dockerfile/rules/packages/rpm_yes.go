package packages

import (
	"context"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func rpmYes() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
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
			Run: func(_ context.Context, p *rule.Pass) error {
				preset := inspect.AptConfigured(p.Input, "assumeyes")
				p.Input.EachCommand(func(i int, c *dockerfile.Command) {
					if c.Input >= 0 || inspect.HasAptOption(c, "assumeyes") || c.Has("-y", "--assumeno", "--downloadonly") || preset(i) {
						return
					}
					if m, _, ok := inspect.RPMInstall(c, inspect.YumPrograms...); ok {
						f := rule.At(c.Span, m.Program+" "+m.Verb.Text, "%s %s without -y waits for an answer and fails", m.Program, m.Verb.Text)
						f.Aliases = []string{"DL3038"}
						switch m.Program {
						case "yum":
							f.Aliases = []string{"DL3030"}
						case "microdnf":
							f.Severity = finding.Low
							f.Message = "microdnf " + m.Verb.Text + " without -y trusts that it does not ask"
						}
						p.Report(rule.WithEdits(f, finding.Safe, "Answer with -y", inspect.InsertWord(p.Input, i, c, m.Verb, "-y")))
						return
					}
					m, ok := inspect.ParsePackageCommand(c, "zypper")
					if !ok || !m.Is("install", "in", "remove", "rm", "source-install", "si", "patch") || c.Has("-n", "--non-interactive", "--no-confirm") {
						return
					}
					f := rule.At(c.Span, "zypper "+m.Verb.Text, "zypper %s without -y waits for an answer and fails", m.Verb.Text)
					f.Aliases = []string{"DL3034"}
					p.Report(rule.WithEdits(f, finding.Safe, "Answer with -y", inspect.InsertWord(p.Input, i, c, m.Verb, "-y")))
				})
				return nil
			},
		},
		Fires: "docker-library+openjdk/28/oraclelinux10/Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/45c31453742d7b2ba25601ecd2984d6e169d17b5.Dockerfile",
	}
}
