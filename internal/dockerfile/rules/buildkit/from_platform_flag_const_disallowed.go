package buildkit

import (
	"context"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

func fromPlatformFlagConstDisallowed() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/from-platform-flag-const-disallowed",
				Title:    "FROM is held to one platform",
				Practice: finding.MultiStage,
				Severity: finding.Medium,
				Aliases:  []string{"FromPlatformFlagConstDisallowed", "DL3029"},
				Why: "With a platform written out, docker build --platform has no say: on another machine the image runs under emulation or not " +
					"at all, and an image for several platforms holds the same one several times. A stage that is for one platform only says so in its name.",
				Bad:  "FROM --platform=linux/amd64 alpine:3.22 AS base\n",
				Good: "FROM alpine:3.22 AS base\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				args, ok := p.Input.FromArgs()
				if !ok {
					return nil // a file that BuildKit refuses
				}
				for i := range p.Input.File.Stages {
					s := &p.Input.File.Stages[i]
					flag, ok := p.Input.PlatformFlag(s)
					if !ok {
						continue
					}
					if r, _ := args.Expand(flag.Value); !constant(p.Input, r, s.Name) {
						continue
					}
					f := rule.At(flag.Span, s.BaseRaw, "%s is held to %s whatever the build is for", inspect.StageName(s), flag.Value)
					start, end := p.Input.DropFlag(flag)
					p.Report(rule.WithFix(f, finding.Behaviour, "Let the build say the platform", p.Input.Edit(p.Input.File.Span(start, end), "")))
				}
				return nil
			},
		},
		Quiet: "docker+awesome-compose/apache-php/app/Dockerfile",
	}
}

// constant reports whether a platform is written out in a stage whose name does
// not say that it is for that one.
func constant(in *inspect.Input, r shell.ProcessWordResult, stage string) bool {
	if len(r.Matched) > 0 || len(r.Unmatched) > 0 {
		return false
	}
	p, ok := inspect.ParsePlatform(r.Result, in.Platform())
	return ok && !strings.Contains(stage, p.Os) && !strings.Contains(stage, p.Arch)
}
