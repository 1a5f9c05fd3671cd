package packages

import (
	"context"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func goInstallPinned() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/go-install-pinned",
				Title:    "go install takes whatever version is newest",
				Practice: finding.TrustedBase,
				Severity: finding.Medium,
				Aliases:  []string{"DL3062"},
				Why: "go install of a path without a version, or with @latest, builds another program every few weeks, and a cached layer keeps the old one. " +
					"Name the version after @.",
				Bad:  "FROM golang:1.26\nRUN go install golang.org/x/vuln/cmd/govulncheck@latest\n",
				Good: "FROM golang:1.26\nRUN go install golang.org/x/vuln/cmd/govulncheck@v1.1.4\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				eachInstalled(p.Input, func(c *dockerfile.Command) (inspect.PackageCommand, bool) {
					m, ok := inspect.ParsePackageCommand(c, "go")
					if ok && m.Is("run") && len(m.Operands) > 0 {
						m.Operands = m.Operands[:1] // the others are the program's
					}
					return m, ok && m.Is("install", "get", "run")
				}, goFixed, func(c *dockerfile.Command, m inspect.PackageCommand, words []string) {
					p.Report(rule.At(c.Span, "go "+m.Verb.Text+" "+strings.Join(words, " "), "go %s takes whatever version of %s is newest (path@version says which)", m.Verb.Text, inspect.List(words)))
				})
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/3426d2035f7c090a864d3b5e8a097f6e20ec7828.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/87614fa91fcd817ef641eb7ac2062f664f51a81e.Dockerfile",
	}
}

// goFixed reports whether what go is to build has a version, or is no other module.
func goFixed(w string) bool {
	first, _, _ := strings.Cut(w, "/")
	switch {
	case strings.HasPrefix(w, ".") || strings.HasPrefix(w, "/") || strings.HasSuffix(w, ".go"):
		return true
	case !strings.Contains(first, "."): // the standard library, or the module itself
		return true
	}
	_, version, ok := strings.Cut(w, "@")
	return ok && version != "latest" && version != "none" && version != ""
}
