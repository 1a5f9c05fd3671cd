package buildkit

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func jsonArgsRecommended() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/json-args-recommended",
				Title:    "CMD or ENTRYPOINT starts a shell that keeps signals to itself",
				Practice: finding.LeastPrivilege,
				Severity: finding.Medium,
				Aliases:  []string{"JSONArgsRecommended", "DL3025"},
				Why: "Without the JSON form the program is a child of /bin/sh -c, and the shell is process 1. docker stop sends its signal to " +
					"the shell, which does not pass it on: the program is killed after ten seconds with its work undone. Arguments given to docker run are " +
					"lost, too. And where the base has no shell, nothing starts. A shell that is meant is said with SHELL.",
				Bad:  "FROM node:24\nCMD node server.js\n",
				Good: "FROM node:24\nCMD [\"node\", \"server.js\"]\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				for _, cmd := range []string{"CMD", "ENTRYPOINT"} {
					p.Input.Each(cmd, func(i int, inst *dockerfile.Instruction) {
						if inst.JSON {
							return
						}
						s := p.Input.Stage(i)
						f := rule.At(inst.Keyword.Span, cmd, "%s starts a shell, which does not pass signals on to the program", cmd)
						if c := p.Input.Script(i).Commands; len(c) == 1 && slices.Contains(c[0].Via(), "exec") {
							f = rule.At(inst.Keyword.Span, cmd, "%s needs a shell to start, though exec gives its place to the program", cmd)
							f.Severity = finding.Low
						}
						chosen := p.Input.Scopes.Shell(s, i).By >= 0
						if base := p.Input.Scopes.Base(s); !chosen && base != nil && len(base.Shell) > 0 {
							chosen = true
						}
						if chosen { // BuildKit takes a chosen shell for a meant one
							f.Severity, f.Aliases = finding.Low, []string{"DL3025"}
						} else if text := jsonMeant(inst); text != "" {
							f = rule.At(inst.Keyword.Span, cmd, "%s looks like JSON and is not, so a shell gets all of it", cmd)
							f = rule.WithFix(f, finding.Behaviour, "Write it as JSON: in double quotes, each backslash twice", p.Input.Edit(inst.Words[0].Span, text))
						} else if p.Input.Windows(s) { // cmd splits words in another way than sh
							f.Fixes = nil
						} else if given := takesNoCommand(p.Input, i); given != "" {
							f = rule.WithEvidence(f, finding.EvidenceNotRewritten, "a shell keeps what CMD says from the program, and without it the program is given %s: decide on that first", given)
						} else if text := p.Input.ExecForm(p.Input.Script(i), inst); text != "" {
							f = rule.WithFix(f, finding.Behaviour, "Start the program without a shell", p.Input.Edit(inst.Words[0].Span, text))
						}
						p.Report(f)
					})
				}
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/6e5e9a5a88d7bca60091bfd9580db61325d7ba1f.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/1319f7d978ed9f127a7d309ecf160d1e181e32f8.Dockerfile",
	}
}

// takesNoCommand is the CMD that an ENTRYPOINT would begin to take as arguments if
// no shell stood between; empty where there is none.
func takesNoCommand(in *inspect.Input, i int) string {
	if in.File.Instructions[i].Cmd != "ENTRYPOINT" {
		return ""
	}
	given := ""
	for _, s := range in.File.Chain(in.Stage(i)) {
		for k := s.From + 1; k < s.End; k++ {
			if other := &in.File.Instructions[k]; other.Cmd == "CMD" && strings.TrimSpace(other.Raw) != "CMD []" {
				given = strings.TrimSpace(other.Raw)
			}
		}
	}
	return given
}

// jsonMeant is the JSON that is meant by one in single quotes, or with single
// backslashes, as Windows' paths have them; empty: none is.
func jsonMeant(inst *dockerfile.Instruction) string {
	if len(inst.Words) != 1 || !strings.HasPrefix(inst.Words[0].Text, "[") {
		return ""
	}
	text := inst.Words[0].Text
	switch {
	case !strings.Contains(text, `"`):
		text = strings.ReplaceAll(strings.ReplaceAll(text, `\\`, `\`), `\`, `\\`)
		text = strings.ReplaceAll(text, "'", `"`)
	case strings.Contains(text, `\`) && !strings.Contains(text, `\"`):
		text = strings.ReplaceAll(strings.ReplaceAll(text, `\\`, `\`), `\`, `\\`)
	default:
		return ""
	}
	var args []string
	if json.Unmarshal([]byte(text), &args) != nil || len(args) == 0 {
		return ""
	}
	return text
}
