package packages

import (
	"context"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func rpmClean() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/rpm-clean",
				Title:    "yum, dnf or zypper keeps its cache in the layer",
				Practice: finding.Layering,
				Severity: finding.Medium,
				Aliases:  []string{"DL3032", "DL3036", "DL3040", "DS015", "DS019", "DS020", "DS027"},
				Why: "Package managers keep the metadata of all repositories, often more than what they installed. Cleaned in a later instruction, " +
					"it is still in this layer: clean in the same RUN, or mount a cache on the folder.",
				Bad:  "FROM fedora:42\nRUN dnf install -y curl-8.11.1\n",
				Good: "FROM fedora:42\nRUN dnf install -y curl-8.11.1 && dnf clean all\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				shipped, families := p.Input.Shipped(), inspect.RPMFamilies()
				p.Input.EachRunText(func(i int, run *dockerfile.Instruction, commands []dockerfile.Command) {
					if !shipped[p.Input.Stage(i).Index] {
						return
					}
					for _, family := range families {
						first := -1 // of those that nothing cleans up after
						for n := range commands {
							c := &commands[n]
							switch {
							case family.Clean(c):
								first = -1
							case first < 0 && family.Changes(c):
								first = n
							}
						}
						if first < 0 || inspect.Mounts(run, family.Cache...) {
							continue
						}
						c := &commands[first]
						name := c.Program()
						f := rule.At(c.Span, name, "%s leaves its cache in the layer", name)
						f.Aliases = aliases(family, c)
						f = rule.WithEdits(f, finding.Safe, "Clean in the same RUN", inspect.CleanUp(p.Input, i, c, name+" clean"+family.All))
						p.Report(rule.WithChanges(f, "the package manager's cache is cleaned", family.Cache...))
					}
				})
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/fccdcb7b54f566bcb123770d3d79a37c20283e3a.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/3baa694e951a960e8ec7c5a4f79de09b95883222.Dockerfile",
	}
}

// aliases are what other tools call the finding, which look at installs only.
func aliases(r inspect.RPMFamily, c *dockerfile.Command) []string {
	program := c.Program()
	if _, _, ok := inspect.RPMInstall(c, r.Programs...); !ok && !c.Is(program, "in") {
		return []string{}
	}
	switch program {
	case "yum":
		return []string{"DL3032", "DS015"}
	case "dnf", "dnf5", "tdnf":
		return []string{"DL3040", "DS019"}
	case "microdnf":
		return []string{"DL3040", "DS027"}
	}
	return []string{"DL3036", "DS020"}
}
