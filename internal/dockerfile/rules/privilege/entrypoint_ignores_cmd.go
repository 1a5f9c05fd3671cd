package privilege

import (
	"context"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func entrypointIgnoresCmd() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/entrypoint-ignores-cmd",
				Title:    "CMD has no effect beside an ENTRYPOINT in shell form",
				Practice: finding.LeastPrivilege,
				Severity: finding.Medium,
				Why: "ENTRYPOINT in shell form runs /bin/sh -c with its own text. The words of CMD, and those given to docker run, become arguments of the shell that " +
					"the text does not look at: they are silently dropped. Write ENTRYPOINT as a JSON array.",
				Bad:  "FROM debian:13-slim\nENTRYPOINT /srv/app\nCMD [\"--port\", \"8080\"]\n",
				Good: "FROM debian:13-slim\nENTRYPOINT [\"/srv/app\"]\nCMD [\"--port\", \"8080\"]\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				for n, st := range in.Startings() {
					s := &in.File.Stages[n]
					if st.Entrypoint < 0 || st.Cmd < s.From && st.Entrypoint < s.From || in.Windows(s) {
						continue
					}
					e := &in.File.Instructions[st.Entrypoint]
					sc := in.Script(st.Entrypoint)
					if e.JSON || len(e.Heredocs) > 0 || sc.Err != nil || takesArguments(sc) {
						continue
					}
					if st.Cmd < 0 || len(in.File.Instructions[st.Cmd].Args) == 0 {
						continue
					}
					c := &in.File.Instructions[st.Cmd]
					f := rule.At(c.Span, "CMD", "CMD has no effect: ENTRYPOINT is in shell form, and the shell drops its words")
					f.At = append(f.At, finding.Location{Source: &e.Span})
					if text := in.ExecForm(sc, e); text != "" && c.JSON {
						f = rule.WithFix(f, finding.Behaviour, "Write ENTRYPOINT as a JSON array", in.Edit(e.Words[0].Span, text))
					}
					p.Report(f)
				}
				return nil
			},
		},
	}
}

// takesArguments reports whether a shell text looks at the shell's arguments.
func takesArguments(s *dockerfile.Script) bool {
	return slices.ContainsFunc(s.Commands, func(c dockerfile.Command) bool {
		return slices.ContainsFunc(c.Words, func(w dockerfile.ShellWord) bool {
			return slices.ContainsFunc(w.Vars, func(v string) bool { return strings.Trim(v, "@*0123456789#") == "" })
		})
	})
}
