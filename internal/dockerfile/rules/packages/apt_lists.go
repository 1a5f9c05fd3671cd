package packages

import (
	"context"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func aptLists() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/apt-lists",
				Title:    "apt-get's package lists stay in the layer",
				Practice: finding.Layering,
				Severity: finding.Low,
				Aliases:  []string{"DL3009", "DKL-DI-0005"},
				Why: "apt-get update writes the lists of all packages there are, some twenty to fifty megabytes, which nobody needs once the packages are installed. " +
					"What a later instruction removes stays in this layer: remove them in the same RUN.",
				Bad:  "FROM debian:13-slim\nRUN apt-get update && apt-get install -y --no-install-recommends curl\n",
				Good: "FROM debian:13-slim\nRUN apt-get update && apt-get install -y --no-install-recommends curl && rm -rf /var/lib/apt/lists/*\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				shipped := p.Input.Shipped()
				needs := laterApt(p.Input)
				p.Input.EachRunText(func(i int, run *dockerfile.Instruction, commands []dockerfile.Command) {
					n := -1 // the first update after which nothing removes them
					for k := range commands {
						switch {
						case inspect.RemovesAptLists(commands[k]):
							n = -1
						case n < 0 && inspect.UpdatesAptLists(&commands[k]):
							n = k
						}
					}
					if n < 0 || !shipped[p.Input.Stage(i).Index] || inspect.Mounts(run, "/var/lib/apt/lists") || mountsApt(run) {
						return
					}
					f := rule.At(commands[n].Span, "update", "the package lists that %s update writes stay in the layer", commands[n].Program())
					if m, _ := inspect.ParsePackageCommand(&commands[n], "apt-get"); !m.Is("update") {
						f.Aliases = []string{}
					}
					switch needs(i) {
					case laterNone:
						f = rule.WithEdits(f, finding.Safe, "Remove the package lists", inspect.CleanUp(p.Input, i, &commands[n], "rm -rf /var/lib/apt/lists/*"))
					case laterUnknown:
						f = rule.WithEdits(f, finding.Behaviour, "Remove the package lists", inspect.CleanUp(p.Input, i, &commands[n], "rm -rf /var/lib/apt/lists/*"))
					}
					p.Report(rule.WithChanges(f, "the package lists are removed", "/var/lib/apt/lists"))
				})
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/eb67bb40ba50aa498e55d6a1b28a015ca49ec878.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/617436c9d0b7a8c9121d85e738d30710fa5f7496.Dockerfile",
	}
}

// mountsApt reports whether the lists, with all else of apt's, are in a cache.
func mountsApt(run *dockerfile.Instruction) bool {
	return inspect.Mounts(run, "/var/lib/apt") && inspect.Mounts(run, "/var/cache/apt")
}

// What apt is used for after an instruction, in its stage and those on it.
type later int

const (
	laterNone    later = iota // nothing more is run
	laterUnknown              // something is, which may need the lists
	laterNeeds                // apt installs without an update of its own
)

// laterApt says what is run after an instruction.
func laterApt(in *inspect.Input) func(i int) later {
	// By stage, the state at its beginning; and of each RUN, what it needs.
	above := make([]later, len(in.File.Stages)) // of the stages that build on it
	after := make([]later, len(in.File.Instructions))
	for s := len(in.File.Stages) - 1; s >= 0; s-- {
		st := &in.File.Stages[s]
		state := above[s]
		for i := st.End - 1; i > st.From; i-- {
			after[i] = state
			if run := in.RunAt(i); run == nil {
				continue
			}
			state = max(state, laterUnknown)
			for n := range in.Script(i).Commands {
				c := &in.Script(i).Commands[n]
				m, ok := inspect.ParsePackageCommand(c, inspect.AptPrograms...)
				if inspect.UpdatesAptLists(c) {
					state = laterUnknown
					break
				}
				if ok && m.Is("install", "upgrade", "dist-upgrade", "build-dep", "source", "download") {
					state = laterNeeds
					break
				}
			}
		}
		if st.Parent != nil {
			above[st.Parent.Index] = max(above[st.Parent.Index], state)
		}
	}
	return func(i int) later { return after[i] }
}
