package instruction

import (
	"context"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func labelKey() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/label-key",
				Title:    "A label's name is not of the form that Docker recommends",
				Practice: finding.Layering,
				Severity: finding.Negligible,
				Aliases:  []string{"DL3048"},
				Why: "Labels are read by programs that do not know each other. Names that begin and end in a lower-case letter or digit, with nothing " +
					"but such and single dots and hyphens between, work with all of them; com.docker, io.docker and org.dockerproject are Docker's own.",
				Bad:  "FROM debian:13-slim\nLABEL Version=1.2\n",
				Good: "FROM debian:13-slim\nLABEL org.opencontainers.image.version=1.2\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				type place struct {
					stage int
					key   string
				}
				has := map[place]bool{}
				eachLabel(in, func(i int, pair dockerfile.Pair) {
					has[place{in.File.Instructions[i].Stage, bareWord(pair.Key.Text)}] = true
				})
				eachLabel(in, func(i int, pair dockerfile.Pair) {
					key := bareWord(pair.Key.Text)
					problem := badKey(key)
					if problem == "" {
						return
					}
					f := rule.At(pair.Key.Span, key, "label %q %s", key, problem)
					if lower := strings.ToLower(key); badKey(lower) == "" && pair.Key.Text == key && !has[place{in.File.Instructions[i].Stage, lower}] {
						f = rule.WithFix(f, finding.Behaviour, "Write it in lower case", in.Edit(pair.Key.Span, lower))
					}
					p.Report(f)
				})
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/08548ce36bc234f63c4f476b473258c38bc9db66.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/f52352ff511e7dbaa08f3ab94a09574bf9b7a1c9.Dockerfile",
	}
}

// badKey says what is wrong with a label's name; empty: nothing.
func badKey(key string) string {
	if key == "" {
		return "has no name"
	}
	for _, own := range []string{"com.docker.", "io.docker.", "org.dockerproject."} {
		if strings.HasPrefix(key, own) {
			return "is in a namespace of Docker's own"
		}
	}
	for i := range len(key) {
		switch c := key[i]; {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '.', c == '-':
		case c >= 'A' && c <= 'Z':
			return "has a letter in upper case"
		default:
			return "has a character other than letters, digits, dots and hyphens"
		}
	}
	switch last := key[len(key)-1]; {
	case key[0] < 'a' || key[0] > 'z':
		return "does not begin with a letter"
	case last == '.' || last == '-':
		return "does not end with a letter or digit"
	case strings.Contains(key, "..") || strings.Contains(key, "--"):
		return "has two dots or hyphens in a row"
	}
	return ""
}

// eachLabel calls visit for each pair of each LABEL.
func eachLabel(in *inspect.Input, visit func(i int, pair dockerfile.Pair)) {
	in.Each("LABEL", func(i int, inst *dockerfile.Instruction) {
		for _, pair := range inst.Pairs() {
			visit(i, pair)
		}
	})
}

// bareWord is a word without the quotes around it or its parts.
func bareWord(s string) string {
	if !strings.ContainsAny(s, `"'`) {
		return s
	}
	return strings.NewReplacer(`"`, "", "'", "").Replace(s)
}
