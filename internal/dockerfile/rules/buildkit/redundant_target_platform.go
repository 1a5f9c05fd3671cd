package buildkit

import (
	"context"

	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

func redundantTargetPlatform() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/redundant-target-platform",
				Title:    "--platform=$TARGETPLATFORM says what holds anyway",
				Practice: finding.MultiStage,
				Severity: finding.Low,
				Aliases:  []string{"RedundantTargetPlatform", "DL3065", "DL3029"},
				Why: "A stage is built for the target's platform unless it says otherwise. The flag makes a reader look for the reason that it " +
					"is there. What is worth saying is $BUILDPLATFORM, for a stage that compiles for another platform than its own.",
				Bad:  "FROM --platform=$TARGETPLATFORM alpine:3.22\n",
				Good: "FROM alpine:3.22\n",
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
					if r, _ := args.Expand(flag.Value); !redundant(r, args) {
						continue
					}
					f := rule.At(flag.Span, s.BaseRaw, "--platform=%s is the platform that the stage has without it", flag.Value)
					start, end := p.Input.DropFlag(flag)
					p.Report(rule.WithFix(f, finding.Safe, "Leave --platform out", p.Input.Edit(p.Input.File.Span(start, end), "")))
				}
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/ae9353ffb03d4a476778d89a6c51b6bdf6ae417e.Dockerfile",
		Quiet: "docker+awesome-compose/apache-php/app/Dockerfile",
	}
}

// redundant reports whether a platform is TARGETPLATFORM and nothing else.
func redundant(r shell.ProcessWordResult, args *inspect.FromArgs) bool {
	_, only := r.Matched["TARGETPLATFORM"]
	return only && len(r.Matched) == 1 && len(r.Unmatched) == 0 && r.Result == args.Values["TARGETPLATFORM"]
}
