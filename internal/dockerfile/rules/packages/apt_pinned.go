package packages

import (
	"context"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func aptPinned() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/apt-pinned",
				Title:    "apt-get installs whatever version is newest",
				Practice: finding.TrustedBase,
				Traits:   finding.Traits{Drifts: true},
				Severity: finding.Medium,
				Aliases:  []string{"DL3008"},
				Why: "Two builds of one Dockerfile get two versions of a package, and the cache decides which. A version after = says which one was tested. " +
					"Debian's mirrors drop old versions, so pin together with a base by digest and a snapshot mirror, or accept this rule with a pragma.",
				Bad:  "FROM debian:13-slim\nRUN apt-get update && apt-get install -y --no-install-recommends nginx && rm -rf /var/lib/apt/lists/*\n",
				Good: "FROM debian:13-slim\nRUN apt-get update && apt-get install -y --no-install-recommends nginx=1.26.3-3+deb13u1 && rm -rf /var/lib/apt/lists/*\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				eachInstalled(p.Input, func(c *dockerfile.Command) (inspect.PackageCommand, bool) {
					m, ok := inspect.ParsePackageCommand(c, inspect.AptPrograms...)
					return m, ok && m.Is("install") && !aptPretends(c)
				}, func(w string) bool {
					return strings.ContainsAny(w, "=/") || strings.HasSuffix(w, ".deb") || strings.HasSuffix(w, "-")
				}, func(c *dockerfile.Command, m inspect.PackageCommand, words []string) {
					f := rule.Unpinned(c.Span, m.Program, words, "package=version says which")
					if m.Program != "apt-get" {
						f.Aliases = []string{}
					}
					p.Report(f)
				})
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/5724bc027a3d08fcd42d45d38e248b616c4dad49.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/c1348ddfd80eb8f888418805005066c230fc6ad2.Dockerfile",
	}
}

// eachInstalled visits the commands that install packages of which some are
// not pinned.
func eachInstalled(in *inspect.Input, install func(*dockerfile.Command) (inspect.PackageCommand, bool), pinned func(string) bool, visit func(c *dockerfile.Command, m inspect.PackageCommand, words []string)) {
	in.EachRunText(func(i int, _ *dockerfile.Instruction, commands []dockerfile.Command) {
		var set map[string]string
		read := false
		for n := range commands {
			c := &commands[n]
			m, ok := install(c)
			if !ok {
				continue
			}
			if !read {
				set, read = inspect.AssignedOnce(commands), true
			}
			var words []string
			for _, w := range m.Operands {
				means, told := inspect.Resolve(in, i, set, w)
				if !told {
					continue
				}
				for _, word := range means {
					if word != "" && !strings.HasPrefix(word, "-") && !pinned(word) {
						words = append(words, word)
					}
				}
			}
			if len(words) > 0 {
				visit(c, m, words)
			}
		}
	})
}
