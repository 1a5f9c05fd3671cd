package instruction

import (
	"context"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func copySeveral() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/copy-several-without-slash",
				Title:    "Several files are copied to what does not say that it is a folder",
				Practice: finding.Layering,
				Severity: finding.High,
				Aliases:  []string{"DL3021", "DS011"},
				Why: "Several files can only go into a folder. Without the slash at the end builders other than BuildKit refuse the instruction, " +
					"and a reader, or the next one who takes a file out of the list, cannot tell a folder from a new name.",
				Bad:  "FROM node:22-slim\nWORKDIR /app\nCOPY package.json package-lock.json .\n",
				Good: "FROM node:22-slim\nWORKDIR /app\nCOPY package.json package-lock.json ./\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				for _, cmd := range []string{"COPY", "ADD"} {
					in.EachTransfer(cmd, func(t inspect.Transfer) {
						if len(t.Sources) < 2 {
							return
						}
						written := strings.Trim(t.Dest.Text, `"'`)
						dest, _ := in.Value(t.At, t.Dest)
						if strings.HasSuffix(written, "/") || strings.HasSuffix(dest, "/") || inspect.Rooted(dest) && dest[0] != '/' && strings.HasSuffix(dest, `\`) {
							return
						}
						f := rule.At(t.Dest.Span, t.Dest.Text, "%s of several files to %s, which does not end in a slash", cmd, t.Dest.Text)
						if folder := strings.TrimRight(written, "."); folder == "" || strings.HasSuffix(folder, "/") {
							f.Severity = finding.Low // a dot is a folder to every builder
						}
						if cmd == "ADD" {
							f.Aliases = []string{} // the others look at COPY only
						}
						end := t.Dest.Span.End
						if t.JSON || strings.HasSuffix(t.Dest.Text, `"`) || strings.HasSuffix(t.Dest.Text, "'") {
							end-- // within the quotes
						}
						p.Report(rule.WithFix(f, finding.Safe, "Say that it is a folder", in.Insert(end, "/")))
					})
				}
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/e6d0a148afcd19e9ca72a709bc151201a0c70a9e.Dockerfile",
		Quiet: "docker+awesome-compose/nginx-nodejs-redis/web/Dockerfile",
	}
}
