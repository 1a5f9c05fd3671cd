package rules

import (
	"context"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
)

func gemPinned() Check {
	return Check{
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/397181f139d696d5a6a72f18937e06b5f03d8dbd.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/50146585bd569038cf02fe163e0be28988f267c0.Dockerfile",
		Check: finding.Check[*Input]{
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
			Run: func(_ context.Context, p *pass) error {
				eachInstalled(p.Input, func(c *dockerfile.Command) (call, bool) {
					m, ok := managed(c, "gem")
					if !ok || !m.is("install", "i") || c.Has("-v", "--version", "-g", "--file", "-l", "--local") {
						return m, false
					}
					// After -- stand the flags of what is compiled.
					if n := slices.IndexFunc(c.Args(), func(w dockerfile.ShellWord) bool { return w.Text == "--" }); n >= 0 {
						end := c.Args()[n].Span.Start
						m.operands = slices.DeleteFunc(slices.Clone(m.operands), func(w dockerfile.ShellWord) bool { return w.Span.Start >= end })
					}
					return m, true
				}, func(w string) bool {
					return strings.ContainsAny(w, ":/") || strings.HasSuffix(w, ".gem")
				}, func(c *dockerfile.Command, m call, words []string) {
					p.Report(unpinned(c.Span, m.program, words, "gem:version says which"))
				})
				return nil
			},
		},
	}
}
