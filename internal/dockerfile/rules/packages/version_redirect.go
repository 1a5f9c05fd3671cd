package packages

import (
	"context"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

func versionRedirect() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/version-redirect",
				Title:    "A version is taken for a file",
				Practice: finding.TrustedBase,
				Severity: finding.High,
				Aliases:  []string{},
				Why: "To a shell, > and < are redirections: pip install flask>=2 installs any flask, and writes what it says into a file that is named =2. " +
					"Put the requirement in quotes.",
				Bad:  "FROM python:3.14-slim\nRUN pip install --no-cache-dir flask>=3.1\n",
				Good: "FROM python:3.14-slim\nRUN pip install --no-cache-dir 'flask>=3.1'\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				in.EachCommand(func(_ int, c *dockerfile.Command) {
					if !installer(c) {
						return
					}
					for _, r := range c.Redirects {
						if r.Op != ">" && r.Op != "<" || !looksLikeVersion.MatchString(r.Target.Text) {
							continue
						}
						n := slices.IndexFunc(c.Words, func(w dockerfile.ShellWord) bool { return w.Span.End == r.Span.Start })
						if n <= 0 {
							continue // a space before it: who knows what is meant
						}
						w := c.Words[n]
						whole := in.File.Span(w.Span.Start, r.Span.End)
						f := rule.At(whole, w.Text, "%s: the shell takes %s for a redirection to a file, and %s for any version", in.Text(whole), r.Op, w.Text)
						if text := in.Text(whole); !w.Quoted && !strings.ContainsAny(text, `'"\$`) && c.Span.Start <= whole.Start && !slices.Contains(c.Within, "nested") {
							f = rule.WithFix(f, finding.Behaviour, "Put it in quotes", in.Edit(whole, "'"+text+"'"))
						}
						p.Report(f)
						return
					}
				})
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/b75dd89ccf924c8fbade4273b27a05f457c5a1e1.Dockerfile",
	}
}

// looksLikeVersion is what stands behind > or < in a requirement: "=2.0", "3", "4.8,".
var looksLikeVersion = lazyregexp.New(`^=?v?[0-9]+(\.[0-9*]+)*([-.,a-z][0-9A-Za-z.,<>=*-]*)?$`)

// installer reports whether a command installs packages whose versions are written
// with < and >.
func installer(c *dockerfile.Command) bool {
	if _, ok := inspect.PythonPackages(c); ok {
		return true
	}
	m, ok := inspect.ParsePackageCommand(c, "npm", "yarn", "pnpm", "bun", "conda", "mamba", "micromamba", "gem", "apk", "poetry", "uv", "composer", "cargo", "dnf", "yum", "microdnf", "zypper")
	if ok && m.Program == "yarn" && m.Is("global") && len(m.Operands) > 0 {
		m.Verb = m.Operands[0]
	}
	return ok && m.Is("install", "add", "i", "require", "create", "in")
}
