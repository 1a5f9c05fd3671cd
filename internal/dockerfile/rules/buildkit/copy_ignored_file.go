package buildkit

import (
	"bytes"
	"context"
	"path"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

func copyIgnoredFile() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/copy-ignored-file",
				Title:    "A file is copied that .dockerignore keeps out",
				Practice: finding.Layering,
				Severity: finding.Medium,
				Aliases:  []string{"CopyIgnoredFile"},
				Why: "The build does not see what .dockerignore names: COPY of such a file fails, though the file is there. One of the two lines " +
					"is wrong.",
				Bad:  "FROM scratch\nCOPY dist/app /app\n",
				Good: "FROM scratch\nCOPY bin/app /app\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				folder := p.Input.Options.Context
				if folder == nil || brings(folder.Ignore) {
					return nil
				}
				for _, cmd := range []string{"COPY", "ADD"} {
					p.Input.Each(cmd, func(i int, inst *dockerfile.Instruction) {
						s := p.Input.Stage(i)
						if s == nil || strings.Join(inspect.Sources(inst), "") != "" || len(inst.Words) < 2 {
							return
						}
						for _, w := range inst.Words[:len(inst.Words)-1] {
							if parser.MustParseHeredoc(w.Text) != nil {
								continue
							}
							name, _ := p.Input.Scopes.Expand(s, i, w.Text)
							if inspect.IsURL(w.Text) || inspect.IsURL(name) {
								continue
							}
							name = path.Clean(name)
							if (name == "." || name == "/") && !everything(folder.Ignore) {
								continue
							}
							if folder.Ignored(name) {
								p.Report(rule.At(w.Span, name, "%s keeps %s out of the build, so %s does not find it", folder.IgnoreFile, name, cmd))
							}
						}
					})
				}
				return nil
			},
		},
		BadContext:  map[string]string{".dockerignore": "dist\n", "dist/app": "x"},
		GoodContext: map[string]string{".dockerignore": "dist\n", "bin/app": "x"},
	}
}

// brings reports whether an ignore file brings back what it has kept out: what
// holds for a folder then does not hold for what is in it.
func brings(ignore []byte) bool {
	for line := range bytes.Lines(ignore) {
		if bytes.HasPrefix(bytes.TrimSpace(line), []byte("!")) {
			return true
		}
	}
	return false
}

// everything reports whether an ignore file keeps all of the folder out.
func everything(ignore []byte) bool {
	for line := range bytes.Lines(ignore) {
		switch strings.TrimPrefix(path.Clean(string(bytes.TrimSpace(line))), "/") {
		case "*", "**", "**/*":
			return true
		}
	}
	return false
}
