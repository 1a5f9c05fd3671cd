package packages

import (
	"context"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

func pipNoCache() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/pip-no-cache",
				Title:    "pip keeps what it downloads in the layer",
				Practice: finding.Layering,
				Severity: finding.Medium,
				Aliases:  []string{"DL3042"},
				Why: "pip keeps every wheel that it downloads or builds in a cache, for an install that an image never makes again. " +
					"--no-cache-dir, PIP_NO_CACHE_DIR=1 or a cache mount on /root/.cache/pip keeps it out of the layer.",
				Bad:  "FROM python:3.13-slim\nRUN pip install flask==3.1.1\n",
				Good: "FROM python:3.13-slim\nRUN pip install --no-cache-dir flask==3.1.1\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				shipped := p.Input.Shipped()
				p.Input.EachRunText(func(i int, run *dockerfile.Instruction, commands []dockerfile.Command) {
					if !shipped[p.Input.Stage(i).Index] {
						return
					}
					checked := false
					for n := range commands {
						c := &commands[n]
						m, ok := inspect.PipInstall(c)
						if !ok || c.Has("--no-cache-dir", "--no-cache", "--dry-run", "--cache-dir") {
							continue
						}
						if !checked && pipCacheless(p.Input, i, run, commands) {
							return
						}
						checked = true
						f := rule.At(c.Span, "pip install", "pip install leaves its cache in the layer")
						edits := inspect.InsertWord(p.Input, i, c, m.Verb, "--no-cache-dir")
						if oldPip.MatchString(p.Input.File.Chain(p.Input.Stage(i))[0].Base) {
							edits = nil
						}
						f = rule.WithEdits(f, finding.Safe, "Install with --no-cache-dir", edits)
						p.Report(rule.WithChanges(f, "pip keeps no cache", "/**/.cache/pip"))
					}
				})
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/eb67bb40ba50aa498e55d6a1b28a015ca49ec878.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/206da696408c1329908376b88616f575255b7196.Dockerfile",
	}
}

// oldPip are distributions whose own pip is older than 6, which knows no
// --no-cache-dir and stops.
var oldPip = lazyregexp.New(`^(?:docker\.io/)?(?:library/)?(?:ubuntu(?:-debootstrap)?:(?:1[0-5]\.|lucid|precise|quantal|raring|saucy|trusty|utopic|vivid|wily)` +
	`|(?:debian|buildpack-deps):(?:[678](?:\.|-|$)|squeeze|wheezy|jessie))`)

// pipCacheless reports whether pip's cache is off for a RUN, or gone at its end.
func pipCacheless(in *inspect.Input, i int, run *dockerfile.Instruction, commands []dockerfile.Command) bool {
	if inspect.Mounts(run, ".cache/pip", ".cache") || slices.ContainsFunc(run.FlagWords, func(f dockerfile.Flag) bool {
		return f.Name == "mount" && strings.Contains(f.Value, "type=cache") && strings.Contains(f.Value, "pip")
	}) {
		return true
	}
	for _, name := range []string{"PIP_NO_CACHE_DIR", "PIP_NO_CACHE"} {
		if v := in.Scopes.Variable(in.Stage(i), i, name); v.Set && v.Value != "" {
			return true
		}
	}
	for n := range commands {
		c := &commands[n]
		if slices.ContainsFunc(c.Assigns, func(a dockerfile.Assign) bool { return strings.HasPrefix(a.Name, "PIP_NO_CACHE") }) {
			return true
		}
		if inspect.PipName.MatchString(c.Program()) && (c.Is(c.Program(), "cache") || c.Is(c.Program(), "config") && inspect.HasAptOption(c, "no-cache-dir")) {
			return true
		}
		if inspect.Removes(c, ".cache") || inspect.Removes(c, "/root/.[") {
			return true
		}
	}
	return false
}
