package privilege

import (
	"context"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func plainHTTP() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/plain-http",
				Title:    "A download that anyone on the way can replace",
				Practice: finding.TrustedBase,
				Severity: finding.Medium,
				Why: "http:// and git:// say neither who answers nor that nobody changed the answer. Whoever holds a router, a proxy or a name server between the " +
					"builder and the server chooses what goes into the image. Say https://.",
				Bad:  "FROM debian:13-slim\nADD http://downloads.example.org/tool.tar.gz /opt/\n",
				Good: "FROM debian:13-slim\nADD https://downloads.example.org/tool.tar.gz /opt/\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				verifying := in.Verifying()
				eachAdd(in, func(i int, inst *dockerfile.Instruction, w dockerfile.Word, source string) {
					if inspect.HasFlag(inst, "checksum") || verifying[inst.Stage] > i {
						return
					}
					plain(in, p, w.Span, "ADD", w.Text, source)
				})
				in.EachCommand(func(_ int, c *dockerfile.Command) {
					if !c.Is("git", "clone") {
						return
					}
					for _, w := range c.Operands("-b", "--branch", "--depth", "-o", "-c")[1:] {
						plain(in, p, w.Span, "git clone", w.Text, w.Text)
					}
				})
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/fed2306dee2f23981b77814201185778fe9a7fdc.Dockerfile",
		Quiet: "docker-library+docs/Dockerfile",
	}
}

// plain reports an address that is not encrypted, but for this machine's own.
func plain(in *inspect.Input, p *rule.Pass, span finding.Span, what, written, address string) {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok || scheme != "http" && scheme != "git" || strings.HasPrefix(rest, "localhost") || strings.HasPrefix(rest, "127.0.0.1") {
		return
	}
	f := rule.At(span, what+" "+bare(address), "%s over %s:// takes what anyone on the way gives it: %s", what, scheme, shortAddress(address))
	raw := in.Text(span)
	if inspect.PrivateHost(address) {
		p.Report(rule.WithFix(f, finding.NeedsReview, "Have the private server answer over https://"))
		return
	}
	if n := strings.Index(raw, scheme+"://"); n >= 0 && strings.HasPrefix(written, scheme+"://") {
		f = rule.WithFix(f, finding.NeedsReview, "Say https://", in.Edit(in.File.Span(span.Start+n, span.Start+n+len(scheme)), "https"))
	}
	p.Report(f)
}
