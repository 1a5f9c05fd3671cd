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

func npmPinned() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/npm-pinned",
				Title:    "npm, or what stands in for it, installs whatever version is newest",
				Practice: finding.TrustedBase,
				Severity: finding.Medium,
				Aliases:  []string{"DL3016"},
				Why: "npm install of a name takes the version that its author published last, an hour ago perhaps, with whatever its install script does. " +
					"Name a version, or put the package into package.json and its lock.",
				Bad:  "FROM node:22-slim\nRUN npm install -g typescript\n",
				Good: "FROM node:22-slim\nRUN npm install -g typescript@5.8.3\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				eachInstalled(p.Input, func(c *dockerfile.Command) (inspect.PackageCommand, bool) {
					m, ok := inspect.ParsePackageCommand(c, "npm", "pnpm", "yarn", "bun")
					if ok && m.Program == "yarn" && m.Is("global") && len(m.Operands) > 0 {
						m.Verb, m.Operands = m.Operands[0], m.Operands[1:]
					}
					return m, ok && m.Is("install", "i", "add", "in", "isntall")
				}, npmFixed, func(c *dockerfile.Command, m inspect.PackageCommand, words []string) {
					f := rule.Unpinned(c.Span, m.Program, words, "package@version says which")
					if tagged := !slices.ContainsFunc(words, func(w string) bool { return !npmTag(w) }); tagged || m.Program != "npm" || !m.Is("install") {
						f.Aliases = []string{} // to hadolint a tag is a version
					}
					p.Report(f)
				})
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/1bbdf738e97866003fd9aa3fb93027f07bd6c092.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/1acbdb1b2ec33a5ea932ca0df6f7f10d01435c3b.Dockerfile",
	}
}

// npmFixed reports whether what npm is to install has a version, or is no package
// of the registry.
func npmFixed(w string) bool {
	switch {
	case strings.HasPrefix(w, "git+"), strings.HasPrefix(w, "git:"), strings.HasPrefix(w, "github:"):
		return strings.Contains(w, "#")
	case strings.HasPrefix(w, "http:"), strings.HasPrefix(w, "https:"), strings.HasPrefix(w, "file:"),
		strings.HasPrefix(w, "/"), strings.HasPrefix(w, "."), strings.HasPrefix(w, "~"),
		strings.HasSuffix(w, ".tar"), strings.HasSuffix(w, ".tar.gz"), strings.HasSuffix(w, ".tgz"):
		return true
	}
	return !npmTag(w) && strings.ContainsAny(strings.TrimPrefix(w, "@"), "@#")
}

// npmTag reports whether a package is asked for by a tag, which its author moves:
// pnpm@latest. A word with a variable may be a version.
func npmTag(w string) bool {
	_, version, ok := strings.Cut(strings.TrimPrefix(w, "@"), "@")
	if v, aliased := strings.CutPrefix(version, "npm:"); aliased {
		return npmTag(v)
	}
	return ok && version != "" && (version[0] >= 'a' && version[0] <= 'z' || version[0] >= 'A' && version[0] <= 'Z' || version == "*") &&
		!strings.ContainsAny(version, "$:/.") && (len(version) == 1 || version[0] != 'v' || version[1] < '0' || version[1] > '9')
}
