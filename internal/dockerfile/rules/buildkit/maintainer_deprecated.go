package buildkit

import (
	"context"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func maintainerDeprecated() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/maintainer-deprecated",
				Title:    "MAINTAINER is out of use since 2017",
				Practice: finding.Layering,
				Severity: finding.Medium,
				Aliases:  []string{"MaintainerDeprecated", "DL4000", "DS022"},
				Why: "Docker deprecated MAINTAINER with version 1.13: it sets a field of its own that most tools do not show. A label is " +
					"seen by docker inspect, by registries and by scanners; org.opencontainers.image.authors is the one for this.",
				Bad:  "FROM debian:13-slim\nMAINTAINER Ada <ada@example.com>\n",
				Good: "FROM debian:13-slim\nLABEL org.opencontainers.image.authors=\"Ada <ada@example.com>\"\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				p.Input.Each("MAINTAINER", func(_ int, inst *dockerfile.Instruction) {
					f := rule.At(inst.Keyword.Span, "", "MAINTAINER is deprecated; a label says who made the image")
					if len(inst.Words) != 1 {
						p.Report(f)
						return
					}
					label := "LABEL"
					if inst.Keyword.Text == strings.ToLower(inst.Keyword.Text) {
						label = "label"
					}
					who := unwrapped(inst.Words[0].Text)
					p.Report(rule.WithFix(f, finding.Safe, "Say it in a label",
						p.Input.Edit(inst.Keyword.Span, label),
						p.Input.Edit(inst.Words[0].Span, "org.opencontainers.image.authors="+quoted(p.Input, who))))
				})
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/770e555b0e941d0bb9ed5b2a74b71d2c465764bb.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/689f403d9d15a1a745a9d47fccfb6d4ff0ac6df0.Dockerfile",
	}
}

// unwrapped is a text without the pair of quotes around it.
func unwrapped(s string) string {
	if n := len(s); n >= 2 && (s[0] == '"' || s[0] == '\'') && s[n-1] == s[0] && !strings.ContainsRune(s[1:n-1], rune(s[0])) {
		return s[1 : n-1]
	}
	return s
}

// quoted is a text as a word of ENV or LABEL that means it.
func quoted(in *inspect.Input, text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(text) {
		if c := text[i]; c == '"' || c == '$' || c == in.File.Escape {
			b.WriteByte(in.File.Escape)
		}
		b.WriteByte(text[i])
	}
	b.WriteByte('"')
	return b.String()
}
