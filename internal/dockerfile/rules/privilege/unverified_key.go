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

func unverifiedKey() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/unverified-key",
				Title:    "A signing key is taken from whoever gives one",
				Practice: finding.TrustedBase,
				Severity: finding.Medium,
				Aliases:  []string{"CIS-4.11"},
				Why: "All that a repository signs is worth what its key is worth. A key over http:// may be anyone's, and eight hex digits name as many keys as one likes to make. " +
					"Fetch keys over https, and name them by their whole fingerprint of forty digits.",
				Bad:  "FROM debian:13-slim\nRUN curl http://repo.example.org/key.asc | apt-key add -\n",
				Good: "FROM debian:13-slim\nRUN curl -fsSL https://repo.example.org/key.asc -o /etc/apt/keyrings/example.asc\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				in.EachCommand(func(i int, c *dockerfile.Command) {
					commands := in.Script(i).Commands
					switch {
					case c.Is("apt-key", "add") || (c.Is("gpg") || c.Is("gpg2")) && c.Has("--import", "--dearmor"):
						if c.Input >= 0 && c.Input < len(commands) {
							plainKey(in, &commands[c.Input], p.Report)
						}
					case c.Is("rpm") && c.Has("--import"):
						plainKey(in, c, p.Report)
					}
					shortKeys(in, c, p.Report)
				})
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/9790fd0aff4f849a544c2429e579949e2e896e2a.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/a51c914b3df1927d9ef27dd3486f0f6f83251778.Dockerfile",
	}
}

// plainKey reports the http address of a command that gets a key.
func plainKey(in *inspect.Input, c *dockerfile.Command, report func(finding.Finding)) {
	if !c.Is("curl") && !c.Is("wget") && !c.Is("rpm") {
		return
	}
	for _, w := range c.Operands("-o", "-O", "-H") {
		if !strings.HasPrefix(w.Text, "http://") || localAddress(c) {
			continue
		}
		f := rule.At(w.Span, bare(w.Text), "the key of %s comes over http://, from whoever answers", shortAddress(w.Text))
		if inspect.PrivateHost(w.Text) {
			f = rule.WithFix(f, finding.NeedsReview, "Have the private server answer over https://")
		} else if n := strings.Index(in.Text(w.Span), "http://"); n >= 0 {
			f = rule.WithFix(f, finding.NeedsReview, "Say https://", in.Edit(in.File.Span(w.Span.Start+n, w.Span.Start+n+len("http")), "https"))
		}
		report(f)
	}
}

// shortKeys reports keys that are asked for by eight hex digits.
func shortKeys(in *inspect.Input, c *dockerfile.Command, report func(finding.Finding)) {
	if !slices.Contains([]string{"apt-key", "gpg", "gpg2"}, c.Program()) {
		return
	}
	from := slices.IndexFunc(c.Words, func(w dockerfile.ShellWord) bool {
		return slices.Contains([]string{"--recv-keys", "--recv-key", "--recv", "--receive-keys"}, w.Text)
	})
	if from < 0 {
		return
	}
	for _, w := range c.Words[from+1:] {
		id := strings.TrimPrefix(w.Text, "0x")
		if len(id) == 8 && w.Literal && strings.Trim(id, "0123456789abcdefABCDEF") == "" {
			report(rule.At(w.Span, id, "key %s is asked for by eight digits, which anyone can make another key for: say the whole fingerprint", id))
		}
	}
}
