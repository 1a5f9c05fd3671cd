package instruction

import (
	"context"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func otherPackageManager() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/other-package-manager",
				Title:    "The package manager of another distribution",
				Practice: finding.Layering,
				Severity: finding.High,
				Aliases:  []string{},
				Why: "Each distribution has a package manager of its own: apt-get on Debian and Ubuntu, apk on Alpine and Wolfi, dnf, yum or microdnf on Red Hat's " +
					"family, zypper on SUSE. Another one's is not there, and the build fails. It happens when the base is changed and the RUNs are not.",
				Bad:  "FROM alpine:3.22\nRUN apt-get update && apt-get install -y curl\n",
				Good: "FROM alpine:3.22\nRUN apk add --no-cache curl\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				told := map[int]bool{} // by stage: once is enough
				in.EachCommand(func(i int, c *dockerfile.Command) {
					st := in.Stage(i)
					family := inspect.BaseFamilyOf(in, st)
					right, wrong := managerOf(family, c.Program())
					if !wrong || told[st.Index] || c.Conditional() || in.File.Instructions[i].Trigger != nil || brought(in, st, i, c.Program()) {
						return
					}
					told[st.Index] = true
					p.Report(rule.At(c.Span, c.Program(), "%s is not on %s, which has %s", c.Program(), inspect.BaseName(st), right))
				})
				return nil
			},
		},
	}
}

// managerOf is the package manager of a family, and whether a program is another
// family's.
func managerOf(family inspect.BaseFamily, program string) (right string, wrong bool) {
	managers := map[inspect.BaseFamily][]string{
		inspect.DebianFamily:  inspect.AptPrograms,
		inspect.AlpineFamily:  {"apk"},
		inspect.RPMFamilyBase: {"dnf", "yum", "microdnf", "zypper", "tdnf"},
	}
	if family == inspect.UnknownFamily || slices.Contains(managers[family], program) {
		return "", false
	}
	for _, others := range managers {
		if slices.Contains(others, program) {
			return managers[family][0], true
		}
	}
	return "", false
}

// brought reports whether a stage has been given a program before instruction i: an
// install, or a copy, names it.
func brought(in *inspect.Input, s *dockerfile.Stage, i int, program string) bool {
	name := strings.TrimSuffix(program, "-get")
	for _, st := range in.File.Chain(s) {
		for n := st.From + 1; n < min(st.End, i+1); n++ {
			inst := &in.File.Instructions[n]
			switch inst.Cmd {
			case "COPY", "ADD":
				if len(inst.Words) > 1 && (in.Destination(n, inst) == "/" || strings.Contains(in.Text(inst.Span), name)) {
					return true
				}
			case "RUN":
				for _, c := range in.Script(n).Commands {
					if c.Program() != program && slices.ContainsFunc(c.Words, func(w dockerfile.ShellWord) bool { return strings.Contains(w.Text, name) }) {
						return true
					}
				}
			}
		}
	}
	return false
}
