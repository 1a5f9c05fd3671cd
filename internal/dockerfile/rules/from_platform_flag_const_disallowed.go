package rules

import (
	"context"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/shell"

	"github.com/drydock-dev/drydock/internal/finding"
)

func fromPlatformFlagConstDisallowed() Check {
	return Check{
		Check: finding.Check[*Input]{
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
			Run: func(_ context.Context, p *pass) error {
				args, ok := p.Input.fromArgs()
				if !ok {
					return nil // a file that BuildKit refuses
				}
				for i := range p.Input.File.Stages {
					s := &p.Input.File.Stages[i]
					flag, ok := p.Input.platformFlag(s)
					if !ok {
						continue
					}
					if r, _ := args.expand(flag.Value); !p.Input.constant(r, s.Name) {
						continue
					}
					f := at(flag.Span, s.BaseRaw, "%s is held to %s whatever the build is for", name(s), flag.Value)
					start, end := p.Input.dropFlag(flag)
					p.Report(fix(f, finding.Behaviour, "Let the build say the platform", p.Input.Edit(p.Input.File.Span(start, end), "")))
				}
				return nil
			},
		},
		Quiet: "docker+awesome-compose/apache-php/app/Dockerfile",
	}
}

// constant reports whether a platform is written out in a stage whose name does
// not say that it is for that one.
func (in *Input) constant(r shell.ProcessWordResult, stage string) bool {
	if len(r.Matched) > 0 || len(r.Unmatched) > 0 {
		return false
	}
	p, ok := parsePlatform(r.Result, in.platform())
	return ok && !strings.Contains(stage, p.os) && !strings.Contains(stage, p.arch)
}
