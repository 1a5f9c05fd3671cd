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

func tlsOff() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/tls-off",
				Title:    "The certificate of a server is not looked at",
				Practice: finding.TrustedBase,
				Severity: finding.Medium,
				Aliases:  []string{"CIS-4.11"},
				Why: "Without a look at the certificate anyone between the builder and the server may answer in its place, and what they send is put into the image. Install " +
					"ca-certificates, and give the tool the authority that it does not know (curl --cacert, npm config set cafile). Set by ENV, the check is off in the " +
					"running container, too.",
				Bad:  "FROM debian:13-slim\nRUN curl -k -o /opt/tool https://downloads.example.org/tool\n",
				Good: "FROM debian:13-slim\nRUN curl -o /opt/tool https://downloads.example.org/tool\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				for i := range in.File.Instructions {
					inst := &in.File.Instructions[i]
					switch inst.Cmd {
					case "ENV", "ARG":
						tlsOffPairs(in, inst, p.Report)
					case "RUN":
						s, verified := in.Script(i), in.LastVerified(i)
						for n := range s.Commands {
							c := &s.Commands[n]
							for _, a := range c.Assigns {
								if a.Value.Literal && turnsTLSOff(a.Name, a.Value.Text) {
									p.Report(rule.At(a.Span, a.Name, "%s=%s lets any server answer in the place of the one that is meant", a.Name, a.Value.Text))
								}
							}
							if f, ok := tlsOffCommand(in, i, c); ok && verified < n {
								p.Report(f)
							}
						}
					}
				}
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/200a3dc9929d68ef6488ccd89a52eaf672519516.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/a51c914b3df1927d9ef27dd3486f0f6f83251778.Dockerfile",
	}
}

// turnsTLSOff reports whether a variable switches the check of certificates off.
func turnsTLSOff(name, value string) bool {
	switch name {
	case "NODE_TLS_REJECT_UNAUTHORIZED", "PYTHONHTTPSVERIFY":
		return value == "0"
	case "GIT_SSL_NO_VERIFY", "NPM_CONFIG_STRICT_SSL", "npm_config_strict_ssl":
		on := slices.Contains([]string{"1", "true", "yes"}, strings.ToLower(value))
		return on == (name == "GIT_SSL_NO_VERIFY") && value != ""
	}
	return false
}

func tlsOffPairs(in *inspect.Input, inst *dockerfile.Instruction, report func(finding.Finding)) {
	for n, pair := range inst.Pairs() {
		if name, value := pair.Key.Text, inspect.Unquote(pair.Value.Text); turnsTLSOff(name, value) {
			f := rule.At(pair.Key.Span, name, "%s=%s lets any server answer in the place of the one that is meant", name, value)
			if inst.Cmd == "ENV" {
				f.Message += ", in the running container too"
				f.Severity = finding.High
			}
			if namesPrivateTLS(in) {
				report(rule.WithFix(f, finding.NeedsReview, "Install the authority of the private server, and look at certificates"))
				continue
			}
			report(rule.WithFix(f, finding.Behaviour, "Look at certificates", in.DropPair(inst, n)))
		}
	}
}

// namesPrivateTLS reports whether the file names a server of a private network that
// is spoken to over TLS: its certificate may be nobody's that the image trusts.
func namesPrivateTLS(in *inspect.Input) bool {
	for _, word := range strings.Fields(string(in.File.Bytes)) {
		if n := strings.Index(word, "https://"); n >= 0 && inspect.PrivateHost(strings.Trim(word[n:], `"',;)`)) {
			return true
		}
	}
	return false
}

// tlsOffCommand is the finding of a command that is told not to look.
func tlsOffCommand(in *inspect.Input, i int, c *dockerfile.Command) (finding.Finding, bool) {
	var flags []string
	switch c.Program() {
	case "curl":
		flags = []string{"-k", "--insecure", "--proxy-insecure"}
	case "wget":
		flags = []string{"--no-check-certificate"}
	case "npm", "yarn", "pnpm", "bower":
		ops := c.Operands()
		if len(ops) > 2 && ops[0].Text == "config" && ops[1].Text == "set" && strings.TrimPrefix(ops[2].Text, "strict-ssl=") == "false" ||
			len(ops) > 3 && ops[0].Text == "config" && ops[1].Text == "set" && ops[2].Text == "strict-ssl" && ops[3].Text == "false" ||
			len(ops) > 2 && ops[0].Text == "set" && ops[1].Text == "strict-ssl" && ops[2].Text == "false" {
			return rule.At(c.Span, "strict-ssl", "%s is told not to look at the registry's certificate, now and in the running container", c.Program()), true
		}
		flags = []string{"--strict-ssl=false", "--no-strict-ssl"}
	case "git":
		for _, w := range c.Args() {
			low := strings.ToLower(w.Text)
			if low == "http.sslverify=false" {
				return rule.At(w.Span, "git", "git is told not to look at the server's certificate"), true
			}
		}
		if ops := c.Operands(); len(ops) > 2 && ops[0].Text == "config" && strings.EqualFold(ops[1].Text, "http.sslVerify") && slices.Contains([]string{"false", "0"}, ops[2].Text) {
			return rule.At(c.Span, "git config", "git is told not to look at any server's certificate, now and in the running container"), true
		}
	}
	words := c.Words
	for n := 1; n < len(words); n++ {
		w := words[n]
		if !slices.Contains(flags, w.Text) && (!c.Is("curl") || !shortFlagK(w)) || localAddress(c) {
			continue
		}
		f := rule.At(w.Span, c.Program(), "%s %s takes what anyone answers in the server's place", c.Program(), w.Text)
		var edits []finding.Edit
		if client, lacks := in.LacksCertificates(i, c.Program()); lacks && in.Exactly(client) {
			edits = append(edits, in.Edit(in.File.Span(client.Span.Start, client.Span.Start), "ca-certificates "))
		} else if lacks {
			return rule.WithFix(f, finding.NeedsReview, "Install ca-certificates, and look at the certificate"), true
		}
		switch {
		case inspect.PrivateCommand(c):
			f = rule.WithFix(f, finding.NeedsReview, "Give "+c.Program()+" the authority of the private server, and look at the certificate")
		case !in.Exactly(w):
		case slices.Contains(flags, w.Text) && words[n-1].Span.End < w.Span.Start:
			f = rule.WithFix(f, finding.Behaviour, "Look at the certificate", append(edits, in.DropWord(words[n-1].Span, w.Span))...)
		case !slices.Contains(flags, w.Text) && in.Text(w.Span) == w.Text:
			f = rule.WithFix(f, finding.Behaviour, "Look at the certificate", append(edits, in.Edit(w.Span, strings.Replace(w.Text, "k", "", 1)))...)
		}
		return f, true
	}
	return finding.Finding{}, false
}

// shortFlagK reports whether a word of curl's is several short flags with -k among
// them, none before it with a value of its own.
func shortFlagK(w dockerfile.ShellWord) bool {
	if !w.Literal || len(w.Text) < 3 || w.Text[0] != '-' || w.Text[1] == '-' {
		return false
	}
	before, _, ok := strings.Cut(w.Text[1:], "k")
	return ok && strings.Trim(before, "fsSLgOqivJNRz#46") == ""
}

// localAddress reports whether a command talks to this machine only.
func localAddress(c *dockerfile.Command) bool {
	return slices.ContainsFunc(c.Args(), func(w dockerfile.ShellWord) bool {
		_, rest, ok := strings.Cut(w.Text, "://")
		return ok && (strings.HasPrefix(rest, "localhost") || strings.HasPrefix(rest, "127.0.0.1") || strings.HasPrefix(rest, "[::1]"))
	})
}
