package rules

import (
	"context"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/secret"
)

func secretBuildArgument() Check {
	return Check{
		Check: finding.Check[*Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/secret-build-argument",
				Title:    "A command is given its secret as a build argument",
				Practice: finding.LeastPrivilege,
				Severity: finding.Medium,
				Aliases:  []string{"CIS-4.10"},
				Why: "The value of a build argument is written into the history of every RUN that comes after it, for docker history and for whoever pulls the image, and into the " +
					"provenance of the build. RUN --mount=type=secret gives a value to one command and leaves it nowhere: docker build --secret id=NPM_TOKEN,env=NPM_TOKEN.",
				Bad: "FROM node:22-slim\nWORKDIR /app\nCOPY package*.json .npmrc.ci ./\nARG NPM_TOKEN\nRUN npm ci\n",
				Good: "FROM node:22-slim\nWORKDIR /app\nCOPY package*.json .npmrc.ci ./\n" +
					"RUN --mount=type=secret,id=NPM_TOKEN,required=true export NPM_TOKEN=\"$(cat /run/secrets/NPM_TOKEN)\" && npm ci\n",
			},
			Run: func(_ context.Context, p *pass) error {
				in := p.Input
				for i := range in.File.Instructions {
					inst := &in.File.Instructions[i]
					if inst.Cmd != "ARG" || inst.Stage < 0 {
						continue
					}
					for n, pair := range inst.Pairs() {
						if secretName(pair.Key.Text) {
							in.secretArgument(i, n, pair, p.Report)
						}
					}
				}
				return nil
			},
		},
	}
}

// secretName says whether a variable of that name holds a secret, whatever it
// is.
func secretName(name string) bool {
	_, ok := secret.Env(name, "q8Zr2Kx9Lm")
	return ok && !publicByName(name)
}

// secretArgument reports a build argument that commands of its stage use.
func (in *Input) secretArgument(i, n int, pair dockerfile.Pair, report func(finding.Finding)) {
	s, inst, arg := in.Stage(i), &in.File.Instructions[i], pair.Key.Text
	if pair.HasValue && unquote(pair.Value.Text) != "" {
		return // its value is written here: another rule's
	}
	users, elsewhere := in.usersOf(s, i, arg)
	if len(users) == 0 {
		return
	}
	first := &in.File.Instructions[users[0]]
	c := in.usingCommand(users[0], arg)
	who := programOf(c)
	if who == "[" || who == "test" {
		who = "RUN"
	}
	f := at(c.Span, arg, "%s gets %s as a build argument, which the image's history keeps", who, arg)
	f.At = append(f.At, finding.Location{Source: &pair.Key.Span})
	for _, u := range users[1:] {
		f.At = append(f.At, finding.Location{Source: &in.File.Instructions[u].Span})
	}
	f = why(f, "argument", "ARG %s in line %d, RUN in line %d", arg, inst.Span.Line, first.Span.Line)
	title := "Mount it as a secret: docker build --secret id=" + arg + ",env=" + arg
	edits, ok := in.mountSecret(s, users, arg)
	if !ok || elsewhere {
		report(fix(f, finding.NeedsReview, title))
		return
	}
	report(fix(f, finding.NeedsReview, title, append(edits, in.dropPair(inst, n))...))
}

// usersOf are the RUNs of a stage after instruction i that use an argument, and
// whether anything else does.
func (in *Input) usersOf(s *dockerfile.Stage, i int, arg string) (users []int, elsewhere bool) {
	implied := -1
	for k := i + 1; k < s.End; k++ {
		inst := &in.File.Instructions[k]
		switch inst.Cmd {
		case "RUN":
			if in.Script(k).Err != nil {
				elsewhere = true
				continue
			}
			if slices.ContainsFunc(in.Script(k).Commands, func(c dockerfile.Command) bool { return usesVariable(&c, arg) }) {
				users = append(users, k)
			} else if implied < 0 && slices.ContainsFunc(in.Script(k).Commands, func(c dockerfile.Command) bool { return readsVariable(&c, arg) }) {
				implied = k
			}
		default:
			elsewhere = elsewhere || strings.Contains(inst.Raw, "$"+arg) || strings.Contains(inst.Raw, "${"+arg)
		}
	}
	if len(users) == 0 && implied >= 0 && !elsewhere {
		users = []int{implied}
	}
	for k := s.Index + 1; k < len(in.File.Stages); k++ {
		elsewhere = elsewhere || in.File.Stages[k].Parent == s
	}
	return users, elsewhere
}

// usingCommand is the command of a RUN that uses an argument.
func (in *Input) usingCommand(i int, arg string) *dockerfile.Command {
	commands := in.Script(i).Commands
	for _, uses := range []func(*dockerfile.Command, string) bool{usesVariable, readsVariable} {
		for n := range commands {
			if uses(&commands[n], arg) {
				return &commands[n]
			}
		}
	}
	return &commands[0]
}

// usesVariable says whether a command's words, assignments or redirections have
// a variable in them.
func usesVariable(c *dockerfile.Command, arg string) bool {
	for _, w := range c.Words {
		if slices.Contains(w.Vars, arg) {
			return true
		}
	}
	for _, a := range c.Assigns {
		if slices.Contains(a.Value.Vars, arg) {
			return true
		}
	}
	for _, r := range c.Redirects {
		if slices.Contains(r.Target.Vars, arg) {
			return true
		}
	}
	return false
}

// readsVariable says whether a command is of a program that reads a variable of
// that name itself, as by its configuration file.
func readsVariable(c *dockerfile.Command, arg string) bool {
	switch c.Program() {
	case "npm", "yarn", "pnpm":
		return (arg == "NPM_TOKEN" || arg == "NODE_AUTH_TOKEN" || arg == "NPM_AUTH_TOKEN") && (c.Is(c.Program(), "ci", "install", "i") || len(c.Operands()) == 0)
	case "composer":
		return arg == "COMPOSER_AUTH" || arg == "COMPOSER_TOKEN"
	case "cargo":
		return strings.HasPrefix(arg, "CARGO_REGISTR")
	case "bundle":
		return strings.HasPrefix(arg, "BUNDLE_")
	}
	return false
}

// mountSecret are the edits that give RUNs a secret in the variable that was an
// argument; false: one of them is of a form that cannot be edited so.
func (in *Input) mountSecret(s *dockerfile.Stage, users []int, arg string) ([]finding.Edit, bool) {
	var edits []finding.Edit
	for _, u := range users {
		inst := &in.File.Instructions[u]
		shell := in.Scopes.Shell(s, u)
		if inst.JSON || len(inst.Heredocs) > 0 || len(inst.Words) == 0 || shell.By >= 0 && !slices.Contains([]string{"/bin/sh", "/bin/bash", "sh", "bash"}, shell.Words[0]) {
			return nil, false
		}
		mount := "--mount=type=secret,id=" + arg + ",required=true"
		if !in.runsAsRoot(s, u) {
			mount += ",mode=0444"
		}
		start := inst.Words[0].Span.Start
		edits = append(edits, in.Insert(start, mount+" export "+arg+"=\"$(cat /run/secrets/"+arg+")\" && "))
	}
	return edits, true
}
