package instruction

import (
	"context"
	"path"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func runCd() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/run-cd",
				Title:    "RUN changes its folder with cd",
				Practice: finding.Layering,
				Severity: finding.Medium,
				Aliases:  []string{"DL3003", "DS013"},
				Why: "A cd ends with its RUN: the next one is back where it was, and whoever moves a line between them moves it to another folder. " +
					"WORKDIR holds until the next one says otherwise, and makes the folder if it is not there.",
				Bad:  "FROM debian:13-slim\nWORKDIR /\nCOPY src /usr/src/app\nRUN cd /usr/src/app && make\nWORKDIR /srv\n",
				Good: "FROM debian:13-slim\nCOPY src /usr/src/app\nWORKDIR /usr/src/app\nRUN make\nWORKDIR /srv\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				in.EachRunText(func(i int, _ *dockerfile.Instruction, _ []dockerfile.Command) {
					s := in.Script(i)
					var f *finding.Finding
					trivy, hadolint := false, false
					for n := range s.Commands {
						c := &s.Commands[n]
						if c.Program() != "cd" {
							continue
						}
						if f == nil {
							x := rule.At(c.Span, in.Text(c.Span), "cd goes to %s for this RUN only, where WORKDIR would say it for all that follows", cdTarget(c))
							f = &x
						}
						hadolint = hadolint || inspect.HadolintName(c) == "cd" && !nestedIn(c)
						// Trivy splits at "&&" and looks at how each part begins.
						trivy = trivy || len(c.Within) == 0 && (c.After == "&&" || n == 0) && len(c.Words) > 1
					}
					if f == nil {
						return
					}
					f.Aliases = []string{}
					if hadolint {
						f.Aliases = append(f.Aliases, "DL3003")
					}
					if trivy {
						f.Aliases = append(f.Aliases, "DS013")
					}
					p.Report(insteadOfCd(in, *f, i, s))
				})
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/77a4bbf79a6d09624b534ba340b08af070d1b0c0.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/c436634ca016ab8f2512a51bc0b7e834ca9623fa.Dockerfile",
	}
}

// insteadOfCd offers WORKDIR where cd is what the script begins with.
func insteadOfCd(in *inspect.Input, f finding.Finding, i int, s *dockerfile.Script) finding.Finding {
	inst := &in.File.Instructions[i]
	if len(in.Pragmas.Local[i]) > 0 || inst.Trigger != nil { // they would be the WORKDIR's; where a trigger runs, is another file's
		return f
	}
	if s.Exec || s.Err != nil || len(inst.Heredocs) > 0 || len(inst.Words) == 0 || len(s.Commands) < 2 {
		return f
	}
	first, second := &s.Commands[0], &s.Commands[1]
	if first.Program() != "cd" || len(first.Words) != 2 || len(first.Within) > 0 || len(first.Redirects) > 0 || len(first.Assigns) > 0 ||
		second.After != "&&" || len(second.Within) > 0 || first.Span.Start != inst.Words[0].Span.Start {
		return f
	}
	between := in.Text(finding.Span{Start: first.Span.End, End: second.Span.Start})
	if strings.Trim(between, " \t\r\n"+string(in.File.Escape)) != "&&" {
		return f // a comment, or what "time" and "!" stand for
	}
	for n := range s.Commands[1:] {
		if s.Commands[n+1].Program() == "cd" {
			return f // one of several
		}
	}
	dir := first.Words[1]
	if strings.HasPrefix(dir.Text, "-") || strings.HasPrefix(dir.Text, "~") || strings.ContainsAny(dir.Text, " \t\"'\\`*?[(") || !knownVariables(in, i, dir) {
		return f
	}
	st := in.Stage(i)
	before := in.Scopes.Workdir(st, i)
	known := before.Known && path.IsAbs(before.Value) && !strings.ContainsAny(before.Value, " \t\"'\\$`")
	// The cd with the "&&" after it, up to the next command.
	drop := in.Edit(finding.Span{Start: first.Span.Start, End: second.Span.Start}, "")
	to, sure := in.Scopes.Expand(st, i, dir.Text)
	switch {
	case sure && known && path.Join("/", to) == before.Value && path.IsAbs(to):
		return rule.WithFix(f, finding.Behaviour, "Leave the cd out, the folder is this one already", drop)
	case strings.HasPrefix(dir.Text, "/"), sure && path.IsAbs(to):
		to = dir.Text
	case !known || !dir.Literal:
		return f // relative to what cannot be told
	default:
		to = path.Join(before.Value, dir.Text)
	}
	eol := in.LineEnd()
	if !movesOn(in, st, i) {
		return f // what comes after would be in another folder, or a second WORKDIR would have to go back
	}
	return rule.WithFix(f, finding.Behaviour, "Use WORKDIR", in.Insert(inst.Span.Start, "WORKDIR "+to+eol), drop)
}

// movesOn reports whether nothing after instruction i looks at the working
// directory until a WORKDIR that does not depend on the one before.
func movesOn(in *inspect.Input, st *dockerfile.Stage, i int) bool {
	for n := i + 1; n < st.End; n++ {
		next := &in.File.Instructions[n]
		switch next.Cmd {
		case "WORKDIR":
			return path.IsAbs(strings.Trim(next.Words[0].Text, `"'`))
		case "ENV", "ARG", "LABEL", "EXPOSE", "USER", "SHELL", "STOPSIGNAL", "MAINTAINER", "VOLUME":
		case "COPY", "ADD":
			if len(next.Words) == 0 || !path.IsAbs(strings.Trim(next.Words[len(next.Words)-1].Text, `"'`)) {
				return false
			}
		case "RUN": // one that goes to a folder of its own
			c := in.Script(n).Commands
			if len(c) == 0 || c[0].Program() != "cd" || len(c[0].Within) > 0 || len(c[0].Words) != 2 || !path.IsAbs(c[0].Words[1].Text) {
				return false
			}
		default:
			return false
		}
	}
	return false
}

// knownVariables reports whether a shell word's variables are the file's own, so
// that a builder fills them in alike.
func knownVariables(in *inspect.Input, i int, w dockerfile.ShellWord) bool {
	if w.Literal {
		return true
	}
	for _, v := range w.Vars {
		if x := in.Scopes.Variable(in.Stage(i), i, v); x.By < 0 || !x.Set {
			return false
		}
	}
	return len(w.Vars) > 0
}

// cdTarget is where a cd goes, as it is written.
func cdTarget(c *dockerfile.Command) string {
	if args := c.Args(); len(args) > 0 {
		return args[len(args)-1].Text
	}
	return "the home folder"
}

// nestedIn reports whether a command is in the text of an sh -c, into which other
// tools do not look.
func nestedIn(c *dockerfile.Command) bool {
	for _, w := range c.Within {
		if w == "nested" {
			return true
		}
	}
	return false
}
