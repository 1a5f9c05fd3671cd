package privilege

import (
	"context"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func proxyInEnv() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/proxy-in-env",
				Title:    "The build's proxy stays in the image",
				Practice: finding.LeastPrivilege,
				Severity: finding.Low,
				Aliases:  []string{},
				Why: "ENV HTTP_PROXY is in the environment of every container of the image, wherever that runs, and tells whoever has it about the network " +
					"that it was built in. Builders know the proxy variables without ARG: docker build --build-arg HTTP_PROXY=…, or the client's configuration.",
				Bad:  "FROM debian:13-slim\nENV HTTP_PROXY=http://10.0.0.1:3128\n",
				Good: "FROM debian:13-slim\nRUN make\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				in.EachAnywhere("ENV", func(_ int, inst *dockerfile.Instruction) {
					for _, pair := range inst.Pairs() {
						name, value := strings.ToLower(pair.Key.Text), inspect.Unquote(pair.Value.Text)
						if value == "" || !slices.Contains([]string{"http_proxy", "https_proxy", "ftp_proxy", "all_proxy"}, name) {
							continue
						}
						f := rule.At(pair.Key.Span, pair.Key.Text, "%s is the build's, and every container of the image gets it", pair.Key.Text)
						p.Report(rule.WithFix(f, finding.NeedsReview, "Give it to the build: docker build --build-arg "+pair.Key.Text+"=…"))
					}
				})
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/c1348ddfd80eb8f888418805005066c230fc6ad2.Dockerfile",
	}
}
