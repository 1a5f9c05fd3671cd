package rules

import (
	"context"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
)

func installPinned() Check {
	return Check{
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/92b16feee3ee62cc176aa047dbb89d3b164b972a.Dockerfile",
		Check: finding.Check[*Input]{
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
			Run: func(_ context.Context, p *pass) error {
				for _, m := range languageManagers() {
					eachInstalled(p.Input, m.install, m.pinned, func(c *dockerfile.Command, k call, words []string) {
						p.Report(unpinned(c.Span, k.program, words, m.how))
					})
				}
				return nil
			},
		},
	}
}

// languageManager is a package manager that fetches packages by name.
type languageManager struct {
	install func(*dockerfile.Command) (call, bool)
	pinned  func(word string) bool // whether a word names a version, or is no package of the registry
	how     string                 // a version is named
}

// languageManagers are those that have no rule of their own.
func languageManagers() []languageManager {
	path := func(w string) bool { return strings.HasPrefix(w, ".") || strings.HasPrefix(w, "/") }
	return []languageManager{
		{
			install: func(c *dockerfile.Command) (call, bool) {
				m, ok := managed(c, "conda", "mamba", "micromamba")
				return m, ok && (m.is("install") || m.is("create")) && !c.Has("--file", "-f", "--clone", "--dry-run", "-d")
			},
			pinned: func(w string) bool {
				return path(w) || strings.ContainsAny(w, "=<>") || strings.HasSuffix(w, ".conda") || strings.HasSuffix(w, ".tar.bz2") ||
					strings.HasSuffix(w, ".yml") || strings.HasSuffix(w, ".yaml")
			},
			how: "package=version says which",
		},
		{
			install: func(c *dockerfile.Command) (call, bool) {
				m, ok := managed(c, "cargo")
				return m, ok && m.is("install", "binstall") && !c.Has("--path", "--version", "--vers", "--rev", "--tag", "--git", "--list")
			},
			pinned: func(w string) bool { return path(w) || strings.Contains(w, "@") },
			how:    "crate@version says which",
		},
		{
			install: func(c *dockerfile.Command) (call, bool) {
				m, ok := managed(c, "composer", "composer.phar")
				if ok && m.is("global") && len(m.operands) > 0 {
					m.verb, m.operands = m.operands[0], m.operands[1:]
				}
				return m, ok && m.is("require", "req", "create-project")
			},
			pinned: func(w string) bool { return path(w) || !strings.Contains(w, "/") || strings.ContainsAny(w, ":=@") },
			how:    "vendor/package:version says which",
		},
		{
			install: func(c *dockerfile.Command) (call, bool) {
				m, ok := managed(c, "dotnet")
				if !ok || !m.is("tool") || len(m.operands) < 2 || m.operands[0].Text != "install" {
					return m, false
				}
				m.verb, m.operands = m.operands[0], m.operands[1:]
				return m, !c.Has("--version")
			},
			pinned: func(w string) bool { return strings.Contains(w, "@") },
			how:    "--version says which",
		},
		{
			install: func(c *dockerfile.Command) (call, bool) {
				m, ok := managed(c, "cpanm", "luarocks")
				if !ok {
					return m, false
				}
				if m.program == "luarocks" { // luarocks install NAME VERSION
					return m, m.is("install") && len(m.operands) == 1
				}
				if m.verb.Text != "" {
					m.operands = slices.Insert(slices.Clone(m.operands), 0, m.verb)
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
