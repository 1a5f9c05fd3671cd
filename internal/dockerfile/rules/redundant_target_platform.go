package rules

import (
	"context"

	"github.com/moby/buildkit/frontend/dockerfile/shell"

	"github.com/drydock-dev/drydock/internal/finding"
)

func redundantTargetPlatform() Check {
	return Check{
		Check: finding.Check[*Input]{
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
					if r, _ := args.expand(flag.Value); !redundant(r, args) {
						continue
					}
					f := at(flag.Span, s.BaseRaw, "--platform=%s is the platform that the stage has without it", flag.Value)
					start, end := p.Input.dropFlag(flag)
					p.Report(fix(f, finding.Safe, "Leave --platform out", p.Input.Edit(p.Input.File.Span(start, end), "")))
				}
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/ae9353ffb03d4a476778d89a6c51b6bdf6ae417e.Dockerfile",
		Quiet: "docker+awesome-compose/apache-php/app/Dockerfile",
	}
}

// redundant reports whether a platform is TARGETPLATFORM and nothing else.
func redundant(r shell.ProcessWordResult, args *fromArgs) bool {
	_, only := r.Matched["TARGETPLATFORM"]
	return only && len(r.Matched) == 1 && len(r.Unmatched) == 0 && r.Result == args.values["TARGETPLATFORM"]
}
