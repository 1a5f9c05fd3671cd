package oracle

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/frontend/dockerfile/command"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// mutantsParsed is how many mutants the parsers are held against each other on.
const mutantsParsed = 8000

// reading is what a Dockerfile is taken for.
type reading struct {
	Instructions []instruction
	Stages       []stage
}

type instruction struct {
	Cmd         string
	First, Last int // lines
	Flags, Args []string
	JSON        bool
	Heredocs    []string
}

type stage struct{ Name, Base, Platform string }

// TestParsersAgree holds the parsers against each other: what BuildKit's
// accepts ours accepts, as the same instructions and stages; what it refuses
// ours refuses, at the same line.
func TestParsersAgree(t *testing.T) {
	files := corpus(t)
	accepted, refused := 0, 0
	look := func(f file) {
		want, line, err := readByBuildKit(f.text)
		got, ours := dockerfile.Parse("Dockerfile", f.text)
		if (err == nil) != (ours == nil) {
			t.Errorf("%s: %v, and BuildKit says %v", f.name, ours, err)
			return
		}
		if err != nil {
			refused++
			var e *dockerfile.Error
			if !errors.As(ours, &e) {
				t.Errorf("%s: %v is no error of a place", f.name, ours)
			} else if e.Span.Line != line && !knownPlace(f.text, line, e.Span.Line, ours) {
				t.Errorf("%s: %v is at line %d, BuildKit says %d: %v", f.name, ours, e.Span.Line, line, err)
			}
			return
		}
		accepted++
		read := readByDrydock(got)
		trailing(f.text, want.Instructions, read.Instructions)
		if diff := cmp.Diff(want, read); diff != "" {
			t.Errorf("%s: -BuildKit +Drydock\n%s", f.name, diff)
		}
		bytesOfWords(t, f.name, got)
	}
	for _, f := range files {
		look(f)
	}
	mutants(files, 3, mutantsParsed, func(f file) {
		if !t.Failed() {
			look(f)
		}
	})
	t.Logf("%d accepted, %d refused", accepted, refused)
	if accepted < mutantsParsed/2 || refused < mutantsParsed/20 {
		t.Errorf("%d accepted and %d refused: one side is hardly tried", accepted, refused)
	}
}

// knownPlace are the places where ours is better. BuildKit counts a line only
// after it has read it: an error in a directive, and a line that is too long,
// it puts on the line before.
func knownPlace(text []byte, theirs, ours int, err error) bool {
	lines := bytes.SplitAfter(text, []byte("\n"))
	if ours != theirs+1 || ours > len(lines) {
		return false
	}
	line := lines[ours-1]
	return strings.Contains(err.Error(), "max allowed size") && len(line) >= bufio.MaxScanTokenSize ||
		bytes.Contains(line, []byte("#")) && (strings.Contains(err.Error(), "escape token") || strings.Contains(err.Error(), "directive"))
}

func readByBuildKit(text []byte) (reading, int, error) {
	var r reading
	result, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return r, errorLine(err), err
	}
	stages, _, err := instructions.Parse(result.AST, linter.New(&linter.Config{}))
	if err != nil {
		return r, errorLine(err), err
	}
	if len(stages) == 0 {
		return r, 0, errors.New("dockerfile contains no stages to build")
	}
	for _, n := range result.AST.Children {
		in := instruction{
			Cmd: strings.ToUpper(n.Value), First: n.StartLine, Last: n.EndLine,
			Flags: n.Flags, Args: flat(n), JSON: n.Attributes["json"],
		}
		for _, h := range n.Heredocs {
			in.Heredocs = append(in.Heredocs, fmt.Sprintf("%s %v %v\n%s", h.Name, h.Expand, h.Chomp, h.Content))
		}
		r.Instructions = append(r.Instructions, in)
	}
	for _, s := range stages {
		r.Stages = append(r.Stages, stage{s.Name, s.BaseName, s.Platform})
	}
	return r, 0, nil
}

func errorLine(err error) int {
	var at *parser.LocationError
	if errors.As(err, &at) {
		for _, ranges := range at.Locations {
			for _, r := range ranges {
				return r.Start.Line
			}
		}
	}
	return 0
}

// flat is the list of arguments of a node, the pairs of ENV and LABEL as one.
func flat(n *parser.Node) []string {
	var out []string
	cmd := strings.ToUpper(n.Value)
	for a := n.Next; a != nil; a = a.Next {
		if len(a.Children) == 1 {
			out = append(out, a.Children[0].Value)
			// BuildKit takes any word for a trigger, and reads nothing after one that
			// is no instruction.
			if _, ok := command.Commands[strings.ToLower(a.Children[0].Value)]; ok {
				out = append(out, flat(a.Children[0])...)
			}
			continue
		}
		out = append(out, a.Value)
	}
	if cmd == "ENV" || cmd == "LABEL" {
		var pairs []string
		for p := range slices.Chunk(out, 3) {
			pairs = append(pairs, strings.Join(p[:min(2, len(p))], "="))
		}
		return pairs
	}
	return out
}

func readByDrydock(f *dockerfile.File) reading {
	var r reading
	for _, in := range f.Instructions {
		i := instruction{
			Cmd: in.Cmd, First: in.Span.Line, Last: in.Span.Line + strings.Count(in.Raw, "\n"),
			Flags: in.Flags, Args: in.Args, JSON: in.JSON,
		}
		for _, h := range in.Heredocs {
			i.Heredocs = append(i.Heredocs, fmt.Sprintf("%s %v %v\n%s", h.Name, h.Expand, h.Chomp, h.Content))
		}
		r.Instructions = append(r.Instructions, i)
	}
	for i := range f.Stages {
		s := &f.Stages[i]
		platform := ""
		for _, flag := range f.Instructions[s.From].FlagWords {
			if flag.Name == "platform" {
				platform = flag.Value
			}
		}
		r.Stages = append(r.Stages, stage{s.Name, s.BaseRaw, platform})
	}
	return r
}

// trailing gives ours the last lines of theirs where an instruction ends in a
// continuation with nothing after it but blank lines and comments: to BuildKit
// these are the instruction's, ours ends with what is meant.
func trailing(text []byte, theirs, ours []instruction) {
	lines := bytes.Split(text, []byte("\n"))
	for i := range min(len(theirs), len(ours)) {
		for n := ours[i].Last; n < min(theirs[i].Last, len(lines)); n++ {
			if l := bytes.TrimSpace(lines[n]); len(l) > 0 && l[0] != '#' {
				break
			}
			ours[i].Last++
		}
	}
}

// bytesOfWords holds that a word on one line is the file's bytes, and that the
// bytes between two words of an instruction are none of its words'.
func bytesOfWords(t *testing.T, name string, f *dockerfile.File) {
	t.Helper()
	for _, in := range f.Instructions {
		at := in.Span.Start
		check := func(w dockerfile.Word) {
			if w.Span.Start < at || w.Span.End > in.Span.End {
				t.Errorf("%s: %s: word %q at %d to %d, after byte %d", name, in.Cmd, w.Text, w.Span.Start, w.Span.End, at)
				return
			}
			at = w.Span.End
			raw := string(f.Bytes[w.Span.Start:w.Span.End])
			if !in.JSON && !strings.Contains(raw, "\n") && strings.ToValidUTF8(raw, "\uFFFD") != strings.ToValidUTF8(w.Text, "\uFFFD") && in.Cmd != "ENV" && in.Cmd != "LABEL" {
				t.Errorf("%s: %s: word %q is %q in the file", name, in.Cmd, w.Text, raw)
			}
		}
		check(in.Keyword)
		for n, w := range in.FlagWords {
			raw := f.Bytes[w.Span.Start:w.Span.End]
			if text := plain(raw, f.Escape); !bytes.ContainsAny(raw, "\n") && text != in.Flags[n] {
				t.Errorf("%s: %s: flag %q is %q in the file", name, in.Cmd, in.Flags[n], raw)
			}
			check(dockerfile.Word{Text: string(f.Bytes[w.Span.Start:w.Span.End]), Span: w.Span})
		}
		if in.Trigger == nil {
			for _, w := range in.Words {
				check(w)
			}
		}
	}
}

// plain is a flag's text without quotes and escape characters, byte by byte.
func plain(raw []byte, escape byte) string {
	var b strings.Builder
	quote := byte(0)
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case c == escape:
			if i++; i < len(raw) {
				b.WriteRune(rune(raw[i]))
			}
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case c == quote:
			quote = 0
		default:
			b.WriteRune(rune(c))
		}
	}
	return b.String()
}
