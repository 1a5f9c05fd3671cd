package packages

import (
	"context"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func pipPinned() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/pip-pinned",
				Title:    "pip, or what stands in for it, installs whatever version is newest",
				Practice: finding.TrustedBase,
				Severity: finding.Medium,
				Aliases:  []string{"DL3013"},
				Why: "Two builds of one Dockerfile get two versions of a package, and a new major one breaks the build on a day on which nobody changed it. " +
					"Name versions, or install from a requirements file that does.",
				Bad:  "FROM python:3.13-slim\nRUN pip install --no-cache-dir flask\n",
				Good: "FROM python:3.13-slim\nRUN pip install --no-cache-dir flask==3.1.1\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				eachInstalled(p.Input, func(c *dockerfile.Command) (inspect.PackageCommand, bool) {
					m, ok := inspect.PythonPackages(c)
					return m, ok && !fromFile(c, m)
				}, pipFixed, func(c *dockerfile.Command, m inspect.PackageCommand, words []string) {
					f := rule.Unpinned(c.Span, m.Program, words, "package==version says which")
					if m.Program != "pip" {
						f.Aliases = []string{}
					}
					p.Report(f)
				})
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/e6c16f6ce964920f5aeb9a205800fe57688b1233.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/23215de24777352275f63341a75832a1d1e7fc37.Dockerfile",
	}
}

// fromFile reports whether a pip install takes its versions from a file, or
// installs the project itself.
func fromFile(c *dockerfile.Command, m inspect.PackageCommand) bool {
	if c.Has("--requirement", "--constraint", "-r", "-c") {
		return true
	}
	for _, w := range m.Operands {
		if strings.HasPrefix(w.Text, ".") {
			return true
		}
	}
	return false
}

// pipFixed reports whether a requirement has a version, or is no package of the
// index.
func pipFixed(w string) bool {
	for _, vcs := range []string{"git+", "hg+", "svn+", "bzr+", "git:"} {
		if strings.HasPrefix(w, vcs) {
			return strings.Contains(w, "@")
		}
	}
	return strings.ContainsAny(w, "<>=!~/") || strings.HasSuffix(w, ".whl") || strings.HasSuffix(w, ".tar.gz") || strings.HasSuffix(w, ".zip")
}
