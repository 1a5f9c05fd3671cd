package buildkit

import (
	"context"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

// fromPlatformFlag is what hadolint says of each --platform, where neither of
// BuildKit's two rules about it has more to say.
func fromPlatformFlag() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/from-platform-flag",
				Title:    "FROM says its platform",
				Practice: finding.MultiStage,
				Severity: finding.Negligible,
				Aliases:  []string{"DL3029"},
				Why: "A stage with --platform is not built for what docker build --platform asks. For a stage that compiles for another " +
					"platform, $BUILDPLATFORM is right, and no finding; anywhere else the flag is better left out.",
				Bad:  "ARG PLATFORM=linux/arm64\nFROM --platform=$PLATFORM alpine:3.22\n",
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
					if v := strings.Trim(flag.Value, `"'`); v == "$BUILDPLATFORM" || v == "${BUILDPLATFORM}" {
						continue // which is what cross compiling asks for
					}
					if r, _ := args.Expand(flag.Value); redundant(r, args) || constant(p.Input, r, s.Name) {
						continue
					}
					p.Report(rule.At(flag.Span, s.BaseRaw, "%s is built for %s, whatever the build is for", inspect.StageName(s), flag.Value))
				}
				return nil
			},
		},
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/ae9353ffb03d4a476778d89a6c51b6bdf6ae417e.Dockerfile",
	}
}
