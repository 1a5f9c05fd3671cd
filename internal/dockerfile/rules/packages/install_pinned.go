package packages

import (
	"context"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func installPinned() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/install-pinned",
				Title:    "A language's package manager installs whatever version is newest",
				Practice: finding.TrustedBase,
				Severity: finding.Medium,
				Aliases:  []string{},
				Why: "conda, cargo, composer and their like take the newest version of a package that is named alone: two builds of one Dockerfile differ, " +
					"and what was published an hour ago runs in the build. Name a version, or install from a lock file.",
				Bad:  "FROM rust:1.91\nRUN cargo install ripgrep\n",
				Good: "FROM rust:1.91\nRUN cargo install --locked ripgrep@14.1.1\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				for _, m := range languageManagers() {
					eachInstalled(p.Input, m.install, m.pinned, func(c *dockerfile.Command, k inspect.PackageCommand, words []string) {
						p.Report(rule.Unpinned(c.Span, k.Program, words, m.how))
					})
				}
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/92b16feee3ee62cc176aa047dbb89d3b164b972a.Dockerfile",
	}
}

// languageManager is a package manager that fetches packages by name.
type languageManager struct {
	install func(*dockerfile.Command) (inspect.PackageCommand, bool)
	pinned  func(word string) bool // whether a word names a version, or is no package of the registry
	how     string                 // a version is named
}

// languageManagers are those that have no rule of their own.
func languageManagers() []languageManager {
	path := func(w string) bool { return strings.HasPrefix(w, ".") || strings.HasPrefix(w, "/") }
	return []languageManager{
		{
			install: func(c *dockerfile.Command) (inspect.PackageCommand, bool) {
				m, ok := inspect.ParsePackageCommand(c, "conda", "mamba", "micromamba")
				return m, ok && (m.Is("install") || m.Is("create")) && !c.Has("--file", "-f", "--clone", "--dry-run", "-d")
			},
			pinned: func(w string) bool {
				return path(w) || strings.ContainsAny(w, "=<>") || strings.HasSuffix(w, ".conda") || strings.HasSuffix(w, ".tar.bz2") ||
					strings.HasSuffix(w, ".yml") || strings.HasSuffix(w, ".yaml")
			},
			how: "package=version says which",
		},
		{
			install: func(c *dockerfile.Command) (inspect.PackageCommand, bool) {
				m, ok := inspect.ParsePackageCommand(c, "cargo")
				return m, ok && m.Is("install", "binstall") && !c.Has("--path", "--version", "--vers", "--rev", "--tag", "--git", "--list")
			},
			pinned: func(w string) bool { return path(w) || strings.Contains(w, "@") },
			how:    "crate@version says which",
		},
		{
			install: func(c *dockerfile.Command) (inspect.PackageCommand, bool) {
				m, ok := inspect.ParsePackageCommand(c, "composer", "composer.phar")
				if ok && m.Is("global") && len(m.Operands) > 0 {
					m.Verb, m.Operands = m.Operands[0], m.Operands[1:]
				}
				return m, ok && m.Is("require", "req", "create-project")
			},
			pinned: func(w string) bool { return path(w) || !strings.Contains(w, "/") || strings.ContainsAny(w, ":=@") },
			how:    "vendor/package:version says which",
		},
		{
			install: func(c *dockerfile.Command) (inspect.PackageCommand, bool) {
				m, ok := inspect.ParsePackageCommand(c, "dotnet")
				if !ok || !m.Is("tool") || len(m.Operands) < 2 || m.Operands[0].Text != "install" {
					return m, false
				}
				m.Verb, m.Operands = m.Operands[0], m.Operands[1:]
				return m, !c.Has("--version")
			},
			pinned: func(w string) bool { return strings.Contains(w, "@") },
			how:    "--version says which",
		},
		{
			install: func(c *dockerfile.Command) (inspect.PackageCommand, bool) {
				m, ok := inspect.ParsePackageCommand(c, "cpanm", "luarocks")
				if !ok {
					return m, false
				}
				if m.Program == "luarocks" { // luarocks install NAME VERSION
					return m, m.Is("install") && len(m.Operands) == 1
				}
				if m.Verb.Text != "" {
					m.Operands = slices.Insert(slices.Clone(m.Operands), 0, m.Verb)
				}
				return m, !c.Has("--installdeps")
			},
			pinned: func(w string) bool {
				return path(w) || strings.ContainsAny(w, "@~") || strings.Contains(w, "://") || strings.HasSuffix(w, ".rock") || strings.HasSuffix(w, ".rockspec")
			},
			how: "a version after the name says which",
		},
	}
}
