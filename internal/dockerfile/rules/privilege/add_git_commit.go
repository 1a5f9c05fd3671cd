package privilege

import (
	"context"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func addGitCommit() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/add-git-commit",
				Title:    "ADD of a Git repository without its commit",
				Practice: finding.TrustedBase,
				Severity: finding.Low,
				Why: "A branch is another source tree every day, and a tag can be moved. Only a commit's whole hash names one tree: write it after # " +
					"(https://host/repository.git#HASH), or have the tag held by --checksum=HASH.",
				Bad:  "FROM debian:13-slim\nADD https://git.example.org/tool.git#main /src\n",
				Good: "FROM debian:13-slim\nADD https://git.example.org/tool.git#9f1c5e2d4b7a80361c2d5e4f7a8b9c0d1e2f3a4b /src\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				eachAdd(p.Input, func(_ int, inst *dockerfile.Instruction, w dockerfile.Word, source string) {
					if !gitAddress(source) || inspect.HasFlag(inst, "checksum") || strings.Contains(source, "checksum=") || strings.Contains(source, "commit=") {
						return
					}
					_, written, _ := strings.Cut(w.Text, "#")
					_, ref, _ := strings.Cut(source, "#")
					ref, _, _ = strings.Cut(ref, ":")
					switch {
					case len(ref) == 40 && strings.Trim(ref, "0123456789abcdef") == "", strings.Contains(written, "$"):
					case ref == "":
						p.Report(rule.At(w.Span, bare(source), "ADD of %s takes whatever its main branch is on the day of the build", shortAddress(source)))
					default:
						p.Report(rule.At(w.Span, bare(source), "ADD of %s is held by %s, which can move: name the commit", shortAddress(source), ref))
					}
				})
				return nil
			},
		},
	}
}
