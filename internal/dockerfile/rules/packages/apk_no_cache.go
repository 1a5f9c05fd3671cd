package packages

import (
	"context"
	"slices"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

func apkNoCache() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/apk-no-cache",
				Title:    "apk keeps its index in the layer",
				Practice: finding.Layering,
				Severity: finding.Low,
				Aliases:  []string{"DL3019", "DS025", "DKL-DI-0004"},
				Why: "With --no-cache, apk fetches today's index, installs from it and leaves nothing behind: no apk update before it, no removal of /var/cache/apk after it, " +
					"and no index in the layer where either is forgotten.",
				Bad:  "FROM alpine:3.22\nRUN apk add curl\n",
				Good: "FROM alpine:3.22\nRUN apk add --no-cache curl\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				shipped := p.Input.Shipped()
				p.Input.EachRunText(func(i int, run *dockerfile.Instruction, commands []dockerfile.Command) {
					if !shipped[p.Input.Stage(i).Index] || inspect.Mounts(run, "/var/cache/apk", "/etc/apk/cache") {
						return
					}
					for n := range commands {
						c := &commands[n]
						m, ok := inspect.ParsePackageCommand(c, "apk")
						if !ok || !m.Is("add") || c.Has("--no-network", "--cache-dir") {
							continue
						}
						edits, update := []finding.Edit(nil), indexBefore(p.Input, i, commands, n)
						if !c.Has("--no-cache") {
							edits = inspect.InsertWord(p.Input, i, c, m.Verb, "--no-cache")
						} else if update.c == nil || slices.ContainsFunc(commands[n:], func(c dockerfile.Command) bool { return c.Is("rm") }) {
							continue
						}
						f := rule.At(c.Span, "apk add", "apk add without --no-cache keeps the package index, unless it is removed by hand")
						if c.Has("--no-cache") {
							f = rule.At(update.c.Span, "apk update", "apk update keeps the package index, which apk add --no-cache fetches by itself")
						}
						switch {
						case update.c == nil:
						case update.edit == nil: // what it fetched would stay
							edits = nil
						default:
							if others, ok := withoutIndex(p.Input, i, commands, n); ok {
								edits = slices.Concat(edits, []finding.Edit{*update.edit}, others)
							} else {
								edits = nil
							}
						}
						if len(edits) > 0 {
							edits = withoutComplaint(p.Input, i, n, edits)
						}
						if usesOldApk(p.Input, i) {
							edits = nil
						}
						safety := finding.Safe
						if update.edit != nil && len(commands) == 2 && besideRun(p.Input, i) {
							safety = finding.Behaviour // a step of one command beside another, which is a finding of its own
						}
						f = rule.WithEdits(f, safety, "Install with --no-cache", edits)
						p.Report(rule.WithChanges(f, "the package index is not kept", "/var/cache/apk", "/etc/apk/cache"))
					}
				})
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/c59497714ead4b57efd4e587910df7ad5b71c259.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/206da696408c1329908376b88616f575255b7196.Dockerfile",
	}
}

// fetched is an "apk update" before an installation, and the edit that takes it
// away; nil: there is none.
type fetched struct {
	c    *dockerfile.Command
	edit *finding.Edit
}

// besideRun reports whether a RUN stands before or after another.
func besideRun(in *inspect.Input, i int) bool {
	all := in.File.Instructions
	return all[i-1].Cmd == "RUN" || i+1 < len(all) && all[i+1].Cmd == "RUN"
}

// withoutComplaint has removals of the index after command n of a RUN go on where
// there is none any more, beside other edits; nil: one cannot be written so.
func withoutComplaint(in *inspect.Input, i, n int, edits []finding.Edit) []finding.Edit {
	for k := i; k < in.Stage(i).End; k++ {
		commands := in.Script(k).Commands
		for m := range commands {
			c := &commands[m]
			if k == i && m <= n || c.Program() != "rm" || c.Has("-f", "--force") || !inspect.Removes(c, "/var/cache/apk") {
				continue
			}
			name := c.Words[len(c.Words)-len(c.Args())-1]
			forced := inspect.InsertWord(in, k, c, name, "-f")
			if len(forced) == 0 {
				return nil
			}
			edits = append(edits, forced...)
		}
	}
	return edits
}

// usesOldApk reports whether the apk of instruction i may know no --no-cache, and stop.
func usesOldApk(in *inspect.Input, i int) bool {
	return oldApk.MatchString(in.File.Chain(in.Stage(i))[0].Base)
}

// oldApk are releases of Alpine Linux whose apk knows no --no-cache, and stops.
var oldApk = lazyregexp.New(`^(?:docker\.io/)?(?:library/)?alpine:(?:2\.|3\.[0-2](?:\.|$))`)

// withoutIndex has the other commands of a RUN fetch the index by themselves that
// would find none once the update before command n is gone; false: there is one that
// cannot.
func withoutIndex(in *inspect.Input, i int, commands []dockerfile.Command, n int) (edits []finding.Edit, ok bool) {
	for k := range commands {
		c := &commands[k]
		m, apk := inspect.ParsePackageCommand(c, "apk")
		if k == n || !apk || m.Is("add", "update", "del", "info") || c.Has("--no-cache") {
			continue // an installation is a finding of its own
		}
		if !m.Is("upgrade", "fix", "search") {
			return nil, false
		}
		edits = append(edits, inspect.InsertWord(in, i, c, m.Verb, "--no-cache")...)
	}
	return edits, true
}

// indexBefore is the update before command n of a RUN.
func indexBefore(in *inspect.Input, i int, commands []dockerfile.Command, n int) fetched {
	for k := n - 1; k >= 0; k-- {
		c := &commands[k]
		if m, ok := inspect.ParsePackageCommand(c, "apk"); !ok || !m.Is("update") || len(m.Operands) > 0 || len(c.Args()) > 1 {
			continue
		}
		next := &commands[k+1]
		plain := len(c.Within)+len(next.Within) == 0 && (next.After == "&&" || next.After == ";") && len(c.Redirects)+len(c.Assigns) == 0
		if !plain || in.Script(i).Exec || len(in.File.Instructions[i].Heredocs) > 0 {
			return fetched{c: c}
		}
		e := in.Edit(in.File.Span(c.Span.Start, next.Span.Start), "")
		return fetched{c, &e}
	}
	return fetched{}
}
