package privilege

import (
	"context"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func addChecksum() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/add-checksum",
				Title:    "ADD takes whatever the address gives on the day of the build",
				Practice: finding.TrustedBase,
				Severity: finding.Medium,
				Why: "What ADD downloads is put into the image unseen: if the server, or someone on the way, gives something else, nobody notices. With --checksum=sha256:… " +
					"the build stops unless it is exactly the file that was meant.",
				Bad:  "FROM debian:13-slim\nADD https://downloads.example.org/tool-1.2.tar.gz /opt/\n",
				Good: "FROM debian:13-slim\nADD --checksum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d https://downloads.example.org/tool-1.2.tar.gz /opt/\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				verifying := in.Verifying()
				eachAdd(in, func(i int, inst *dockerfile.Instruction, w dockerfile.Word, source string) {
					// An answer of GitHub's API is added so that a new commit misses the cache.
					if !webAddress(source) || strings.HasPrefix(source, "https://api.github.com/") || gitAddress(source) || inspect.HasFlag(inst, "checksum") || verifying[inst.Stage] > i {
						return
					}
					f := rule.At(w.Span, bare(source), "ADD of %s without --checksum takes whatever the server gives", shortAddress(source))
					p.Report(rule.WithFix(f, finding.NeedsReview, "Say --checksum=sha256:… with the digest that the publisher gives"))
				})
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/72b1e5bc14b2b03ff0d099ac31ee5b208dd76049.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/62d58f30d4464fc981f79410838aa581076aa8d5.Dockerfile",
	}
}

// eachAdd calls visit for each source of each ADD, with variables filled in as
// far as they are known.
func eachAdd(in *inspect.Input, visit func(i int, inst *dockerfile.Instruction, w dockerfile.Word, source string)) {
	in.Each("ADD", func(i int, inst *dockerfile.Instruction) {
		for n := 0; n+1 < len(inst.Words); n++ {
			source, _ := in.Scopes.Expand(in.Stage(i), i, inst.Words[n].Text)
			if source == "" {
				source = inst.Words[n].Text
			}
			visit(i, inst, inst.Words[n], source)
		}
	})
}

func webAddress(s string) bool {
	return strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://")
}

// gitAddress reports whether ADD clones a source instead of downloading it.
func gitAddress(s string) bool {
	address, _, _ := strings.Cut(s, "#")
	address, query, _ := strings.Cut(address, "?")
	if strings.HasPrefix(s, "git@") || strings.HasPrefix(s, "git://") || strings.HasPrefix(s, "ssh://git@") {
		return true
	}
	return webAddress(address) && (strings.HasSuffix(address, ".git") || strings.Contains(query, "ref=") && strings.Contains(address, ".git"))
}

// bare is an address without the credentials that it may hold.
func bare(s string) string {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok {
		return s
	}
	host, path, _ := strings.Cut(rest, "/")
	if i := strings.LastIndexByte(host, '@'); i >= 0 {
		host = host[i+1:]
	}
	path, _, _ = strings.Cut(path, "?")
	return scheme + "://" + host + "/" + path
}

// shortAddress is an address for a message: its host and last name.
func shortAddress(s string) string {
	s = bare(s)
	_, rest, _ := strings.Cut(s, "://")
	host, path, ok := strings.Cut(rest, "/")
	if i := strings.LastIndexByte(path, '/'); ok && i >= 0 {
		return host + "/…/" + path[i+1:]
	}
	return rest
}
