package rules

import (
	"context"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
)

func copySeveral() Check {
	return Check{
		Check: finding.Check[*Input]{
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
			Run: func(_ context.Context, p *pass) error {
				in := p.Input
				for _, cmd := range []string{"COPY", "ADD"} {
					in.eachTransfer(cmd, func(t transfer) {
						if len(t.sources) < 2 {
							return
						}
						written := strings.Trim(t.dest.Text, `"'`)
						dest, _ := in.value(t.at, t.dest)
						if strings.HasSuffix(written, "/") || strings.HasSuffix(dest, "/") || rooted(dest) && dest[0] != '/' && strings.HasSuffix(dest, `\`) {
							return
						}
						f := at(t.dest.Span, t.dest.Text, "%s of several files to %s, which does not end in a slash", cmd, t.dest.Text)
						if folder := strings.TrimRight(written, "."); folder == "" || strings.HasSuffix(folder, "/") {
							f.Severity = finding.Low // a dot is a folder to every builder
						}
						if cmd == "ADD" {
							f.Aliases = []string{} // the others look at COPY only
						}
						end := t.dest.Span.End
						if t.JSON || strings.HasSuffix(t.dest.Text, `"`) || strings.HasSuffix(t.dest.Text, "'") {
							end-- // within the quotes
						}
						p.Report(fix(f, finding.Safe, "Say that it is a folder", in.Insert(end, "/")))
					})
				}
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/e6d0a148afcd19e9ca72a709bc151201a0c70a9e.Dockerfile",
		Quiet: "docker+awesome-compose/nginx-nodejs-redis/web/Dockerfile",
	}
}
