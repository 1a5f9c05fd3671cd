package buildkit

import (
	"context"
	"maps"
	"slices"

	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

func undefinedArgInFrom() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/undefined-arg-in-from",
				Title:    "FROM uses an argument that nothing declares",
				Practice: finding.TrustedBase,
				Severity: finding.High,
				Aliases:  []string{"UndefinedArgInFrom"},
				Why: "FROM sees the arguments declared before the first FROM, and those of BuildKit (BUILDPLATFORM, TARGETARCH …). Any other name " +
					"is empty, whatever --build-arg says: the image is another one than was meant, or none.",
				Bad:  "ARG VERSION=3.22\nFROM alpine:3${VERSIONS}\n",
				Good: "ARG VERSION=3.22\nFROM alpine:${VERSION}\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				args, ok := p.Input.FromArgs()
				if !ok {
					return nil // a file that BuildKit refuses
				}
				told := 0
				for i := range p.Input.File.Stages {
					s := &p.Input.File.Stages[i]
					words := map[finding.Span]string{s.BaseWord.Span: s.BaseRaw}
					if f, ok := p.Input.PlatformFlag(s); ok {
						words[f.Span] = f.Value
					}
					for _, span := range slices.SortedFunc(maps.Keys(words), func(a, b finding.Span) int { return a.Start - b.Start }) {
						r, _ := args.Expand(words[span]) // what stands before an error counts
						for _, name := range names(r, args) {
							f := rule.At(span, name, "FROM uses $%s, which no ARG before the first FROM declares", name)
							if told++; told <= maxAdvised {
								f = respelled(f, inspect.Closest(name, slices.Collect(maps.Keys(args.Declared))))
							}
							p.Report(f)
						}
					}
				}
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/4c7549e8596905a3e19ae692e515c255846f41fd.Dockerfile",
		Quiet: "docker+awesome-compose/apache-php/app/Dockerfile",
	}
}

// names are the variables of a word that nothing declares.
func names(r shell.ProcessWordResult, args *inspect.FromArgs) []string {
	var out []string
	for name := range r.Unmatched {
		if !args.Declared[name] {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}
