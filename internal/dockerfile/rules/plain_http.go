package rules

import (
	"context"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
)

func plainHTTP() Check {
	return Check{
		Check: finding.Check[*Input]{
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
			Run: func(_ context.Context, p *pass) error {
				in := p.Input
				verifying := in.verifying()
				in.eachAdd(func(i int, inst *dockerfile.Instruction, w dockerfile.Word, source string) {
					if hasFlag(inst, "checksum") || verifying[inst.Stage] > i {
						return
					}
					in.plain(p, w.Span, "ADD", w.Text, source)
				})
				in.eachCommand(func(_ int, c *dockerfile.Command) {
					if !c.Is("git", "clone") {
						return
					}
					for _, w := range c.Operands("-b", "--branch", "--depth", "-o", "-c")[1:] {
						in.plain(p, w.Span, "git clone", w.Text, w.Text)
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
func (in *Input) plain(p *pass, span finding.Span, what, written, address string) {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok || scheme != "http" && scheme != "git" || strings.HasPrefix(rest, "localhost") || strings.HasPrefix(rest, "127.0.0.1") {
		return
	}
	f := at(span, what+" "+bare(address), "%s over %s:// takes what anyone on the way gives it: %s", what, scheme, shortAddress(address))
	raw := in.said(span)
	if privateHost(address) {
		p.Report(fix(f, finding.NeedsReview, "Have the private server answer over https://"))
		return
	}
	if n := strings.Index(raw, scheme+"://"); n >= 0 && strings.HasPrefix(written, scheme+"://") {
		f = fix(f, finding.NeedsReview, "Say https://", in.Edit(in.File.Span(span.Start+n, span.Start+n+len(scheme)), "https"))
	}
	p.Report(f)
}
