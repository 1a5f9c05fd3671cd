package packages

import (
	"context"
	"strings"
	"unicode"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func rpmPinned() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/rpm-pinned",
				Title:    "yum, dnf or zypper installs whatever version is newest",
				Practice: finding.TrustedBase,
				Traits:   finding.Traits{Drifts: true},
				Severity: finding.Medium,
				Aliases:  []string{"DL3033", "DL3037", "DL3041"},
				Why: "Two builds of one Dockerfile get two versions of a package, and the cache decides which. " +
					"Name the version: curl-8.11.1 for yum and dnf, curl=8.11.1 for zypper, module:stream for a module.",
				Bad:  "FROM fedora:42\nRUN dnf install -y curl && dnf clean all\n",
				Good: "FROM fedora:42\nRUN dnf install -y curl-8.11.1 && dnf clean all\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				report := func(alias, how string) func(c *dockerfile.Command, m inspect.PackageCommand, words []string) {
					return func(c *dockerfile.Command, m inspect.PackageCommand, words []string) {
						f := rule.Unpinned(c.Span, m.Program, words, how)
						if f.Aliases = []string{"DL3041"}; alias != "" {
							f.Aliases = []string{alias}
						} else if m.Program == "yum" {
							f.Aliases = []string{"DL3033"}
						}
						p.Report(f)
					}
				}
				packages := func(c *dockerfile.Command) (inspect.PackageCommand, bool) {
					m, of, ok := inspect.RPMInstall(c, inspect.YumPrograms...)
					return m, ok && of == "" && m.Is("install")
				}
				eachInstalled(p.Input, packages, rpmFixed, report("", "package-version says which"))
				modules := func(c *dockerfile.Command) (inspect.PackageCommand, bool) {
					m, of, ok := inspect.RPMInstall(c, inspect.YumPrograms...)
					return m, ok && of == "module"
				}
				eachInstalled(p.Input, modules, func(w string) bool { return strings.Contains(w, ":") }, report("", "module:stream says which"))
				zypper := func(c *dockerfile.Command) (inspect.PackageCommand, bool) {
					m, ok := inspect.ParsePackageCommand(c, "zypper")
					kind, typed := c.Value("-t", "--type")
					return m, ok && m.Is("install", "in") && (!typed || kind.Text == "package")
				}
				eachInstalled(p.Input, zypper, func(w string) bool {
					return strings.ContainsAny(w, "=<>/:") || strings.HasSuffix(w, ".rpm") || strings.HasPrefix(w, "!")
				}, report("DL3037", "package=version says which"))
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/b78c55db3ec3f495c25ddc04a36d9828a7411daa.Dockerfile",
	}
}

// rpmFixed reports whether the name of a package ends in a version, or is that of
// a file or a group, which have none.
func rpmFixed(w string) bool {
	if strings.HasSuffix(w, ".rpm") || strings.ContainsAny(w, "/@*") {
		return true
	}
	parts := strings.Split(w, "-")
	number := false
	for _, part := range parts[1:] {
		if strings.ContainsFunc(part, func(r rune) bool {
			return r > unicode.MaxASCII || !unicode.IsDigit(r) && !unicode.IsLetter(r) && !strings.ContainsRune(".~^_:+", r)
		}) {
			return strings.Contains(part, "$")
		}
		number = number || part != "" && part[0] >= '0' && part[0] <= '9'
	}
	return number
}
