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

func unauthenticatedPackages() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/unauthenticated-packages",
				Title:    "Packages are installed without a look at who signed them",
				Practice: finding.TrustedBase,
				Severity: finding.High,
				Aliases:  []string{"CIS-4.11"},
				Why: "A package manager checks the signature of what it installs, and these flags tell it not to: whoever answers in the repository's place chooses what runs " +
					"as root in the build. Add the repository's key instead. --force-yes switches the check off as well, for which -y is enough.",
				Bad:  "FROM debian:13-slim\nRUN apt-get update && apt-get install -y --allow-unauthenticated curl\n",
				Good: "FROM debian:13-slim\nRUN apt-get update && apt-get install -y curl\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				in.EachCommand(func(_ int, c *dockerfile.Command) {
					if c.Is("apk") && len(c.Operands()) > 1 && localPackages(c.Operands()[1:]) {
						return
					}
					words, yes := c.Words, c.Has("-y", "--yes", "--assume-yes")
					plain := slices.ContainsFunc(words, func(w dockerfile.ShellWord) bool { return strings.Contains(w.Text, "http://") })
					for n := 1; n < len(words); n++ {
						length, ok := trustsAll(c, words, n)
						if !ok {
							continue
						}
						last := words[n+length-1]
						f := rule.At(in.File.Span(words[n].Span.Start, last.Span.End), c.Program()+" "+words[n].Text, "%s %s takes packages that nobody signed", c.Program(), words[n].Text)
						if c.Is("pip") || c.Is("pip3") {
							f = rule.At(in.File.Span(words[n].Span.Start, last.Span.End), c.Program()+" "+words[n].Text, "%s %s takes packages from whoever answers in the index's place", c.Program(), words[n].Text)
							f.Severity = finding.Medium
						}
						host := strings.TrimPrefix(last.Text, "--trusted-host=")
						trusted := strings.HasPrefix(words[n].Text, "--trusted-host")
						switch {
						case trusted && (inspect.PrivateHost(host) || inspect.PrivateCommand(c)):
							f = rule.WithFix(f, finding.NeedsReview, "Have the private index answer over https://, and give pip its authority by --cert")
						case !in.Exactly(words[n]) || words[n-1].Span.End >= words[n].Span.Start:
						case words[n].Text == "--force-yes" && !yes:
							f = rule.WithFix(f, finding.Behaviour, "Say -y, and have signatures checked", in.Edit(words[n].Span, "-y"))
						case plain && trusted:
							f = rule.WithFix(f, finding.NeedsReview, "Have the index's certificate checked, and say https://", append(sayHTTPS(in, words), in.DropWord(words[n-1].Span, last.Span))...)
						case plain: // which is what it is for: the address must change, too
							f = rule.WithFix(f, finding.NeedsReview, "Have signatures checked, and say https://", in.DropWord(words[n-1].Span, last.Span))
						default:
							f = rule.WithFix(f, finding.Behaviour, "Have signatures checked", in.DropWord(words[n-1].Span, last.Span))
						}
						p.Report(f)
					}
				})
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/f9ac53e685991ffe2402f9cb3eb5ccdc2d0b198c.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/c908bff54b922788944157f8fd6cfcf2a893b2f2.Dockerfile",
	}
}

// sayHTTPS has the words of a command that are addresses begin with https://.
func sayHTTPS(in *inspect.Input, words []dockerfile.ShellWord) []finding.Edit {
	var out []finding.Edit
	for _, w := range words {
		if n := strings.Index(in.Text(w.Span), "http://"); n >= 0 {
			out = append(out, in.Edit(in.File.Span(w.Span.Start+n, w.Span.Start+n+len("http")), "https"))
		}
	}
	return out
}

// trustsAll reports whether word n of a package manager's command tells it to look
// at no signature, and how many words say so.
func trustsAll(c *dockerfile.Command, words []dockerfile.ShellWord, n int) (int, bool) {
	w := words[n].Text
	var flags []string
	switch c.Program() {
	case "apt-get", "apt", "aptitude":
		flags = []string{"--allow-unauthenticated", "--force-yes", "--allow-insecure-repositories"}
		if w == "-o" && n+1 < len(words) && unauthenticatedOption(words[n+1].Text) {
			return 2, true
		}
	case "apk":
		flags = []string{"--allow-untrusted"}
	case "yum", "dnf", "microdnf", "tdnf":
		flags = []string{"--nogpgcheck", "--no-gpgchecks"}
	case "zypper":
		flags = []string{"--no-gpg-checks", "--no-gpg-check"}
	case "rpm":
		flags = []string{"--nosignature"}
	case "pip", "pip3":
		if w == "--trusted-host" && n+1 < len(words) {
			return 2, true
		}
		return 1, strings.HasPrefix(w, "--trusted-host=")
	}
	return 1, slices.Contains(flags, w)
}

func unauthenticatedOption(s string) bool {
	name, value, _ := strings.Cut(s, "=")
	switch strings.ToLower(name) {
	case "apt::get::allowunauthenticated", "acquire::allowinsecurerepositories":
		return value == "true" || value == "1" || value == "yes"
	}
	return false
}

// localPackages reports whether all operands are files, which were got and may have
// been checked in another way.
func localPackages(ops []dockerfile.ShellWord) bool {
	return !slices.ContainsFunc(ops, func(w dockerfile.ShellWord) bool {
		return !strings.HasSuffix(w.Text, ".apk") && !strings.Contains(w.Text, "/")
	})
}
