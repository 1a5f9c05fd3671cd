package packages

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func pipefail() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/pipefail",
				Title:    "A failure before a pipe goes unnoticed",
				Practice: finding.Layering,
				Severity: finding.Medium,
				Aliases:  []string{"DL4006", "DS032"},
				Why: "A shell takes the result of a pipe from its last command. A download that fails half way is then a build that succeeds, with half of the file. " +
					"With pipefail, the pipe fails where any part of it does. bash and BusyBox's ash know it; give SHELL, or say set -o pipefail in the RUN.",
				Bad:  "FROM debian:13\nRUN apt-cache policy curl | grep Candidate > /candidate\n",
				Good: "FROM debian:13\nSHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]\nRUN apt-cache policy curl | grep Candidate > /candidate\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				families := inspect.Families(in)
				offered := map[int]bool{} // stages whose SHELL a fix sets
				in.EachRunText(func(i int, run *dockerfile.Instruction, commands []dockerfile.Command) {
					n := slices.IndexFunc(commands, func(c dockerfile.Command) bool {
						return c.After == "|" && !slices.Contains(c.Within, "nested") && !neverFails(commands, c.Input)
					})
					if n < 0 || failsOnPipe(in.Scopes.Shell(in.Stage(i), i).Words) || slices.ContainsFunc(commands[:n], setsPipefail) {
						return
					}
					f := rule.At(commands[n].Span, "|", "if what is piped into %s fails, the build goes on", inspect.CommandName(&commands[n]))
					switch families(in.Stage(i)) {
					case inspect.AlpineFamily: // its /bin/sh is BusyBox's
						first := commands[0].Span.Start
						if !stopsReading(commands) && len(run.Heredocs) == 0 && !in.Script(i).Exec && first == in.Script(i).Span.Start {
							f = rule.WithFix(f, finding.Behaviour, "Let the pipe fail", in.Insert(first, "set -o pipefail && "))
						}
					case inspect.DebianFamily, inspect.RPMFamilyBase:
						if s := in.Stage(i); !offered[s.Index] && in.File.Instructions[i].Cmd == "RUN" && !in.Script(i).Exec {
							offered[s.Index] = true
							if stopsReadingFrom(in, i) {
								f = rule.WithFix(f, finding.NeedsReview, "Say set -o pipefail in the RUNs in which no command stops reading early")
								break
							}
							f = rule.WithFix(f, shellSafety(in, i), "Run the stage's commands in bash with pipefail",
								in.Insert(run.Span.Start, `SHELL ["/bin/bash", "-o", "pipefail", "-c"]`+in.LineEnd()))
						}
					}
					p.Report(f)
				})
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/379b90e2aaf3736fc6e58989fc7c458dfdc3b47c.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/4513ec207d47294a8934a0ead091efe8a0bf113f.Dockerfile",
	}
}

// neverFails reports whether what is piped from is a command that only says something,
// with nothing in its words that could fail: echo, printf.
func neverFails(commands []dockerfile.Command, from int) bool {
	if from < 0 || from >= len(commands) || commands[from].After == "|" && neverFails(commands, commands[from].Input) {
		return false
	}
	c := &commands[from]
	return slices.Contains([]string{"echo", "printf", "yes", "true", ":"}, c.Program()) && len(c.Redirects) == 0 &&
		!slices.ContainsFunc(c.Words, func(w dockerfile.ShellWord) bool {
			return strings.ContainsAny(w.Text, "`") || strings.Contains(w.Text, "$(")
		})
}

// failsOnPipe reports whether a shell is started with pipefail.
func failsOnPipe(shell []string) bool {
	if len(shell) == 0 || !slices.Contains([]string{"bash", "zsh", "ash"}, path.Base(shell[0])) {
		return false
	}
	return slices.Contains(shell, "pipefail")
}

// setsPipefail reports whether a command is "set -o pipefail".
func setsPipefail(c dockerfile.Command) bool {
	return (c.Program() == "set" || c.Program() == "shopt") && slices.ContainsFunc(c.Args(), func(w dockerfile.ShellWord) bool { return strings.Contains(w.Text, "pipefail") })
}

// answers reports whether a command says by its exit status what it found, and not
// whether it failed: with pipefail, an answer would end the build.
func answers(c *dockerfile.Command) bool {
	words := c.Args()
	program := c.Program()
	if program == "xargs" {
		ops := c.Operands("-n", "-I", "-P", "-L", "-d", "-E", "-s")
		if len(ops) == 0 {
			return false
		}
		program, words = path.Base(ops[0].Text), ops[1:]
	}
	asks := func(flags ...string) bool {
		return slices.ContainsFunc(words, func(w dockerfile.ShellWord) bool { return slices.Contains(flags, w.Text) })
	}
	switch program {
	case "ldd", "diff", "cmp", "pgrep", "pidof", "dpkg-query", "which", "expr", "test", "rpm":
		return true
	case "dpkg":
		return asks("-S", "--search", "-l", "--list", "-L", "-s")
	case "apk":
		return asks("info")
	case "find":
		return asks("ldd", "grep", "dpkg-query")
	case "grep", "egrep", "fgrep", "zgrep":
		return c.Program() == "xargs" || c.Has("-v", "--invert-match", "-c", "--count")
	}
	return false
}

// stopsReading reports whether a command stops reading before the one that it is
// piped from has written all, which then fails, and with pipefail the whole: head,
// grep -q, or what yes is piped into; or whether one that is piped from fails where
// nothing is wrong.
func stopsReading(commands []dockerfile.Command) bool {
	for n := range commands {
		c := &commands[n]
		if c.Input >= 0 && c.Input < len(commands) && (commands[c.Input].Program() == "yes" || answers(&commands[c.Input])) {
			return true
		}
		if c.After != "|" {
			continue
		}
		switch c.Program() {
		case "head", "true", "yes":
			return true
		case "grep", "egrep", "fgrep", "zgrep", "rg":
			if c.Has("-q", "-m", "-l", "--quiet", "--silent", "--max-count", "--files-with-matches") {
				return true
			}
		case "sed", "awk", "gawk", "mawk":
			for _, w := range c.Args() {
				if c.Program() == "sed" && (strings.HasSuffix(w.Text, "q") || strings.Contains(w.Text, "q;")) || strings.Contains(w.Text, "exit") {
					return true
				}
			}
		}
	}
	return false
}

// stopsReadingFrom reports whether any RUN that a SHELL before instruction i is
// for has a command that stops reading early.
func stopsReadingFrom(in *inspect.Input, i int) bool {
	for n := i; n < len(in.File.Instructions); n++ {
		st := in.Stage(n)
		if run := in.RunAt(n); run != nil && slices.ContainsFunc(in.File.Chain(st), func(s *dockerfile.Stage) bool { return s == in.Stage(i) }) &&
			stopsReading(in.Script(n).Commands) {
			return true
		}
	}
	return false
}

// shellSafety says how safe another SHELL before instruction i is: it is also
// that of CMD and ENTRYPOINT in shell form after it.
func shellSafety(in *inspect.Input, i int) finding.Safety {
	for n := i + 1; n < len(in.File.Instructions); n++ {
		switch inst := &in.File.Instructions[n]; inst.Cmd {
		case "CMD", "ENTRYPOINT", "HEALTHCHECK":
			if !inst.JSON {
				return finding.NeedsReview
			}
		}
	}
	return finding.Behaviour
}
