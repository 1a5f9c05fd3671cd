package check

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
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

// maxBroken is how many instructions of a file that does not parse are left out to
// look at the others.
const maxBroken = 20

// recovered reads what is left of a file without the instructions that a build would
// refuse, each of which is a finding. nil: nothing can be read.
func recovered(name string, b []byte, err error) (*dockerfile.File, []finding.Finding, []finding.Unknown) {
	var broken []finding.Finding
	var unread []finding.Unknown
	rest := slices.Clone(b)
	for range maxBroken {
		found, unknown := syntax(err, name)
		broken, unread = append(broken, found...), append(unread, unknown...)
		var at *dockerfile.Error
		if !errors.As(err, &at) || at.Span.Line == 0 || !blank(rest, at.Span.Start) {
			return nil, broken[:1], unread[:1]
		}
		var f *dockerfile.File
		if f, err = dockerfile.Parse(name, rest); err == nil {
			return f, broken, unread
		}
	}
	return nil, broken[:1], unread[:1]
}

// blank makes comments of the lines of the instruction at an offset, so that all else
// keeps its place; false: there is nothing to take away.
func blank(b []byte, at int) bool {
	if at >= len(b) || len(bytes.TrimSpace(b[at:])) == 0 || b[at] == '#' {
		return false
	}
	for more := true; more && at < len(b); {
		end := len(b)
		if n := bytes.IndexByte(b[at:], '\n'); n >= 0 {
			end = at + n
		}
		line := bytes.TrimRight(b[at:end], " \t\r")
		more = bytes.HasSuffix(line, []byte("\\")) || bytes.HasSuffix(line, []byte("`"))
		for i := range line {
			line[i] = '#'
		}
		at = end + 1
	}
	return true
}

// withoutEdits are findings of a file that does not parse as it is: no edit of it
// could be proved.
func withoutEdits(found []finding.Finding) []finding.Finding {
	for i := range found {
		found[i].Fixes = nil
	}
	return found
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
		Why: "The file is read with BuildKit's own grammar. What that refuses, docker build refuses. The other instructions are looked at all the same, " +
			"and what is found there is fixed once this line is put right.",
		Bad:  "FROM debian:13-slim\nRUM apt-get update\n",
		Good: "FROM debian:13-slim\nRUN apt-get update\n",
	}
}
