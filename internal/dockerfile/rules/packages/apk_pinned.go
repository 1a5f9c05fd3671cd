package packages

import (
	"context"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func apkPinned() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/apk-pinned",
				Title:    "apk installs whatever version is newest",
				Practice: finding.TrustedBase,
				Traits:   finding.Traits{Drifts: true},
				Severity: finding.Medium,
				Aliases:  []string{"DL3018"},
				Why: "Two builds of one Dockerfile get two versions of a package, and the cache decides which. package=1.2.3-r0 names one, package~1.2 allows its patches. " +
					"Alpine's mirrors keep only a release's newest build, so prefer ~ and a base of a fixed release.",
				Bad:  "FROM alpine:3.22\nRUN apk add --no-cache curl\n",
				Good: "FROM alpine:3.22\nRUN apk add --no-cache curl~8.14\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				eachInstalled(p.Input, func(c *dockerfile.Command) (inspect.PackageCommand, bool) {
					m, ok := inspect.ParsePackageCommand(c, "apk")
					return m, ok && m.Is("add")
				}, func(w string) bool {
					return strings.ContainsAny(w, "=~<>") || strings.HasSuffix(w, ".apk") || strings.HasPrefix(w, "!") || strings.HasPrefix(w, ".")
				}, func(c *dockerfile.Command, m inspect.PackageCommand, words []string) {
					p.Report(rule.Unpinned(c.Span, m.Program, words, "package=version or package~version says which"))
				})
				return nil
			},
		},
		Fires: "docker+awesome-compose/nginx-flask-mysql/backend/Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/f6b7e356f94b9396bb6cb5b9f864846c0bfca6b4.Dockerfile",
	}
}
