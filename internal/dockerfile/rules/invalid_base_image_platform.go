package rules

import (
	"context"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
)

func invalidBaseImagePlatform() Check {
	return Check{
		Check: finding.Check[*Input]{
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
			Run: func(_ context.Context, p *pass) error {
				args, ok := p.Input.fromArgs()
				if !ok {
					return nil // a file that BuildKit refuses
				}
				for i := range p.Input.File.Stages {
					s := &p.Input.File.Stages[i]
					if s.Parent != nil || s.Base == "scratch" {
						continue
					}
					image, source := p.Input.imagePlatform(s)
					want := p.Input.platform()
					if flag, ok := p.Input.platformFlag(s); ok {
						r, err := args.expand(flag.Value)
						if want, ok = parsePlatform(r.Result, want); !ok || err != nil {
							continue
						}
					} else if p.Input.Options.Platform == "" {
						continue // it is not known what is built for
					}
					is, ok := parsePlatform(image, want)
					if ok && (is.os != want.os || is.arch != want.arch) {
						f := at(s.BaseWord.Span, s.BaseRaw, "%s is an image for %s, and the stage is built for %s", s.Base, is, want)
						p.Report(why(f, "base", "%s", source))
					}
				}
				return nil
			},
		},
	}
}

// imagePlatform is the platform of a stage's image, and who says so; empty: it
// is not known.
func (in *Input) imagePlatform(s *dockerfile.Stage) (image, source string) {
	if base := in.Scopes.Base(s); base != nil && base.Platform != "" {
		return base.Platform, base.Source
	}
	if strings.HasPrefix(s.Base, "mcr.microsoft.com/windows") || strings.HasPrefix(s.Base, "mcr.microsoft.com/dotnet/framework/") {
		return "windows/amd64", "its name in Microsoft's registry"
	}
	org, _, ok := strings.Cut(strings.TrimPrefix(s.Base, "docker.io/"), "/")
	if !ok {
		return "", ""
	}
	// Docker's official images for one platform only.
	return map[string]string{
		"amd64": "linux/amd64", "arm32v5": "linux/arm/v5", "arm32v6": "linux/arm/v6", "arm32v7": "linux/arm/v7", "arm64v8": "linux/arm64",
		"i386": "linux/386", "mips64le": "linux/mips64le", "ppc64le": "linux/ppc64le", "riscv64": "linux/riscv64", "s390x": "linux/s390x",
		"winamd64": "windows/amd64",
	}[org], "the name " + org + " on Docker Hub"
}
