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

func gemPinned() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/gem-pinned",
				Title:    "gem installs whatever version is newest",
				Practice: finding.TrustedBase,
				Severity: finding.Medium,
				Aliases:  []string{"DL3028"},
				Why: "Two builds of one Dockerfile get two versions of a gem, and a new one may need a newer Ruby than the base has. " +
					"Name a version after a colon or with -v, or use a Gemfile and its lock.",
				Bad:  "FROM ruby:3.4-slim\nRUN gem install bundler\n",
				Good: "FROM ruby:3.4-slim\nRUN gem install bundler:2.6.9\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				eachInstalled(p.Input, func(c *dockerfile.Command) (inspect.PackageCommand, bool) {
					m, ok := inspect.ParsePackageCommand(c, "gem")
					if !ok || !m.Is("install", "i") || c.Has("-v", "--version", "-g", "--file", "-l", "--local") {
						return m, false
					}
					// After -- stand the flags of what is compiled.
					if n := slices.IndexFunc(c.Args(), func(w dockerfile.ShellWord) bool { return w.Text == "--" }); n >= 0 {
						end := c.Args()[n].Span.Start
						m.Operands = slices.DeleteFunc(slices.Clone(m.Operands), func(w dockerfile.ShellWord) bool { return w.Span.Start >= end })
					}
					return m, true
				}, func(w string) bool {
					return strings.ContainsAny(w, ":/") || strings.HasSuffix(w, ".gem")
				}, func(c *dockerfile.Command, m inspect.PackageCommand, words []string) {
					p.Report(rule.Unpinned(c.Span, m.Program, words, "gem:version says which"))
				})
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/397181f139d696d5a6a72f18937e06b5f03d8dbd.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/50146585bd569038cf02fe163e0be28988f267c0.Dockerfile",
	}
}
