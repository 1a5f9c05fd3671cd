package rules

import (
	"context"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

// idlePragma finds comments that do nothing; known are the ids and aliases of all rules.
func idlePragma(known func() []string) Check {
	return Check{
		Check: finding.Check[*Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/idle-pragma",
				Title:    "A comment that is meant for a linter does nothing",
				Practice: finding.Layering,
				Severity: finding.Low,
				Why: "Somebody accepted a warning here, and the comment that says so is passed over: the rule's name is misspelt, or no instruction " +
					"is directly below. The warning comes back, or worse, everybody believes that it is looked after. Of a check directive that it " +
					"does not understand, BuildKit refuses the whole file.",
				Bad:  "FROM debian:13-slim\n# hadolint ignore=DL3088\nRUN apt-get update\n",
				Good: "FROM debian:13-slim\n# hadolint ignore=DL3008\nRUN apt-get update && apt-get install -y curl\n",
			},
			Run: func(_ context.Context, p *pass) error {
				d, span, err := checkDirective(p.Input.File)
				if err != nil {
					f := at(span, "check", "BuildKit refuses the check directive, and with it the file: %v", err)
					f.Severity = finding.High
					p.Report(f)
				}
				named := append(slices.Clone(p.Input.pragmas.all), &pragma{tool: "check", names: append(d.Skip, d.Experimental...), span: span})
				if p.Input.Options.IgnorePragma {
					named = slices.DeleteFunc(named, func(x *pragma) bool { return x.tool != "check" })
				}
				var names []string
				for _, x := range named {
					if x.wrong != "" {
						p.Report(at(x.span, x.tool, "the comment does nothing: %s", x.wrong))
						continue
					}
					if x.scope == "shell" || len(x.names) == 0 {
						continue
					}
					if names == nil {
						names = known()
					}
					for _, name := range x.names {
						if f, ok := unknownName(x, name, names); ok {
							p.Report(f)
						}
					}
				}
				return nil
			},
		},
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/5f98f4068cc4e7da3a880fb608842814e077f6c5.Dockerfile",
	}
}

// gone are names of hadolint's that it no longer has, and those of ShellCheck's,
// which it passes on.
var gone = lazyregexp.New(`^(SC\d{4}|DL3005|DL3017|DL3031|DL3039|DL3043|DL3061)$`)

func unknownName(p *pragma, name string, known []string) (finding.Finding, bool) {
	if gone.MatchString(name) || name == "all" && p.tool == "check" || slices.Contains(known, name) {
		return finding.Finding{}, false
	}
	i := slices.IndexFunc(known, func(k string) bool { return strings.EqualFold(k, name) })
	switch {
	case i < 0:
		return at(p.span, name, "no rule is called %s here", name), true
	case p.tool == "check" && isBuildKits(name):
		return at(p.span, name, "BuildKit minds the case: %s, not %s", known[i], name), true
	}
	return finding.Finding{}, false
}
