package buildkit

import (
	"context"

	distribution "github.com/distribution/reference"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func invalidDefaultArgInFrom() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/invalid-default-arg-in-from",
				Title:    "Without arguments, FROM names no image",
				Practice: finding.TrustedBase,
				Severity: finding.Medium,
				Aliases:  []string{"InvalidDefaultArgInFrom"},
				Why: "An ARG without a default is empty until --build-arg gives it. A plain docker build, an editor and every scanner then read " +
					"\"alpine:\" for the base, which is no image, and stop. A default makes the file work as it is, and arguments still win.",
				Bad:  "ARG TAG\nFROM alpine:${TAG}\n",
				Good: "ARG TAG=3.22\nFROM alpine:${TAG}\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				args, ok := p.Input.FromArgs()
				if !ok {
					return nil // a file that BuildKit refuses
				}
				for i := range p.Input.File.Stages {
					s := &p.Input.File.Stages[i]
					r, err := args.Expand(s.BaseRaw)
					if err != nil {
						return nil // BuildKit looks no further
					}
					if _, err := distribution.ParseNormalizedNamed(r.Result); err == nil {
						continue
					}
					switch r.Result {
					case "":
						p.Report(rule.At(s.BaseWord.Span, s.BaseRaw, "%s is empty unless a build argument says the image", s.BaseRaw))
					case s.BaseRaw:
						p.Report(rule.At(s.BaseWord.Span, s.BaseRaw, "%s is not the name of an image", s.BaseRaw))
					default:
						p.Report(rule.At(s.BaseWord.Span, s.BaseRaw, "%s becomes %q without build arguments, which is no image", s.BaseRaw, r.Result))
					}
				}
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/55acca2cbfa623ad10f86f44f6d87373f21798ff.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/79610a75cc53f5e5bdc56c003445f5bc1c53a834.Dockerfile",
	}
}
