package privilege

import (
	"context"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func passwordInBuild() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/password-in-build",
				Title:    "A user is given a password that the image tells",
				Practice: finding.LeastPrivilege,
				Traits:   finding.Traits{Hides: true},
				Severity: finding.High,
				Aliases:  []string{"CIS-4.10"},
				Why: "The command is in the image's history, and the same password opens every container of the image, by su, sudo or an SSH daemon. " +
					"A user of a container needs none: USER and docker exec ask for no password.",
				Bad:  "FROM debian:13-slim\nRUN useradd app && echo 'app:correct-horse' | chpasswd\n",
				Good: "FROM debian:13-slim\nRUN useradd --system app\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				in.EachCommand(func(i int, c *dockerfile.Command) {
					if who, what, password, ok := setsPassword(in, i, c); ok {
						f := rule.At(c.Span, c.Program()+" "+who, "%s", what)
						if password != "" {
							f.Hidden = []finding.Secret{finding.Secret(password)}
						}
						p.Report(rule.WithFix(f, finding.NeedsReview, "Leave the user without a password"))
					}
				})
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/2112c7f413f8b92d6b5cccdaa8af660deb30832a.Dockerfile",
		Quiet: "docker-library+busybox/latest/musl/Dockerfile.builder",
	}
}

// setsPassword reports whether a command gives a user a password that is written
// there, to whom, and which; none is an empty one.
func setsPassword(in *inspect.Input, i int, c *dockerfile.Command) (who, what, password string, ok bool) {
	commands := in.Script(i).Commands
	piped := func() string {
		if c.Input >= 0 && c.Input < len(commands) && (commands[c.Input].Program() == "echo" || commands[c.Input].Program() == "printf") {
			var words []string
			for _, w := range commands[c.Input].Operands() {
				if !w.Literal {
					return ""
				}
				words = append(words, w.Text)
			}
			return strings.Join(words, " ")
		}
		for _, r := range c.Redirects {
			if r.Op == "<<<" && r.Target.Literal {
				return r.Target.Text
			}
		}
		return ""
	}
	switch c.Program() {
	case "chpasswd":
		if user, password, has := strings.Cut(piped(), ":"); has && user != "" && !strings.ContainsAny(user, " \\%") && len(password) > 0 && !strings.HasPrefix(password, ":") {
			return user, "chpasswd gives " + user + " a password that everyone who has the image can read", password, true
		}
	case "passwd":
		user := "root"
		if ops := c.Operands(); len(ops) > 0 && ops[0].Literal {
			user = ops[0].Text
		}
		switch {
		case c.Has("-d", "--delete"):
			return user, "passwd -d leaves " + user + " without a password: everyone in the container can become it where su asks for none", "", user == "root"
		case piped() != "":
			first, _, _ := strings.Cut(piped(), " ")
			return user, "passwd gives " + user + " a password that everyone who has the image can read", first, true
		}
	case "debconf-set-selections": // package question type value
		if f := strings.Fields(piped()); len(f) == 4 && f[2] == "password" && strings.Contains(f[1], "password") {
			return f[0], f[0] + " is installed with a password that everyone who has the image can read", f[3], true
		}
	case "useradd", "usermod":
		w, has := c.Value("-p", "--password")
		if ops := c.Operands("-p", "--password", "-s", "-d", "-u", "-g", "-G", "-c", "--shell", "--home", "--uid", "--gid", "--groups", "--comment"); has && w.Literal && strings.HasPrefix(w.Text, "$") && len(ops) > 0 { // else it is no hash, and opens nothing
			user := ops[len(ops)-1].Text
			return user, c.Program() + " gives " + user + " a password that everyone who has the image can read", w.Text, true
		}
	}
	return "", "", "", false
}
