package buildkit

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

func undefinedVar() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/undefined-var",
				Title:    "A variable is used that nothing sets",
				Practice: finding.Layering,
				Severity: finding.Medium,
				Aliases:  []string{"UndefinedVar"},
				Why: "The builder puts nothing in the place of a variable that no ENV or ARG of the stage, nor the base image, sets: a path loses a " +
					"part, a version its number, and the build goes on. An ARG before the first FROM is for FROM alone until the stage names it again; " +
					"and a variable set by an ENV is seen from the next instruction on. Where the base is not known, it may be the one that sets it.",
				Bad:  "FROM scratch\nARG VERSION=1\nENV APP_VERSION=$VERSIONS\n",
				Good: "FROM scratch\nARG VERSION=1\nENV APP_VERSION=$VERSION\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				told := 0
				for i := range p.Input.File.Instructions {
					if s := p.Input.Stage(i); s != nil {
						expansions(p.Input, s, i, func(place finding.Span, name string) {
							told++
							p.Report(unset(p.Input, s, i, place, name, told <= maxAdvised))
						})
					}
				}
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/522a8c9f2fdc9a1cb2a6ffa393d21ea2074c661a.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/1175ddea6148f3721f9cfbff0434e24f3a2ccda7.Dockerfile",
	}
}

// maxAdvised is how many findings of a rule in a file say what could be done,
// where finding that out takes long.
const maxAdvised = 100

// unset is the finding of a variable that nothing sets.
func unset(in *inspect.Input, s *dockerfile.Stage, i int, place finding.Span, name string, spelling bool) finding.Finding {
	f := rule.At(useOf(in, place, name), name, "$%s is set by nothing in this file or the base image", name)
	if base := in.Scopes.Base(s); base == nil || !base.Config {
		f.Message = fmt.Sprintf("$%s is set by nothing in this file; the base image is not known here", name)
		f.Severity = finding.Low
	}
	if spelling {
		f = respelled(f, inspect.Closest(name, variables(in, s, i, name)))
	}
	if slices.ContainsFunc(in.File.GlobalArgs, func(a dockerfile.Arg) bool { return a.Name == name }) {
		f = rule.WithEvidence(f, "scope", "ARG %s before the first FROM is not seen in a stage that does not repeat it", name)
	}
	return f
}

// useOf is where a word uses a variable; the word itself if that cannot be
// told.
func useOf(in *inspect.Input, word finding.Span, name string) finding.Span {
	for _, form := range []string{"$" + name, "${" + name} {
		if n := bytes.Index(in.File.Bytes[word.Start:word.End], []byte(form)); n >= 0 {
			return in.File.Span(word.Start+n, word.Start+n+len(form))
		}
	}
	return word
}

// respelled adds what may have been meant by a variable: a question, and never
// an edit, since the name may well be another's.
func respelled(f finding.Finding, match string) finding.Finding {
	if match == "" {
		return f
	}
	return rule.WithEvidence(f, "spelling", "did you mean $%s", match)
}

// variables are the names that instruction i may use and may have meant by name.
func variables(in *inspect.Input, s *dockerfile.Stage, i int, name string) []string {
	var out []string
	if base := in.Scopes.Base(s); base != nil {
		for set := range base.Env {
			out = append(out, set)
		}
	}
	for ; s != nil; s, i = s.Parent, len(in.File.Instructions) {
		for n := s.From + 1; n < min(s.End, i); n++ {
			if inst := &in.File.Instructions[n]; inst.Cmd == "ENV" || inst.Cmd == "ARG" {
				for _, pair := range inst.Pairs() {
					out = append(out, pair.Key.Text)
				}
			}
		}
	}
	if strings.HasSuffix(name, "PATH") {
		return out // GOPATH is one of its own
	}
	return append(out, "PATH")
}

// undefined reports whether a word uses a variable that nothing sets.
func undefined(in *inspect.Input, s *dockerfile.Stage, i int, word string) bool {
	e := &lookup{in: in, stage: s, at: i}
	return len(e.missing(shell.NewLex(rune(in.File.Escape)), word)) > 0
}

// expansions calls visit for each variable in what BuildKit expands of
// instruction i that nothing sets, with the place of the word.
func expansions(in *inspect.Input, s *dockerfile.Stage, i int, visit func(place finding.Span, name string)) {
	inst := &in.File.Instructions[i]
	e := &lookup{in: in, stage: s, at: i}
	lex := shell.NewLex(rune(in.File.Escape))
	look := func(lex *shell.Lex, place finding.Span, text string) {
		for _, name := range e.missing(lex, text) {
			visit(place, name)
		}
	}
	words := inst.Words
	switch inst.Cmd {
	case "ENV", "LABEL":
		for _, pair := range inst.Pairs() {
			look(lex, pair.Key.Span, pair.Key.Text)
			look(lex, pair.Value.Span, pair.Value.Text)
		}
		return
	case "ARG":
		for _, pair := range inst.Pairs() {
			if pair.HasValue {
				look(lex, pair.Value.Span, pair.Value.Text)
			}
			e.here = append(e.here, pair.Key.Text)
		}
		return
	case "RUN":
		words = nil
	case "ADD", "COPY", "WORKDIR", "USER", "VOLUME", "STOPSIGNAL":
	default:
		return
	}
	for _, f := range inst.FlagWords {
		switch f.Name {
		case "mount":
			for _, field := range strings.Split(f.Value, ",") {
				if _, value, ok := strings.Cut(field, "="); ok {
					look(lex, f.Span, value)
				}
			}
		case "chown", "chmod", "checksum":
			look(lex, f.Span, f.Value)
		}
	}
	copies := inst.Cmd == "ADD" || inst.Cmd == "COPY"
	for _, w := range words {
		if !copies || parser.MustParseHeredoc(w.Text) == nil {
			look(lex, w.Span, w.Text)
		}
	}
	if copies {
		raw := shell.NewLex('\\')
		raw.SkipProcessQuotes = true
		for _, h := range inst.Heredocs {
			if h.Expand {
				look(raw, h.Body, h.Content)
			}
		}
	}
}

// lookup is what BuildKit's expander asks, for an instruction of a stage.
type lookup struct {
	in    *inspect.Input
	stage *dockerfile.Stage
	at    int
	here  []string // arguments that the instruction itself has set so far
}

// missing are the variables of a text that nothing sets, in order. What stands
// before an error in the text counts.
func (e *lookup) missing(lex *shell.Lex, text string) []string {
	if !strings.Contains(text, "$") {
		return nil
	}
	r, _ := lex.ProcessWordWithMatches(dockerfile.Lexable(text), e)
	var out []string
	for name := range r.Unmatched {
		// An argument without a value is declared all the same; two are BuildKit's.
		v := e.in.Scopes.Variable(e.stage, e.at, name)
		if v.By < 0 && !slices.Contains(e.here, name) && !strings.HasPrefix(name, "BUILDKIT_SBOM_SCAN_") && !e.documented(name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// documented reports whether a base whose configuration is not known here is
// documented to set a variable: images of .NET have the number of their user, those of
// languages where they keep what they install.
func (e *lookup) documented(name string) bool {
	if e.stage == nil {
		return false
	}
	if name == "APP_UID" {
		return strings.HasPrefix(e.in.File.Chain(e.stage)[0].Base, "mcr.microsoft.com/dotnet/")
	}
	always := map[string][]string{
		"golang": {"GOPATH", "GOLANG_VERSION", "GOTOOLCHAIN"}, "node": {"NODE_VERSION", "YARN_VERSION"}, "python": {"PYTHON_VERSION"},
		"ruby": {"RUBY_VERSION", "GEM_HOME", "BUNDLE_APP_CONFIG"}, "rust": {"CARGO_HOME", "RUSTUP_HOME", "RUST_VERSION"},
		"php": {"PHP_VERSION", "PHP_INI_DIR"}, "eclipse-temurin": {"JAVA_HOME", "JAVA_VERSION"}, "maven": {"MAVEN_HOME", "JAVA_HOME"},
		"gradle": {"GRADLE_HOME", "JAVA_HOME"}, "tomcat": {"CATALINA_HOME", "JAVA_HOME"}, "postgres": {"PGDATA", "PG_MAJOR", "PG_VERSION"},
		"nginx": {"NGINX_VERSION"},
	}
	return slices.Contains(always[inspect.OfficialImage(e.stage)], name)
}

// Get and Keys make it a shell.EnvGetter.
func (e *lookup) Get(name string) (string, bool) {
	if name == "PATH" || slices.Contains(e.here, name) {
		return name, true // every image has a PATH
	}
	v := e.in.Scopes.Variable(e.stage, e.at, name)
	return v.Value, v.Set
}

func (*lookup) Keys() []string { return nil }
