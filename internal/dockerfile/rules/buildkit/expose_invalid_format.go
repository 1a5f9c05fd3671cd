package buildkit

import (
	"context"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func exposeInvalidFormat() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/expose-invalid-format",
				Title:    "EXPOSE names an address or a port of the host",
				Practice: finding.Layering,
				Severity: finding.Medium,
				Aliases:  []string{"ExposeInvalidFormat"},
				Why: "EXPOSE says which port the program listens on. Where it is reachable from outside is said when the container starts " +
					"(docker run -p). BuildKit drops the rest, and has announced that it will be an error.",
				Bad:  "FROM nginx:1.29\nEXPOSE 127.0.0.1:8080:80\n",
				Good: "FROM nginx:1.29\nEXPOSE 80\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				eachPort(p.Input, func(word dockerfile.Word, port exposed) {
					if strings.Trim(port.host, ":") == "" {
						return
					}
					f := rule.At(word.Span, port.text, "%s says more than the port of the container", port.text)
					if word.Text == port.text {
						f = rule.WithFix(f, finding.Safe, "Name the container's port only", p.Input.Edit(word.Span, strings.TrimPrefix(port.text, port.host+":")))
					}
					p.Report(f)
				})
				return nil
			},
		},
	}
}
