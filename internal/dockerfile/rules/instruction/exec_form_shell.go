package instruction

import (
	"context"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

func execFormShell() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/exec-form-shell",
				Title:    "The JSON form holds what only a shell reads",
				Practice: finding.LeastPrivilege,
				Severity: finding.Medium,
				Aliases:  []string{},
				Why: "The JSON form starts a program without a shell: $PORT, && and > reach it as they are written, and a whole line in one string is " +
					"the name of a program that does not exist. Give each word a string of its own, or have a shell read the line: [\"sh\", \"-c\", \"exec serve --port $PORT\"].",
				Bad:  "FROM node:24-slim\nCMD [\"node\", \"server.js\", \"--port\", \"$PORT\"]\n",
				Good: "FROM node:24-slim\nCMD [\"sh\", \"-c\", \"exec node server.js --port $PORT\"]\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				for i := range in.File.Instructions {
					inst := &in.File.Instructions[i]
					if inst.Trigger != nil {
						inst = inst.Trigger
					}
					s := in.Script(i)
					if !s.Exec || len(s.Commands) == 0 || inst.Cmd == "CMD" && readBy(in, i) {
						continue
					}
					unreadWords(in, inst, &s.Commands[0], p.Report)
				}
				return nil
			},
		},
	}
}

// shellWord is what a shell would put a variable's value in the place of.
var shellWord = lazyregexp.New(`\$([A-Za-z_][A-Za-z0-9_]*|\{[A-Za-z_][A-Za-z0-9_]*(:?[-+?][^}]*)?\})`)

// unreadWords reports the words of a JSON form that a shell would read otherwise.
func unreadWords(in *inspect.Input, inst *dockerfile.Instruction, c *dockerfile.Command, report func(finding.Finding)) {
	first := c.Words[0]
	if line := strings.Fields(first.Text); len(line) > 1 && !strings.HasPrefix(first.Text, "/") || len(line) > 1 && len(c.Words) == 1 {
		f := rule.At(first.Span, first.Text, "%q is the name of one program: no shell takes the line apart", first.Text)
		f.Severity = finding.High
		if words := strings.Join(line, `", "`); len(c.Words) == 1 && !strings.ContainsAny(first.Text, `\"'$&|;<>*?()`+"`") {
			f = rule.WithFix(f, finding.Behaviour, "Give each word a string of its own", in.Edit(first.Span, `"`+words+`"`))
		}
		report(f)
		return
	}
	if readsLines(c) {
		return
	}
	for _, w := range c.Words[1:] {
		switch m := shellWord.FindString(w.Text); {
		case slices.Contains([]string{"&&", "||", ";", "|", ">", ">>", "<", "2>&1", "&"}, w.Text):
			f := rule.At(w.Span, w.Text, "%s is given to %s as a word: no shell reads it", w.Text, first.Text)
			f.Severity = finding.High
			report(f)
			return // the rest would be another command's
		case m != "" && !strings.Contains(w.Text, "$$") && !strings.HasPrefix(w.Text, "-D"):
			report(rule.At(w.Span, w.Text, "%s reaches %s as it is written: no shell puts a value in its place", m, first.Text))
		}
	}
}

// readsLines reports whether a program is known to read its arguments as a shell, or
// a language, does: sh -c, su -c, cmd /c, perl -e, envsubst.
func readsLines(c *dockerfile.Command) bool {
	switch c.Program() {
	case "envsubst", "eval", "awk", "sed", "perl", "jq", "expr", "find", "test", "[", "make", "xargs", "psql", "mysql", "grep":
		return true
	}
	return slices.ContainsFunc(c.Words[1:], func(w dockerfile.ShellWord) bool {
		t := strings.ToLower(w.Text)
		return t == "/c" || t == "/s" || strings.HasPrefix(t, "-comm") || t == "-e" || t == "--eval" ||
			len(t) > 1 && t[0] == '-' && t[1] != '-' && strings.HasSuffix(t, "c")
	})
}

// readBy reports whether a CMD in JSON form is what an ENTRYPOINT's shell, or one
// that is not known, reads.
func readBy(in *inspect.Input, i int) bool {
	st := in.Stage(i)
	if st == nil {
		return true
	}
	for _, s := range in.File.Chain(st) {
		for n := s.From + 1; n < s.End; n++ {
			inst := &in.File.Instructions[n]
			if inst.Cmd != "ENTRYPOINT" || len(inst.Words) == 0 {
				continue
			}
			if !inst.JSON {
				return true // CMD is not used at all
			}
			if c := in.Script(n).Commands; len(c) > 0 && (readsLines(&c[0]) || strings.HasSuffix(c[0].Words[0].Text, ".sh")) {
				return true
			}
		}
	}
	return false
}
