package privilege

import (
	"context"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/secret"
)

func secretBuildArgument() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
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
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				for n := range in.File.Stages {
					var use *uses
					s, said := &in.File.Stages[n], map[string]bool{}
					for i := s.From + 1; i < s.End; i++ {
						inst := &in.File.Instructions[i]
						if inst.Cmd != "ARG" {
							continue
						}
						for k, pair := range inst.Pairs() {
							// A value that is written here is another rule's.
							if arg := pair.Key.Text; secretName(arg) && !said[arg] && (!pair.HasValue || inspect.Unquote(pair.Value.Text) == "") {
								if said[arg] = true; use == nil {
									use = usesOf(in, s)
								}
								secretArgument(in, s, use, i, k, pair, p.Report)
							}
						}
					}
				}
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/e6380b7d9cbc0a594f978b569ee6c265af269ed4.Dockerfile",
		Quiet: "docker-library+rabbitmq/4.3/ubuntu/Dockerfile",
	}
}

// secretName reports whether a variable of that name holds a secret, whatever it
// is.
func secretName(name string) bool {
	_, ok := secret.Env(name, "q8Zr2Kx9Lm")
	return ok && !inspect.PublicByName(name)
}

// secretArgument reports a build argument that commands of its stage use.
func secretArgument(in *inspect.Input, s *dockerfile.Stage, use *uses, i, n int, pair dockerfile.Pair, report func(finding.Finding)) {
	inst, arg := &in.File.Instructions[i], pair.Key.Text
	users, elsewhere := use.of(arg, i)
	if len(users) == 0 {
		return
	}
	first := &in.File.Instructions[users[0]]
	c := usingCommand(in, users[0], arg)
	who := programOf(c)
	if who == "[" || who == "test" {
		who = "RUN"
	}
	f := rule.At(c.Span, arg, "%s gets %s as a build argument, which the image's history keeps", who, arg)
	f.At = append(f.At, finding.Location{Source: &pair.Key.Span})
	for _, u := range users[1:] {
		f.At = append(f.At, finding.Location{Source: &in.File.Instructions[u].Span})
	}
	f = rule.WithEvidence(f, "argument", "ARG %s in line %d, RUN in line %d", arg, inst.Span.Line, first.Span.Line)
	title := "Mount it as a secret: docker build --secret id=" + arg + ",env=" + arg
	edits, ok := mountSecret(in, s, users, arg)
	if !ok || elsewhere || inspect.NameLength(arg) != len(arg) {
		report(rule.WithFix(f, finding.NeedsReview, title))
		return
	}
	report(rule.WithFix(f, finding.NeedsReview, title, append(edits, in.DropPair(inst, n))...))
}

// uses are the variables that a stage uses, by name.
type uses struct {
	runs      map[string][]int // the RUNs with the variable in them
	reads     map[string]int   // by the program that reads it itself, its first RUN
	elsewhere map[string]bool  // another instruction has it
	unclear   bool             // a RUN could not be read, or another stage stands on this one
}

// usesOf reads the variables of a stage once, for all of its arguments.
func usesOf(in *inspect.Input, s *dockerfile.Stage) *uses {
	u := &uses{runs: map[string][]int{}, reads: map[string]int{}, elsewhere: map[string]bool{}}
	for i := s.From + 1; i < s.End; i++ {
		inst := &in.File.Instructions[i]
		if inst.Cmd != "RUN" {
			for part := range strings.SplitSeq(inst.Raw, "$") {
				part = strings.TrimPrefix(part, "{")
				u.elsewhere[part[:inspect.NameLength(part)]] = true
			}
			continue
		}
		sc := in.Script(i)
		u.unclear = u.unclear || sc.Err != nil
		for n := range sc.Commands {
			c := &sc.Commands[n]
			eachVariable(c, func(name string) {
				if at := u.runs[name]; len(at) == 0 || at[len(at)-1] != i {
					u.runs[name] = append(at, i)
				}
			})
			if p := c.Program(); slices.Contains(readers, p) && (p != "npm" && p != "yarn" && p != "pnpm" || readsVariable(c, "NPM_TOKEN")) {
				if _, ok := u.reads[p]; !ok {
					u.reads[p] = i
				}
			}
		}
	}
	for k := s.Index + 1; k < len(in.File.Stages); k++ {
		u.unclear = u.unclear || in.File.Stages[k].Parent == s
	}
	return u
}

// of are the RUNs after instruction i that use an argument, and whether anything
// else may.
func (u *uses) of(arg string, i int) (users []int, elsewhere bool) {
	for _, k := range u.runs[arg] {
		if k > i {
			users = append(users, k)
		}
	}
	elsewhere = u.unclear || u.elsewhere[arg]
	if len(users) > 0 || elsewhere {
		return users, elsewhere
	}
	for _, p := range readers {
		k, ok := u.reads[p]
		if ok && k > i && readsVariable(&dockerfile.Command{Words: []dockerfile.ShellWord{{Text: p, Literal: true}, {Text: "install", Literal: true}}}, arg) {
			return []int{k}, false
		}
	}
	return nil, false
}

// usingCommand is the command of a RUN that uses an argument.
func usingCommand(in *inspect.Input, i int, arg string) *dockerfile.Command {
	commands := in.Script(i).Commands
	for _, does := range []func(*dockerfile.Command, string) bool{usesVariable, readsVariable} {
		for n := range commands {
			if does(&commands[n], arg) {
				return &commands[n]
			}
		}
	}
	return &commands[0]
}

// eachVariable calls visit for each variable in a command's words, assignments
// and redirections.
func eachVariable(c *dockerfile.Command, visit func(name string)) {
	each := func(w dockerfile.ShellWord) {
		for _, name := range w.Vars {
			visit(name)
		}
	}
	for _, w := range c.Words {
		each(w)
	}
	for _, a := range c.Assigns {
		each(a.Value)
	}
	for _, r := range c.Redirects {
		each(r.Target)
	}
}

func usesVariable(c *dockerfile.Command, arg string) bool {
	found := false
	eachVariable(c, func(name string) { found = found || name == arg })
	return found
}

// readers are programs that read their secrets from variables themselves.
var readers = []string{"npm", "yarn", "pnpm", "composer", "cargo", "bundle"}

// readsVariable reports whether a command is of a program that reads a variable of
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
func mountSecret(in *inspect.Input, s *dockerfile.Stage, users []int, arg string) ([]finding.Edit, bool) {
	var edits []finding.Edit
	for _, u := range users {
		inst := &in.File.Instructions[u]
		shell := in.Scopes.Shell(s, u)
		if inst.JSON || len(inst.Heredocs) > 0 || len(inst.Words) == 0 || shell.By >= 0 && !slices.Contains([]string{"/bin/sh", "/bin/bash", "sh", "bash"}, shell.Words[0]) {
			return nil, false
		}
		mount := "--mount=type=secret,id=" + arg + ",required=true"
		if !in.RunsAsRoot(s, u) {
			mount += ",mode=0444"
		}
		// From the instruction's first byte on: what joins it to the RUN before it is
		// another way to go on, and no flag may follow an "&&".
		head := in.File.Span(inst.Span.Start, inst.Words[0].Span.Start)
		edits = append(edits, in.Edit(head, string(in.File.Bytes[head.Start:head.End])+mount+" export "+arg+"=\"$(cat /run/secrets/"+arg+")\" && "))
	}
	return edits, true
}
