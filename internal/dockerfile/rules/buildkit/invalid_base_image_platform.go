package buildkit

import (
	"context"

	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func invalidBaseImagePlatform() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/invalid-base-image-platform",
				Title:    "The base image is for another platform",
				Practice: finding.TrustedBase,
				Severity: finding.Medium,
				Aliases:  []string{"InvalidBaseImagePlatform"},
				Why: "An image for one platform only is taken whatever the build is for. Its programs then run under emulation, slowly, or stop " +
					"with \"exec format error\". It shows where the base is known: in the local Engine, a registry or the catalogue.",
				Bad:  "FROM --platform=linux/amd64 arm64v8/alpine:3.22\n",
				Good: "FROM --platform=linux/amd64 alpine:3.22\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				args, ok := p.Input.FromArgs()
				if !ok {
					return nil // a file that BuildKit refuses
				}
				for i := range p.Input.File.Stages {
					s := &p.Input.File.Stages[i]
					if s.Parent != nil || s.Base == "scratch" {
						continue
					}
					image, source := p.Input.ImagePlatform(s)
					want := p.Input.Platform()
					if flag, ok := p.Input.PlatformFlag(s); ok {
						r, err := args.Expand(flag.Value)
						if want, ok = inspect.ParsePlatform(r.Result, want); !ok || err != nil {
							continue
						}
					} else if p.Input.Options.Platform == "" {
						continue // it is not known what is built for
					}
					is, ok := inspect.ParsePlatform(image, want)
					if ok && (is.Os != want.Os || is.Arch != want.Arch) {
						f := rule.At(s.BaseWord.Span, s.BaseRaw, "%s is an image for %s, and the stage is built for %s", s.Base, is, want)
						p.Report(rule.WithEvidence(f, "base", "%s", source))
					}
				}
				return nil
			},
		},
	}
}
