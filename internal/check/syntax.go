package check

import (
	"errors"
	"fmt"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
)

// syntax is what is said of a file that does not parse.
func syntax(err error, name string) ([]finding.Finding, []finding.Unknown) {
	span := finding.Span{File: name, Line: 1, Column: 1}
	message := err.Error()
	var at *dockerfile.Error
	if errors.As(err, &at) {
		message = at.Err.Error()
		if at.Span.Line > 0 {
			span = at.Span
		}
	}
	rule := SyntaxRule()
	message, _, _ = strings.Cut(message, "\n")
	f := finding.Finding{
		Rule: rule.ID, Aliases: rule.Aliases, Practice: rule.Practice, Severity: rule.Severity, Traits: rule.Traits,
		Message: message, At: []finding.Location{{Source: &span}},
	}
	return []finding.Finding{f}, []finding.Unknown{{What: "the rules over " + where(span), Why: message}}
}

func where(s finding.Span) string { return fmt.Sprintf("%s:%d", s.File, s.Line) }

// SyntaxRule documents what is said of a Dockerfile that a build would refuse.
func SyntaxRule() finding.Rule {
	return finding.Rule{
		ID:       "dockerfile/syntax",
		Title:    "A build would refuse the file",
		Practice: finding.Layering,
		Traits:   finding.Traits{Refused: true},
		Severity: finding.High,
		Aliases:  []string{"DL1000"},
		Why: "The file is read with BuildKit's own grammar. What that refuses, docker build refuses: nothing more can be told of the file " +
			"until this line is put right.",
		Bad:  "FROM debian:13-slim\nRUM apt-get update\n",
		Good: "FROM debian:13-slim\nRUN apt-get update\n",
	}
}
