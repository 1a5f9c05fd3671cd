package instruction

import (
	"context"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func envOrder() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/env-refers-to-itself",
				Title:    "ENV uses a variable that the same ENV sets",
				Practice: finding.Layering,
				Severity: finding.High,
				Aliases:  []string{"DL3044"},
				Why: "All values of one ENV are filled in before any of them is set: a variable that is set in it has the value from before, which " +
					"for a new one is none. The path ends up as \"/bin:…\" where \"/opt/app/bin:…\" was meant. Set it in an ENV of its own, above.",
				Bad:  "FROM debian:13-slim\nENV APP_HOME=/opt/app PATH=$APP_HOME/bin:/usr/bin:/bin\n",
				Good: "FROM debian:13-slim\nENV APP_HOME=/opt/app\nENV PATH=$APP_HOME/bin:/usr/bin:/bin\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				seen := map[string]bool{} // as hadolint remembers them, over all stages
				for i := range in.File.Instructions {
					inst := &in.File.Instructions[i]
					switch inst.Cmd {
					case "ARG":
						for _, pair := range inst.Pairs() {
							seen[pair.Key.Text] = true
						}
					case "ENV":
						envPairs(in, i, seen, p.Report)
					}
				}
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/522a8c9f2fdc9a1cb2a6ffa393d21ea2074c661a.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/97ee2251bbc52294efbf60fa4342ce6f52c0d25c.Dockerfile",
	}
}

func envPairs(in *inspect.Input, i int, seen map[string]bool, report func(finding.Finding)) {
	inst := &in.File.Instructions[i]
	pairs := inst.Pairs()
	set := map[string]int{} // where in the ENV a name is set first
	times := map[string]int{}
	for n, pair := range pairs {
		times[pair.Key.Text]++
		if _, ok := set[pair.Key.Text]; !ok {
			set[pair.Key.Text] = n
		}
	}
	told := map[string]bool{}
	for n, pair := range pairs {
		for _, ref := range references(pair.Value.Text, in.File.Escape) {
			first, ok := set[ref.name]
			if !ok || told[ref.name] || seen[ref.name] {
				continue
			}
			if first == n && times[ref.name] == 1 {
				continue // its own old value
			}
			if x := in.Scopes.Variable(in.Stage(i), i, ref.name); x.Known && x.Set && x.Env {
				continue // the base image's
			}
			told[ref.name] = true
			f := rule.At(pair.Value.Span, ref.name, "$%s is filled in before this ENV sets it", ref.name)
			if !ref.plain {
				f.Aliases = []string{} // hadolint knows $NAME and ${NAME}
			}
			if first < n {
				f = split(in, f, inst, pairs, first, n)
			}
			report(f)
		}
	}
	for name := range set {
		seen[name] = true
	}
}

// split begins a new ENV at the n-th pair, where only blanks and a continuation
// stand between it and the one before.
func split(in *inspect.Input, f finding.Finding, inst *dockerfile.Instruction, pairs []dockerfile.Pair, first, n int) finding.Finding {
	start, end := inst.Words[n-1].Span.End, inst.Words[n].Span.Start
	if strings.Trim(string(in.File.Bytes[start:end]), " \t\r\n"+string(in.File.Escape)) != "" {
		return f
	}
	edit := in.Edit(finding.Span{Start: start, End: end}, in.LineEnd()+inst.Keyword.Text+" ")
	return rule.WithFix(f, finding.Behaviour, "Set "+pairs[first].Key.Text+" in an ENV of its own, above", edit)
}

// envRef is a variable that a value refers to.
type envRef struct {
	name  string
	plain bool // as $NAME or ${NAME}
}

// references are the variables of a value, as a builder fills them in: none in
// single quotes, none after the escape character.
func references(value string, escape byte) []envRef {
	var out []envRef
	single, double := false, false
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case single:
			single = c != '\''
		case c == escape:
			i++
		case c == '"':
			double = !double
		case c == '\'' && !double:
			single = true
		case c == '$':
			rest := value[i+1:]
			braced := strings.HasPrefix(rest, "{")
			rest = strings.TrimPrefix(rest, "{")
			n := 0
			for n < len(rest) && (rest[n] == '_' || inspect.IsLetterOrDigit(rest[n])) {
				n++
			}
			if n > 0 {
				out = append(out, envRef{rest[:n], !braced || strings.HasPrefix(rest[n:], "}")})
			}
			i += n
		}
	}
	return out
}
