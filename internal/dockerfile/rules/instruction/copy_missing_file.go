package instruction

import (
	"context"
	"io/fs"
	"path"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func copyMissingFile() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/copy-missing-file",
				Title:    "A file is copied that is not there",
				Practice: finding.Layering,
				Severity: finding.Medium,
				Aliases:  []string{},
				Why: "COPY of a file that the build's context does not have ends the build. Often it is a lock file that was never committed, without which " +
					"npm ci and its like refuse to install. Where it is made before the build, ignore this with a pragma; where it may be missing, a pattern takes none for an answer: package-lock.jso[n].",
				Bad:  "FROM node:24-slim\nWORKDIR /app\nCOPY package.json package-lock.json ./\nRUN npm ci\n",
				Good: "FROM node:24-slim\nWORKDIR /app\nCOPY package.json yarn.lock ./\nRUN yarn install --frozen-lockfile\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in, folder := p.Input, p.Input.Options.Context
				if folder == nil {
					return nil
				}
				for _, cmd := range []string{"COPY", "ADD"} {
					in.EachTransfer(cmd, func(t inspect.Transfer) {
						if t.From != "" {
							return
						}
						for _, w := range t.Sources {
							source, known := in.Value(t.At, w)
							name := path.Clean("./" + path.Clean("/"+source))
							if !known || strings.ContainsAny(source, "*?[$") || isHeredoc(t.Instruction, w) || inspect.IsRemote(source) ||
								!fs.ValidPath(name) || folder.Ignored(name) {
								continue // what is ignored is copy-ignored-file's
							}
							if !folder.Exists(name) {
								p.Report(rule.At(w.Span, source, "%s %s: the build's context has no such file", cmd, source))
							}
						}
					})
				}
				return nil
			},
		},
		BadContext:  map[string]string{"package.json": "{}", "yarn.lock": ""},
		GoodContext: map[string]string{"package.json": "{}", "yarn.lock": ""},
	}
}
