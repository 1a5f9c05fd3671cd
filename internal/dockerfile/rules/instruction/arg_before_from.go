package instruction

import (
	"context"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func argBeforeFrom() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/arg-before-from",
				Title:    "A command uses an argument that is FROM's alone",
				Practice: finding.Layering,
				Severity: finding.Medium,
				Aliases:  []string{},
				Why: "An ARG before the first FROM is for FROM. A RUN sees it only where the stage repeats it: until then the shell puts nothing in its place, " +
					"and a URL loses its version without a word.",
				Bad:  "ARG VERSION=1.2\nFROM debian:13-slim\nRUN echo $VERSION > /version\n",
				Good: "ARG VERSION=1.2\nFROM debian:13-slim\nARG VERSION\nRUN echo $VERSION > /version\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				globals := map[string]bool{}
				for _, a := range in.File.GlobalArgs {
					globals[a.Name] = true
				}
				if len(globals) == 0 {
					return nil
				}
				type use struct {
					stage int
					name  string
				}
				told := map[use]bool{}
				for i := range in.File.Instructions {
					st, run := in.Stage(i), in.File.Instructions[i].Cmd == "RUN"
					if st == nil || !run || in.Script(i).Exec {
						continue
					}
					for _, w := range shellWords(in, i) {
						for _, name := range w.Vars {
							if !globals[name] || told[use{st.Index, name}] || setsItself(in, i, name) || in.Scopes.Variable(st, i, name).Set || declared(in, st, i, name) {
								continue
							}
							told[use{st.Index, name}] = true
							f := rule.At(w.Span, name, "$%s is nothing here: the ARG before the first FROM is not seen in a stage that does not repeat it", name)
							from := in.File.Instructions[st.From].Span.End
							p.Report(rule.WithFix(f, finding.Behaviour, "Repeat ARG "+name+" in the stage", in.Insert(from, in.LineEnd()+"ARG "+name)))
						}
					}
				}
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/302f60ca5db503583f41b5050b0234e019ffd7e7.Dockerfile",
	}
}

// shellWords are all words of what RUN i runs, those of assignments and
// redirections included.
func shellWords(in *inspect.Input, i int) []dockerfile.ShellWord {
	var out []dockerfile.ShellWord
	for _, c := range in.Script(i).Commands {
		out = append(out, c.Words...)
		for _, a := range c.Assigns {
			out = append(out, a.Value)
		}
		for _, r := range c.Redirects {
			out = append(out, r.Target)
		}
	}
	return out
}

// setsItself reports whether a script sets a variable, in any way.
func setsItself(in *inspect.Input, i int, name string) bool {
	return slices.ContainsFunc(in.Script(i).Commands, func(c dockerfile.Command) bool {
		return slices.ContainsFunc(c.Assigns, func(a dockerfile.Assign) bool { return a.Name == name }) ||
			slices.Contains([]string{"read", "export", "local", "declare", ".", "source", "eval", "for"}, c.Program()) &&
				(c.Program() == "." || c.Program() == "source" || c.Program() == "eval" || slices.ContainsFunc(c.Args(), func(w dockerfile.ShellWord) bool {
					return w.Text == name || strings.HasPrefix(w.Text, name+"=")
				}))
	}) || strings.Contains(in.Text(in.File.Instructions[i].Span), "for "+name+" in")
}

// declared reports whether a stage, or one below it, names an argument before
// instruction i.
func declared(in *inspect.Input, st *dockerfile.Stage, i int, name string) bool {
	return in.Scopes.Variable(st, i, name).By >= 0
}
