package buildkit

import (
	"context"
	"strings"
	"unicode"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

func legacyKeyValueFormat() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/legacy-key-value-format",
				Title:    "ENV or LABEL without an equals sign",
				Practice: finding.Layering,
				Severity: finding.Low,
				Aliases:  []string{"LegacyKeyValueFormat"},
				Why: "In the old form everything after the name is the value. ENV A=1 B=2 sets two variables, and ENV A 1 B=2 sets one, to " +
					"\"1 B=2\". The equals sign leaves no doubt, and lets one instruction set several.",
				Bad:  "FROM debian:13-slim\nENV APP_HOME /srv/my app\n",
				Good: "FROM debian:13-slim\nENV APP_HOME=\"/srv/my app\"\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				for _, cmd := range []string{"ENV", "LABEL"} {
					p.Input.Each(cmd, func(_ int, inst *dockerfile.Instruction) {
						for _, pair := range inst.Pairs() {
							if !pair.Spaced {
								continue
							}
							f := rule.At(pair.Key.Span, pair.Key.Text, "%s %s has no equals sign", cmd, pair.Key.Text)
							if edits := equalsSign(p.Input, pair); edits != nil {
								f = rule.WithFix(f, finding.Safe, "Write it with an equals sign", edits...)
							}
							p.Report(f)
						}
					})
				}
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/87a5fb2add9f87439dec860f7fea5dcc81c54e04.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/914e10f1380defeb4a0d1e3768f9bc4fb28ec0cf.Dockerfile",
	}
}

// equalsSign are the edits that write a pair of the old form in the new one,
// with the same value; nil: none is known.
func equalsSign(in *inspect.Input, pair dockerfile.Pair) []finding.Edit {
	if strings.Contains(pair.Key.Text, "=") {
		return nil // a name in quotes
	}
	between := in.File.Span(pair.Key.Span.End, pair.Value.Span.Start)
	end := pair.Value.Span.End
	value := pair.Value.Text
	if !strings.ContainsFunc(value, unicode.IsSpace) {
		if !meansSame(in, value, value) {
			return nil
		}
		return []finding.Edit{in.Edit(between, "=")}
	}
	if !strings.Contains(value, `"`) && meansSame(in, value, `"`+value+`"`) {
		return []finding.Edit{in.Edit(between, `="`), in.Insert(end, `"`)}
	}
	if strings.HasPrefix(value, `"`) || strings.HasPrefix(value, "'") {
		if meansSame(in, value, value) {
			return []finding.Edit{in.Edit(between, "=")} // in quotes already
		}
	}
	return nil
}

// meansSame reports whether a value of the old form is, as a word of the new one,
// one word with the same value, whatever variables are.
func meansSame(in *inspect.Input, old, word string) bool {
	lex := shell.NewLex(rune(in.File.Escape))
	for _, env := range []shell.EnvGetter{markedEnv("<"), markedEnv("")} {
		a, err := lex.ProcessWordWithMatches(dockerfile.Lexable(old), env)
		if err != nil {
			return false
		}
		b, err := lex.ProcessWordWithMatches(dockerfile.Lexable(word), env)
		if err != nil || a.Result != b.Result {
			return false
		}
	}
	return oneWord(word, in.File.Escape)
}

// markedEnv is an environment in which every variable is set, to its name
// after the mark, or to nothing at all.
type markedEnv string

func (m markedEnv) Get(name string) (string, bool) {
	if m == "" {
		return "", false
	}
	return string(m) + name, true
}

func (markedEnv) Keys() []string { return nil }

// oneWord reports whether ENV and LABEL read the text as one word: no white space
// outside of quotes.
func oneWord(text string, escape byte) bool {
	quote := rune(0)
	escaped := false
	for _, r := range text {
		switch {
		case escaped:
			escaped = false
		case r == rune(escape) && quote != '\'':
			escaped = true
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '"' || r == '\'':
			quote = r
		case unicode.IsSpace(r):
			return false
		}
	}
	return quote == 0 && !escaped && text != ""
}
