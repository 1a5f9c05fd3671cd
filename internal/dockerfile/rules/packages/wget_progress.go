package packages

import (
	"context"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func wgetProgress() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/wget-progress",
				Title:    "wget fills the build's log with its progress",
				Practice: finding.Layering,
				Severity: finding.Low,
				Aliases:  []string{"DL3047"},
				Why: "Without a terminal, wget prints a line for every few kilobytes that it gets: thousands of lines in which an error is lost. " +
					"--progress=dot:giga prints a few, -nv one, -q none.",
				Bad:  "FROM debian:13\nRUN wget -O /tmp/a.tar.gz https://example.com/a.tar.gz\n",
				Good: "FROM debian:13\nRUN wget --progress=dot:giga -O /tmp/a.tar.gz https://example.com/a.tar.gz\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				families := inspect.Families(p.Input)
				p.Input.EachCommand(func(i int, c *dockerfile.Command) {
					if c.Program() != "wget" || len(c.Args()) == 0 || c.Has("--progress", "-q", "--quiet", "-o", "--output-file", "-a", "--append-output", "--no-verbose", "-nv", "--version", "--help", "--spider", "-V") {
						return
					}
					// BusyBox's wget knows -q, and no --progress.
					flag := "--progress=dot:giga"
					if f := families(p.Input.Stage(i)); f != inspect.DebianFamily && f != inspect.RPMFamilyBase {
						flag = "-q"
					}
					name := c.Words[len(c.Words)-len(c.Args())-1]
					f := rule.At(c.Span, "wget", "wget prints its progress into the build's log")
					p.Report(rule.WithEdits(f, finding.Safe, "Print less", inspect.InsertWord(p.Input, i, c, name, flag)))
				})
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/1283391dc647b4946d39a08e8e64bbd7280fe97f.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/0afa47fe0f5e1806c5a817d4a212cf1afd1f40b5.Dockerfile",
	}
}
