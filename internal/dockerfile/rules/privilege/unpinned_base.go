package privilege

import (
	"context"

	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func unpinnedBase() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/unpinned-base",
				Title:    "The base is held by a tag alone",
				Practice: finding.TrustedBase,
				Traits:   finding.Traits{Remedy: finding.PinDigest},
				Severity: finding.Low,
				Aliases:  []string{},
				Why: "A tag is a name that its publisher moves: debian:13 is another image every few weeks, and a tag can be moved by whoever takes the account over. " +
					"A digest names the bytes: what was tested is what is built, here and on every other machine. Keep the tag beside it for people, and let a " +
					"tool raise both when the base gets its fixes.",
				Bad:  "FROM debian:13-slim\n",
				Good: "FROM debian:13-slim@sha256:4d29ab0e7b4b9a1b1c7a3f2a6b7f1b4e2c5d8f9a0b3c6d9e2f5a8b1c4d7e0f3a\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				used := in.Used()
				for i := range in.File.Stages {
					s := &in.File.Stages[i]
					if s.Parent != nil || s.Base == "" || s.Base == "scratch" || !used[i] {
						continue
					}
					ref := finding.ParseReference(s.Base)
					if ref.Digest != "" || ref.Tag == "" || ref.Tag == "latest" { // no version at all is latest-tag's
						continue
					}
					p.Report(rule.At(s.BaseWord.Span, ref.Name+":"+ref.Tag, "%s is held by a tag alone, which its publisher can move: a digest holds the bytes", s.Base))
				}
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/0bf8a378f058fabaf3dda435e5eaf758e6bd6847.Dockerfile",
		Quiet: "GoogleCloudPlatform+microservices-demo/src/emailservice/Dockerfile",
	}
}
