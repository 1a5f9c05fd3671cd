package buildkit

import (
	"bytes"
	"context"
	"unicode"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func noEmptyContinuation() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/no-empty-continuation",
				Title:    "An empty line inside an instruction",
				Practice: finding.Layering,
				Severity: finding.Low,
				Aliases:  []string{"NoEmptyContinuation"},
				Why: "The line before says that the instruction goes on, and then comes nothing. BuildKit skips the empty line today and has " +
					"announced that it will be an error. It also hides mistakes: the instruction below it is not one, but part of the one above.",
				Bad:  "FROM debian:13-slim\nRUN apt-get update && \\\n\n    apt-get install -y curl\n",
				Good: "FROM debian:13-slim\nRUN apt-get update && \\\n    apt-get install -y curl\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				for i := range p.Input.File.Instructions {
					inst := &p.Input.File.Instructions[i]
					empty := emptyLines(p.Input, inst)
					if len(empty) == 0 {
						continue
					}
					f := rule.At(empty[0], inst.Cmd, "an empty line inside %s", inst.Cmd)
					var edits []finding.Edit
					for n, span := range empty {
						if n > 0 {
							f.At = append(f.At, finding.Location{Source: &empty[n]})
						}
						edits = append(edits, p.Input.Edit(span, ""))
					}
					p.Report(rule.WithFix(f, finding.Safe, "Delete the empty line", edits...))
				}
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/eee289d8b01b238b0aa05d0de06d1eeecbeddac2.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/a62924bf15c30797fcd771f3bba8d5e586bbe397.Dockerfile",
	}
}

// emptyLines are the lines inside an instruction that hold white space at most,
// comments left out; those that follow one another are one span.
func emptyLines(in *inspect.Input, inst *dockerfile.Instruction) []finding.Span {
	var out []finding.Span
	b := in.File.Bytes
	for pos := inst.Span.Start; pos < len(b); {
		next := lineAfter(b, pos)
		line := bytes.TrimRight(b[pos:next], "\r\n")
		trimmed := bytes.TrimLeftFunc(line, unicode.IsSpace)
		switch {
		case pos == inst.Span.Start:
			if !continued(trimmed, in.File.Escape) {
				return nil
			}
		case len(trimmed) == 0:
			if n := len(out) - 1; n >= 0 && out[n].End == pos {
				out[n].End = next
			} else {
				out = append(out, in.File.Span(pos, next))
			}
		case trimmed[0] == '#':
		case !continued(line, in.File.Escape):
			return out
		}
		pos = next
	}
	return out
}

// continued reports whether the instruction goes on after the line: it ends in
// one escape character, blanks after it allowed.
func continued(line []byte, escape byte) bool {
	line = bytes.TrimRight(line, " \t")
	n := len(line)
	return n > 0 && line[n-1] == escape && (n == 1 || line[n-2] != escape)
}

// lineAfter is the offset of the line after the one that pos is in.
func lineAfter(b []byte, pos int) int {
	if n := bytes.IndexByte(b[pos:], '\n'); n >= 0 {
		return pos + n + 1
	}
	return len(b)
}
