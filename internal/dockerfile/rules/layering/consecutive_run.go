package layering

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func consecutiveRun() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/consecutive-run",
				Title:    "Short RUNs follow one another",
				Practice: finding.Layering,
				Severity: finding.Low,
				Aliases:  []string{"DL3059"},
				Why: "Each RUN is a layer. What one writes and the next changes or removes is in the image twice. " +
					"Where a RUN stands alone so that the cache can keep it, leave it: this is a question, not an error.",
				Bad:  "FROM debian:13-slim\nRUN mkdir /data\nRUN touch /data/empty\n",
				Good: "FROM debian:13-slim\nRUN mkdir /data && touch /data/empty\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in, shipped := p.Input, p.Input.Shipped()
				first := -1 // the RUN that the next are held against
				for i := range in.File.Instructions {
					inst := &in.File.Instructions[i]
					if inst.Cmd != "RUN" || in.Script(i).Err != nil || in.Stage(i) == nil || !shipped[in.Stage(i).Index] {
						first = -1
						continue
					}
					if first < 0 || !slices.Equal(slices.Sorted(slices.Values(inst.Flags)), slices.Sorted(slices.Values(in.File.Instructions[first].Flags))) ||
						ownCommands(in, i) > 1 || ownCommands(in, first) > 1 { // who joins commands knows why these are apart
						first = i
						continue
					}
					f := rule.At(inst.Keyword.Span, "RUN", "this RUN follows another, and could be a part of it")
					p.Report(rule.WithEdits(f, finding.NeedsReview, "Join it to the RUN before it", joinRuns(in, i)))
				}
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/0afa47fe0f5e1806c5a817d4a212cf1afd1f40b5.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/5c8dd4a8c9bb4022a1ad4603cdc830aa395ca708.Dockerfile",
	}
}

// ownCommands is how many commands a RUN's text itself has.
func ownCommands(in *inspect.Input, i int) int {
	n := 0
	for _, c := range in.Script(i).Commands {
		if !slices.Contains(c.Within, "nested") && len(c.Words) > 0 {
			n++
		}
	}
	return n
}

// joinRuns makes what RUN i runs the end of what the instruction before it
// does; none: that would not be the same.
func joinRuns(in *inspect.Input, i int) []finding.Edit {
	end, ok := inspect.EndOfRun(in, i-1)
	if _, also := inspect.EndOfRun(in, i); !ok || !also {
		return nil
	}
	if makesAccounts(in, i) != makesAccounts(in, i-1) {
		return nil // in the build's own layer, an account would be made anew with each build
	}
	for n := range in.Script(i - 1).Commands { // what would last
		c := &in.Script(i - 1).Commands[n]
		if len(c.Words) == 0 || slices.Contains([]string{"cd", "set", "export", "umask", "exit", "exec", "source", ".", "pushd", "shopt", "unset", "alias"}, c.Program()) {
			return nil
		}
	}
	for _, c := range in.Script(i).Commands {
		if len(c.Within) == 0 && (c.After == "||" || c.After == ";") {
			return nil // would hide a failure of the other
		}
	}
	start := in.Script(i).Span.Start
	if updatedAlready(in.Script(i-1).Commands, in.Script(i).Commands) {
		start = in.Script(i).Commands[1].Span.Start
	}
	var b strings.Builder
	b.WriteString(" " + string(in.File.Escape) + in.LineEnd())
	for line := range bytes.Lines(in.File.Bytes[end:in.File.Instructions[i].Span.Start]) {
		if bytes.HasPrefix(bytes.TrimSpace(line), []byte("#")) {
			b.Write(line)
		}
	}
	b.WriteString("    && ")
	return []finding.Edit{in.Edit(in.File.Span(end, start), b.String())}
}

// makesAccounts reports whether a RUN makes users and groups and does nothing else.
func makesAccounts(in *inspect.Input, i int) bool {
	commands := in.Script(i).Commands
	return len(commands) > 0 && !slices.ContainsFunc(commands, func(c dockerfile.Command) bool {
		return !slices.Contains([]string{"useradd", "adduser", "usermod", "groupadd", "addgroup", "groupmod"}, c.Program())
	})
}

// updatedAlready reports whether the package lists that later commands begin by
// updating are those that the ones before have fetched, and still have.
func updatedAlready(before, later []dockerfile.Command) bool {
	if len(later) < 2 || !inspect.UpdatesLists(&later[0]) || len(later[0].Within) > 0 || later[1].After != "&&" || len(later[1].Within) > 0 {
		return false
	}
	n := slices.IndexFunc(before, func(c dockerfile.Command) bool {
		return inspect.UpdatesLists(&c) && len(c.Within) == 0 && c.Program() == later[0].Program()
	})
	return n >= 0 && !slices.ContainsFunc(before[n+1:], func(c dockerfile.Command) bool { return !inspect.IsInstall(&c) })
}
