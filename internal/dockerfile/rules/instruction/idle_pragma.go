package instruction

import (
	"context"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

// idlePragma finds comments that do nothing; known are the ids and aliases of all rules.
func idlePragma(known func() []string) rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
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
			Run: func(_ context.Context, p *rule.Pass) error {
				d, span, err := inspect.CheckDirective(p.Input.File)
				if err != nil {
					f := rule.At(span, "check", "BuildKit refuses the check directive, and with it the file: %v", err)
					f.Severity = finding.High
					p.Report(f)
				}
				named := append(slices.Clone(p.Input.Pragmas.All), &inspect.Pragma{Tool: "check", Names: append(d.Skip, d.Experimental...), Span: span})
				if p.Input.Options.IgnorePragma {
					named = slices.DeleteFunc(named, func(x *inspect.Pragma) bool { return x.Tool != "check" })
				}
				var names []string
				for _, x := range named {
					if x.Wrong != "" {
						p.Report(rule.At(x.Span, x.Tool, "the comment does nothing: %s", x.Wrong))
						continue
					}
					if x.Scope == "shell" || len(x.Names) == 0 {
						continue
					}
					if names == nil {
						names = known()
					}
					for _, name := range x.Names {
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

func unknownName(p *inspect.Pragma, name string, known []string) (finding.Finding, bool) {
	if gone.MatchString(name) || name == "all" && p.Tool == "check" || slices.Contains(known, name) {
		return finding.Finding{}, false
	}
	i := slices.IndexFunc(known, func(k string) bool { return strings.EqualFold(k, name) })
	switch {
	case i < 0:
		return rule.At(p.Span, name, "no rule is called %s here", name), true
	case p.Tool == "check" && inspect.IsBuildKits(name):
		return rule.At(p.Span, name, "BuildKit minds the case: %s, not %s", known[i], name), true
	}
	return finding.Finding{}, false
}
