package instruction

import (
	"context"
	"net/mail"
	"net/url"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

func labelKind() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/label-kind",
				Title:    "A label is not of the kind that you require",
				Practice: finding.Layering,
				Severity: finding.Medium,
				Aliases:  []string{"DL3052", "DL3053", "DL3054", "DL3055", "DL3056", "DL3058"},
				Why: "Programs compare versions, follow addresses and sort by time: they need the form that they were promised. A label that a " +
					"build argument fills in can be anything: declare it text. " + schemaSource,
				Bad:  "FROM debian:13-slim\nLABEL version=v1.2\n",
				Good: "FROM debian:13-slim\nLABEL version=1.2.0\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				eachLabel(in, func(i int, pair dockerfile.Pair) {
					key := bareWord(pair.Key.Text)
					kind, ok := labelKinds[in.Options.LabelSchema[key]]
					if !ok {
						return
					}
					value, known := in.Scopes.Expand(in.Stage(i), i, pair.Value.Text)
					if known && kind.is(value) {
						return
					}
					f := rule.At(pair.Value.Span, key, "label %s is not %s", key, kind.name)
					if !known {
						f = rule.At(pair.Value.Span, key, "whether label %s is %s is up to a build argument: declare it text", key, kind.name)
					}
					f.Aliases = []string{kind.alias}
					p.Report(f)
				})
				return nil
			},
		},
		Settings: inspect.Options{LabelSchema: map[string]string{"version": "semver"}},
	}
}

// kindOfLabel is what a schema may ask of a label.
type kindOfLabel struct {
	alias, name string
	is          func(string) bool
}

var labelKinds = map[string]kindOfLabel{
	"url":     {"DL3052", "a URL", isURL},
	"rfc3339": {"DL3053", "a time as RFC 3339 has it", func(s string) bool { _, err := time.Parse(time.RFC3339, s); return err == nil }},
	"spdx":    {"DL3054", "an SPDX licence identifier", isSPDX},
	"hash":    {"DL3055", "a Git hash of 7 or 40 digits", gitHash.MatchString},
	"semver":  {"DL3056", "a semantic version", semanticVersion.MatchString},
	"email":   {"DL3058", "an e-mail address", isEmail},
}

var (
	gitHash = lazyregexp.New(`^(?:[0-9a-f]{7}|[0-9a-f]{40})$`)
	// As semver.org defines it: numbers without leading zeros, then a
	// pre-release and a build.
	semanticVersion = lazyregexp.New(`^(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)` +
		`(?:-(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?` +
		`(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?$`)
)

func isURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme != "" && !strings.ContainsAny(s, " \t\"<>{}|\\^`")
}

func isEmail(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s
}
