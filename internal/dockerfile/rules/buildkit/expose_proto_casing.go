package buildkit

import (
	"context"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func exposeProtoCasing() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/expose-proto-casing",
				Title:    "The protocol of a port has capital letters",
				Practice: finding.Layering,
				Severity: finding.Low,
				Aliases:  []string{"ExposeProtoCasing"},
				Why: "BuildKit writes tcp and udp in lower case into the image. Other builders take the word as it is, and then the port is one that " +
					"docker run -P and orchestrators do not know.",
				Bad:  "FROM alpine:3.22\nEXPOSE 53/UDP\n",
				Good: "FROM alpine:3.22\nEXPOSE 53/udp\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				eachPort(p.Input, func(word dockerfile.Word, port exposed) {
					if lower := strings.ToLower(port.proto); port.proto != lower {
						f := rule.At(word.Span, port.text, "the protocol of %s is not in lower case", port.text)
						if word.Text == port.text {
							f = rule.WithFix(f, finding.Safe, "Write "+lower, p.Input.Edit(word.Span, strings.TrimSuffix(port.text, port.proto)+lower))
						}
						p.Report(f)
					}
				})
				return nil
			},
		},
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/d3d961f8cac600d9d77574cf3956115ee8b244c9.Dockerfile",
	}
}

// exposed is a port of EXPOSE with variables filled in.
type exposed struct {
	text      string
	host      string // address and port before the container's, "127.0.0.1:80"
	container string // "80", "8000-8010"
	proto     string // as written; empty: none
}

// eachPort calls visit for each port of each EXPOSE that BuildKit would read:
// one without a number, or with a protocol that there is not, it refuses.
func eachPort(in *inspect.Input, visit func(word dockerfile.Word, port exposed)) {
	in.Each("EXPOSE", func(i int, inst *dockerfile.Instruction) {
		s := in.Stage(i)
		if s == nil {
			return
		}
		for _, word := range inst.Words {
			text, _ := in.Scopes.Expand(s, i, word.Text)
			for _, one := range strings.Fields(text) {
				p := exposed{text: one, container: one}
				if n := strings.LastIndexByte(one, ':'); n >= 0 {
					p.host, p.container = one[:n], one[n+1:]
				}
				p.container, p.proto, _ = strings.Cut(p.container, "/")
				switch strings.ToLower(p.proto) {
				case "", "tcp", "udp", "sctp":
					if p.container != "" {
						visit(word, p)
					}
				}
			}
		}
	})
}
