package packages

import (
	"context"
	"slices"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func updateAlone() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/update-alone",
				Title:    "Package lists are updated in a layer of their own",
				Practice: finding.Layering,
				Severity: finding.Medium,
				Aliases:  []string{"DS017", "CIS-4.7", "CIS-DI-0007"},
				Why: "The cache keeps the layer of an update that stands alone for as long as the lines above it stay. An install below it then " +
					"works with lists that are months old: it misses security fixes, or asks for a version that the mirror has no more. " +
					"Update and install in one RUN.",
				Bad:  "FROM debian:13-slim\nRUN apt-get update\nRUN apt-get install -y --no-install-recommends curl\n",
				Good: "FROM debian:13-slim\nRUN apt-get update && apt-get install -y --no-install-recommends curl\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				p.Input.EachRunText(func(i int, run *dockerfile.Instruction, commands []dockerfile.Command) {
					n := slices.IndexFunc(commands, func(c dockerfile.Command) bool { return inspect.UpdatesLists(&c) })
					if n < 0 || inspect.Mounts(run, "/var/lib/apt") || slices.ContainsFunc(commands[n:], func(c dockerfile.Command) bool { return inspect.IsInstall(&c) || mayInstall(&c) }) {
						return
					}
					c := &commands[n]
					f := rule.At(c.Span, c.Program()+" update", "%s updates its lists in a RUN that installs nothing, and the cache keeps them as they are", c.Program())
					f = rule.WithEdits(f, finding.Behaviour, "Update where something is installed", updateWithInstall(p.Input, i))
					p.Report(rule.WithChanges(f, "packages are those of the day of the build", rule.Installed...))
				})
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/c64979c71c8d2e2be4a00f031e560da7c085892f.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/48afc451aa25b73541b0c97112af131d590d716f.Dockerfile",
	}
}

// mayInstall reports whether a command may install something that cannot be seen:
// a script, an interpreter, apt's other faces.
func mayInstall(c *dockerfile.Command) bool {
	switch c.Program() {
	case "":
		return len(c.Words) > 0
	case "xargs", "aptitude", "sh", "bash", "python", "python3", "mk-build-deps", "dpkg", "eval", "gdebi", "tasksel", "pip", "pip3", "apt-cache", "apt-file", "debootstrap", "equivs-build", "su", "make":
		return true
	}
	return c.Words[0].Literal && (c.Words[0].Text[:1] == "/" || c.Words[0].Text[:1] == ".")
}

// updateWithInstall takes a RUN that only updates away, and puts its update
// into the RUNs of its stage that install; none: that is not all it does, or
// they are not to be seen.
func updateWithInstall(in *inspect.Input, i int) []finding.Edit {
	inst := &in.File.Instructions[i]
	commands := in.Script(i).Commands
	if inst.Cmd != "RUN" || len(commands) != 1 || in.Script(i).Exec || len(inst.FlagWords) > 0 || len(inst.Heredocs) > 0 {
		return nil
	}
	program := commands[0].Program()
	var edits []finding.Edit
	for n := i + 1; n < in.Stage(i).End; n++ {
		later := in.Script(n).Commands
		if in.File.Instructions[n].Cmd != "RUN" || len(later) == 0 {
			continue
		}
		k := slices.IndexFunc(later, func(c dockerfile.Command) bool { return inspect.IsInstall(&c) || inspect.UpdatesLists(&c) })
		switch {
		case k < 0:
		case inspect.UpdatesLists(&later[k]) || later[k].Program() != program:
			if later[k].Program() == program {
				n = in.Stage(i).End // the next have lists of their own
			}
		case program == "apk" && !usesOldApk(in, n):
			more, ok := fetching(in, n)
			if !ok {
				return nil
			}
			edits = append(edits, more...)
		case in.Script(n).Exec || len(later[k].Within) > 0 || len(in.File.Instructions[n].Heredocs) > 0:
			return nil
		default:
			text := string(in.File.Bytes[commands[0].Span.Start:commands[0].Span.End]) + " && "
			e := in.Insert(later[k].Span.Start, text)
			if run := &in.File.Instructions[n]; k == 0 && in.Script(n).Span.Start == later[k].Span.Start && len(run.FlagWords) == 0 {
				// With the keyword: who would join this RUN to another is to see the update first.
				e = in.Edit(in.File.Span(run.Span.Start, later[k].Span.Start), string(in.File.Bytes[run.Span.Start:later[k].Span.Start])+text)
			}
			edits = append(edits, e)
		}
	}
	for _, s := range in.File.Stages {
		if s.Parent == in.Stage(i) {
			return nil // which may install, too
		}
	}
	if len(edits) == 0 {
		return nil
	}
	return append([]finding.Edit{in.Remove(inst)}, edits...)
}

// fetching has the installations of a RUN fetch the index by themselves: apk's
// --no-cache needs no update before it. None where they do already; false: one cannot.
func fetching(in *inspect.Input, i int) (edits []finding.Edit, ok bool) {
	commands := in.Script(i).Commands
	for n := range commands {
		c := &commands[n]
		m, apk := inspect.ParsePackageCommand(c, "apk")
		if !apk || !m.Is("add", "upgrade", "fix") || c.Has("--no-cache", "-U", "--update", "--update-cache") {
			continue
		}
		one := inspect.InsertWord(in, i, c, m.Verb, "--no-cache")
		if len(one) == 0 {
			return nil, false
		}
		edits = append(edits, withoutComplaint(in, i, n, one)...)
	}
	return edits, true
}
