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

func unknownUser() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/unknown-user",
				Title:    "USER names someone whom the image does not know",
				Practice: finding.LeastPrivilege,
				Severity: finding.High,
				Why: "A name is looked up in the image's /etc/passwd when the container starts. Where it is not there, nothing starts: \"unable to find user\". The empty base has no " +
					"such file: say a number there, which needs none.",
				Bad:  "FROM scratch\nCOPY app /app\nUSER app\nENTRYPOINT [\"/app\"]\n",
				Good: "FROM scratch\nCOPY app /app\nUSER 65532:65532\nENTRYPOINT [\"/app\"]\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in, final := p.Input, p.Input.Final()
				user, ok := in.WorkerUser(final, final.End)
				facts := in.Scopes.Base(final)
				if !ok || facts == nil || facts.Accounts == nil {
					return nil
				}
				name, group, _ := strings.Cut(user.Value, ":")
				if _, known := facts.Accounts[name]; known || strings.Trim(name, "0123456789") == "" || mayAddUsers(in) {
					return nil
				}
				inst := &in.File.Instructions[user.By]
				f := rule.At(inst.Span, name, "%s has no user %s, and nothing here makes one: the container does not start", inspect.BaseName(final), name)
				f = rule.WithEvidence(f, "base", "the users of %s, says %s: %d", facts.Ref, facts.Source, len(facts.Accounts))
				if group == "" && len(inst.Words) == 1 {
					f = rule.WithFix(f, finding.NeedsReview, "Say a number, which needs no entry", in.Edit(inst.Words[0].Span, "65532:65532"))
				}
				p.Report(f)
				return nil
			},
		},
	}
}

// mayAddUsers reports whether anything of the final stage may add to its users: a
// command at all, a copy of a whole tree, into /etc, or of an archive.
func mayAddUsers(in *inspect.Input) bool {
	out := false
	in.InFinal(func(i int, inst *dockerfile.Instruction) {
		switch inst.Cmd {
		case "ADD":
			out = true // which may unpack a file system
		case "COPY":
			to := ""
			if len(inst.Words) > 1 {
				to = in.Destination(i, inst)
			}
			out = out || slices.Contains([]string{"", "/", "/etc", "/etc/passwd"}, to) || len(inst.Heredocs) > 0
		case "RUN":
			s := in.Script(i)
			out = out || s.Err != nil || len(inst.Heredocs) > 0
			for n := range s.Commands {
				out = out || !slices.Contains([]string{"echo", "mkdir", "chmod", "chown", "cp", "mv", "rm", "ln", "cd", "touch", "true", "npm", "pip", "pip3", "go", "cargo"}, s.Commands[n].Program()) ||
					slices.ContainsFunc(s.Commands[n].Words, func(w dockerfile.ShellWord) bool { return strings.Contains(w.Text, "passwd") }) ||
					slices.ContainsFunc(s.Commands[n].Redirects, func(r dockerfile.Redirect) bool { return strings.Contains(r.Target.Text, "passwd") })
			}
		}
	})
	return out
}
