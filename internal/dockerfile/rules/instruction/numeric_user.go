package instruction

import (
	"context"
	"strconv"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func numericUser() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/user-by-name",
				Title:    "The image's user is a name, not a number",
				Practice: finding.LeastPrivilege,
				Severity: finding.Low,
				Aliases:  []string{"DL3066"},
				Why: "Only the image knows which number a name stands for. Kubernetes, told to run no container as root (runAsNonRoot), does not look " +
					"into it and refuses one whose user is a name. Give the number, and the group's.",
				Bad:  "FROM debian:13-slim\nRUN useradd --uid 10001 app\nUSER app\n",
				Good: "FROM debian:13-slim\nRUN useradd --uid 10001 app\nUSER 10001\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				st := in.Final()
				last := -1
				for i := st.From + 1; i < st.End; i++ {
					if in.File.Instructions[i].Cmd == "USER" {
						last = i
					}
				}
				if last < 0 {
					return nil
				}
				w := in.File.Instructions[last].Words[0]
				text, known := in.Value(last, w)
				user, _, _ := strings.Cut(text, ":")
				if isNumber(user) || !known || user == "" || user == "root" || onWindows(user) {
					return nil // a build argument may say a number; root is root-user's
				}
				f := rule.At(w.Span, user, "USER %s is a name, and only the image knows which number it has", user)
				if w.Text == text && !strings.Contains(w.Text, ":") {
					if uid, ok := numberOf(in, user); ok {
						f = rule.WithFix(f, finding.Behaviour, "Give the number, "+uid, in.Edit(w.Span, uid))
					}
				}
				p.Report(f)
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/3f1ff265443e6c32c08df4a4764a8dfab03ed771.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/feadd03c77e9e248e5cc7b2bafa855264d33d725.Dockerfile",
	}
}

// onWindows reports whether a user is one of Windows containers', where users have
// no numbers.
func onWindows(user string) bool {
	return strings.EqualFold(user, "ContainerUser") || strings.EqualFold(user, "ContainerAdministrator") || strings.Contains(user, `\`)
}

func isNumber(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// numberOf is a user's number: as the final stage, or one below it, creates the
// user, or as the base image has it.
func numberOf(in *inspect.Input, user string) (string, bool) {
	for _, st := range in.File.Chain(in.Final()) {
		for i := st.From + 1; i < st.End; i++ {
			if in.File.Instructions[i].Cmd != "RUN" {
				continue
			}
			s := in.Script(i)
			for n := range s.Commands {
				if uid, ok := createdUser(&s.Commands[n], user); ok {
					return uid, uid != ""
				}
			}
		}
	}
	if b := in.Scopes.Base(in.Final()); b != nil && b.Accounts != nil {
		if uid, ok := b.Accounts[user]; ok {
			return strconv.Itoa(uid), true
		}
	}
	return "", false
}

// createdUser reports whether a command creates or changes the user, and with which
// number; empty: it does not say.
func createdUser(c *dockerfile.Command, user string) (uid string, ok bool) {
	if program := c.Program(); program != "useradd" && program != "adduser" && program != "usermod" {
		return "", false
	}
	named := false
	for _, w := range c.Args() {
		named = named || w.Literal && w.Text == user
	}
	if !named {
		return "", false
	}
	w, given := c.Value("-u", "--uid")
	if given && w.Literal && isNumber(w.Text) {
		return w.Text, true
	}
	return "", true
}
