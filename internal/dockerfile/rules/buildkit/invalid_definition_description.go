package buildkit

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"unicode"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func invalidDefinitionDescription() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/invalid-definition-description",
				Title:    "The comment above a stage or argument does not describe it",
				Practice: finding.Layering,
				Severity: finding.Negligible,
				Aliases:  []string{"InvalidDefinitionDescription"},
				Why: "docker build --call=outline shows the comment above an ARG or a named FROM as its description if the comment begins with the " +
					"name. Any other comment there is either such a description with a slip in it, or is set apart by an empty comment (#). " +
					"BuildKit calls this check experimental; it runs where it is asked for.",
				Bad:  "# which release to build\nARG VERSION=1\nFROM alpine:3.22\n",
				Good: "# VERSION is the release to build\nARG VERSION=1\nFROM alpine:3.22\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				end := 0
				for i := range p.Input.File.Instructions {
					inst := &p.Input.File.Instructions[i]
					comment := commentAbove(p.Input, end, inst.Span.Start)
					end = inst.Span.End
					defines := defines(p.Input, i)
					first, _, _ := strings.Cut(comment, " ")
					if comment == "" || len(defines) == 0 || slices.Contains(defines, first) {
						continue
					}
					f := rule.At(inst.Keyword.Span, strings.Join(defines, " "), "the comment above does not begin with %s", strings.Join(defines, " or "))
					p.Report(rule.WithFix(f, finding.Safe, "Set the comment apart", p.Input.Insert(inst.Span.Start-inst.Span.Column+1, "#"+p.Input.LineEnd())))
				}
				return nil
			},
		},
		Off:   true,
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/f52352ff511e7dbaa08f3ab94a09574bf9b7a1c9.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/36d179ff88dc15e36f7d7c8b9e2ffecdd45fe5a5.Dockerfile",
	}
}

// defines are the names that an instruction gives: arguments, a stage.
func defines(in *inspect.Input, i int) []string {
	inst := &in.File.Instructions[i]
	var out []string
	switch inst.Cmd {
	case "ARG":
		for _, pair := range inst.Pairs() {
			out = append(out, pair.Key.Text)
		}
	case "FROM":
		if s := in.Stage(i); s.Name != "" {
			out = append(out, s.Name)
		}
	}
	return out
}

// commentAbove is the last comment between two instructions, as BuildKit reads
// it: an empty comment starts anew, an empty line does not, and only the first
// character of the line is taken off. Empty: there is none.
func commentAbove(in *inspect.Input, start, end int) string {
	comment := ""
	b := in.File.Bytes
	for pos := start; pos < end; {
		next := min(lineAfter(b, pos), end)
		line := b[pos:next]
		if pos == 0 {
			line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
		}
		trimmed := bytes.TrimLeftFunc(line, unicode.IsSpace)
		directive := slices.ContainsFunc(in.File.Directives, func(d dockerfile.Directive) bool {
			return d.Span.Start >= pos && d.Span.Start < next
		})
		if len(trimmed) > 0 && trimmed[0] == '#' && !directive {
			comment = strings.TrimSpace(string(line[1:]))
		}
		pos = next
	}
	return comment
}
