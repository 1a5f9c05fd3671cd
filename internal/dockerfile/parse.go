package dockerfile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

const byteOrderMark = "\xef\xbb\xbf"

// Parse reads a Dockerfile. name is what spans and errors call it. An error is
// an [*Error]: the place, and BuildKit's own message.
func Parse(name string, b []byte) (*File, error) { return ParseWith(name, b, nil) }

// ParseWith is Parse for a build that is given values of its arguments, as by
// docker build --build-arg: what stages stand on is told with them in place of
// the file's own defaults. GlobalArgs is what the file says.
func ParseWith(name string, b []byte, args map[string]string) (*File, error) {
	p := &parsing{file: &File{Name: name, Bytes: b, Escape: parser.DefaultEscapeToken}, args: args}
	if len(b) > MaxBytes {
		return nil, p.fail(0, fmt.Errorf("%d bytes are over the limit of %d", len(b), MaxBytes))
	}
	p.findLines()
	result, err := parser.Parse(bytes.NewReader(b))
	if err != nil {
		return nil, p.locate(err, p.longLine(err))
	}
	p.file.Escape = byte(result.EscapeToken)
	if n := len(result.AST.Children); n > MaxInstructions {
		return nil, p.fail(result.AST.Children[MaxInstructions].StartLine, fmt.Errorf("%d instructions are over the limit of %d", n, MaxInstructions))
	}
	onbuild := slices.IndexFunc(result.AST.Children, chainsOnbuild)
	line := 0
	if onbuild >= 0 {
		line = result.AST.Children[onbuild].StartLine
		result.AST.Children = result.AST.Children[:onbuild]
	}
	// A linter that says nothing: without one, BuildKit's code does not survive
	// a "# check=" comment above an instruction.
	stages, _, err := instructions.Parse(result.AST, linter.New(&linter.Config{}))
	if err != nil {
		return nil, p.locate(err, 0)
	}
	if onbuild >= 0 {
		return nil, p.fail(line, errors.New("`ONBUILD ONBUILD` is not allowed"))
	}
	if len(stages) == 0 {
		return nil, p.fail(0, errors.New("no build stage: there is no FROM"))
	}
	p.directives()
	for _, n := range result.AST.Children {
		p.instruction(n)
	}
	p.stages(stages)
	return p.file, nil
}

// Frontend is the front end that a file's syntax directive names, where it is not the
// Dockerfile's own: its grammar is its own, too. "": none.
func Frontend(b []byte) string {
	name, _, _, ok := parser.DetectSyntax(b)
	if !ok || ownFrontend.MatchString(name) {
		return ""
	}
	return name
}

// ownFrontend are the names of the front end whose grammar BuildKit has built in.
var ownFrontend = lazyregexp.New(`^(docker\.io/)?docker/dockerfile(-upstream)?([:@].*)?$`)

// chainsOnbuild finds a chain of ONBUILDs, which BuildKit refuses, before
// BuildKit's code does, which takes a time that grows with the square of it.
func chainsOnbuild(n *parser.Node) bool {
	return strings.EqualFold(n.Value, "onbuild") && n.Next != nil && len(n.Next.Children) > 0 &&
		strings.EqualFold(n.Next.Children[0].Value, "onbuild")
}

type parsing struct {
	file *File
	args map[string]string // values of build arguments that the build is given
}

func (p *parsing) findLines() {
	b := p.file.Bytes
	for at := 0; at < len(b); {
		p.file.lines = append(p.file.lines, at)
		n := bytes.IndexByte(b[at:], '\n')
		if n < 0 {
			break
		}
		at += n + 1
	}
	p.file.lines = append(p.file.lines, len(b))
}

func (p *parsing) span(first, last int) finding.Span { return p.file.lineSpan(first, last) }

// Span is the place of the bytes from start to end, with its line and column.
func (f *File) Span(start, end int) finding.Span {
	n, found := slices.BinarySearch(f.lines, start)
	if !found || n == len(f.lines)-1 && n > 0 {
		n--
	}
	n = max(n, 0)
	return finding.Span{File: f.Name, Start: start, End: end, Line: n + 1, Column: start - f.lines[n] + 1}
}

// lineSpan is the place of lines first to last (from 1), without white space
// before and the line end after.
func (f *File) lineSpan(first, last int) finding.Span {
	most := len(f.lines) - 1
	first, last = min(max(first, 1), most), min(last, most)
	start := f.lines[first-1]
	end := max(f.lines[max(first, last)], start)
	b := f.Bytes[start:end]
	if start == 0 {
		b = bytes.TrimPrefix(b, []byte(byteOrderMark))
	}
	b = bytes.TrimLeftFunc(b, unicode.IsSpace)
	at := end - len(b)
	b = bytes.TrimRight(b, "\r\n")
	return finding.Span{File: f.Name, Start: at, End: at + len(b), Line: first, Column: at - start + 1}
}

// fail is an error at a line; 0: in the file as a whole.
func (p *parsing) fail(line int, err error) error {
	if line <= 0 || len(p.file.lines) < 2 {
		return &Error{Span: finding.Span{File: p.file.Name}, Err: err}
	}
	return &Error{Span: p.span(line, line), Err: err}
}

// locate finds the place in an error of BuildKit's, and takes its own words
// for it away.
func (p *parsing) locate(err error, line int) error {
	var at *parser.LocationError
	if errors.As(err, &at) {
		for _, ranges := range at.Locations {
			if len(ranges) > 0 && line == 0 {
				line = max(ranges[0].Start.Line, 1)
			}
		}
		err = at.Unwrap()
	}
	return p.fail(line, err)
}

// longLine is the line that stopped BuildKit's scanner, which gives the line
// before it as the place; 0: it was not that.
func (p *parsing) longLine(err error) int {
	var at *parser.LocationError
	if !errors.As(err, &at) || len(at.Locations) == 0 || len(at.Locations[0]) == 0 {
		return 0
	}
	next := at.Locations[0][0].Start.Line + 1
	if next < len(p.file.lines) && p.file.lines[next]-p.file.lines[next-1] >= bufio.MaxScanTokenSize {
		return next
	}
	return 0
}

// directives reads the comments at the top that BuildKit reads as directives.
func (p *parsing) directives() {
	var dp parser.DirectiveParser
	shebang := false // a first line that syntax and check, but not escape, may stand below
	for i := range len(p.file.lines) - 1 {
		b := p.file.Bytes[p.file.lines[i]:p.file.lines[i+1]]
		if i == 0 {
			b = bytes.TrimPrefix(b, []byte(byteOrderMark))
			if shebang = bytes.HasPrefix(b, []byte("#!")); shebang {
				continue
			}
		}
		b = bytes.TrimLeftFunc(bytes.TrimRight(b, "\r\n"), unicode.IsSpace)
		d, err := dp.ParseLine(b)
		if err != nil || d == nil {
			return
		}
		if shebang && d.Name == "escape" {
			continue
		}
		p.file.Directives = append(p.file.Directives, Directive{Name: d.Name, Value: d.Value, Span: p.span(i+1, i+1)})
	}
}

func (p *parsing) instruction(n *parser.Node) {
	in := Instruction{
		Cmd: strings.ToUpper(n.Value), Flags: n.Flags, JSON: n.Attributes["json"],
		Stage: -1, Span: p.span(n.StartLine, n.EndLine),
	}
	in.Raw = string(p.file.Bytes[in.Span.Start:in.Span.End])
	in.Args = arguments(in.Cmd, n)
	for _, h := range n.Heredocs {
		in.Heredocs = append(in.Heredocs, Heredoc{Name: h.Name, Content: h.Content, Expand: h.Expand, Chomp: h.Chomp})
	}
	p.words(&in, n)
	p.file.Instructions = append(p.file.Instructions, in)
}

// arguments reads the list that BuildKit's parser makes of them. ENV and LABEL
// come as name, value and separator.
func arguments(cmd string, n *parser.Node) []string {
	var out []string
	if a := n.Next; a != nil && a.Value == "" && a.Next == nil && len(a.Children) == 0 && !n.Attributes["json"] {
		return nil // of an unknown trigger
	}
	for arg := n.Next; arg != nil; arg = arg.Next {
		switch {
		case len(arg.Children) > 0:
			inner := arg.Children[0]
			out = append(append(out, inner.Value), arguments(strings.ToUpper(inner.Value), inner)...)
		case (cmd == "ENV" || cmd == "LABEL") && arg.Next != nil && arg.Next.Next != nil:
			out = append(out, arg.Value+"="+arg.Next.Value)
			arg = arg.Next.Next
		default:
			out = append(out, arg.Value)
		}
	}
	return out
}

// stages fills in what belongs to stages, from BuildKit's reading of them.
func (p *parsing) stages(read []instructions.Stage) {
	f := p.file
	f.Stages = make([]Stage, 0, len(read)) // so that a Parent stays where it is
	env := map[string]string{}
	f.byName = map[string]int{}
	for i := range f.Instructions {
		in := &f.Instructions[i]
		if in.Cmd == "FROM" {
			n := len(f.Stages)
			if n > 0 {
				f.Stages[n-1].End = i
			}
			s := Stage{Index: n, Name: read[n].Name, BaseRaw: read[n].BaseName, From: i, End: len(f.Instructions), Span: in.Span}
			s.BaseWord = in.Words[0]
			if len(in.Words) > 2 {
				s.NameWord = in.Words[2]
			}
			s.Base = p.expand(s.BaseRaw, env)
			s.Platform = p.expand(read[n].Platform, env)
			if s.Base == "" {
				s.Base = p.defaultBase(s.BaseRaw, env)
			}
			if base, ok := f.byName[strings.ToLower(s.Base)]; ok && s.Base != "" {
				s.Parent = &f.Stages[base]
			}
			if s.Name != "" {
				f.byName[s.Name] = n
			}
			f.Stages = append(f.Stages, s)
		}
		in.Stage = len(f.Stages) - 1
		if in.Stage < 0 && in.Cmd == "ARG" {
			p.globalArgs(in, env)
		}
	}
}

func (p *parsing) globalArgs(in *Instruction, env map[string]string) {
	for _, word := range in.Args {
		a := Arg{Name: word}
		if name, value, ok := strings.Cut(word, "="); ok {
			a = Arg{Name: name, Default: value, HasDefault: true}
			if v, ok := p.resolve(value, env); ok {
				a.Value = v
				env[name] = v
			} else {
				delete(env, name)
			}
		}
		if v, given := p.args[a.Name]; given {
			env[a.Name] = v
		}
		p.file.GlobalArgs = append(p.file.GlobalArgs, a)
	}
}

// defaultBase is what a build of the default platform that is given no arguments makes of
// a base's name: arguments without a value are empty, and the platform's parts lead to
// a stage of the file; empty: it cannot be told, or is no reference.
func (p *parsing) defaultBase(word string, env map[string]string) string {
	with := maps.Clone(env)
	for _, a := range p.file.GlobalArgs {
		if _, set := with[a.Name]; !set && !a.HasDefault {
			with[a.Name] = ""
		}
	}
	platform := map[string]string{
		"TARGETPLATFORM": "linux/amd64", "TARGETOS": "linux", "TARGETARCH": "amd64", "TARGETVARIANT": "",
		"BUILDPLATFORM": "linux/amd64", "BUILDOS": "linux", "BUILDARCH": "amd64", "BUILDVARIANT": "",
	}
	// What no ARG declares nobody can give a value to.
	for _, name := range p.undeclared(word, with) {
		if _, set := platform[name]; !set {
			with[name] = ""
		}
	}
	if base := p.expand(word, with); plainReference.MatchString(base) {
		return base
	}
	for name, value := range platform {
		if _, set := with[name]; !set {
			with[name] = value
		}
	}
	base := p.expand(word, with)
	if _, ok := p.file.byName[strings.ToLower(base)]; ok {
		return base
	}
	return ""
}

// plainReference is the reference of an image, without a digest.
var plainReference = lazyregexp.New(`^[a-z0-9][a-zA-Z0-9._/-]*(:[0-9]+/[a-z0-9._/-]+)?(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?$`)

// expand fills in variables; empty: they cannot be told.
func (p *parsing) expand(word string, env map[string]string) string {
	v, ok := p.resolve(word, env)
	if !ok {
		return ""
	}
	return v
}

// maxWord limits the bytes of a word or value that variables are filled in for. That is many times
// a reference's length, and short enough that values made of values do not grow without end.
const maxWord = 4096

func (p *parsing) resolve(word string, env map[string]string) (string, bool) {
	if len(word) > maxWord {
		return "", false
	}
	result, err := shell.NewLex(rune(p.file.Escape)).ProcessWordWithMatches(Lexable(word), variables(env))
	if err != nil || len(result.Unmatched) > 0 || len(result.Result) > maxWord {
		return "", false
	}
	return result.Result, true
}

// undeclared are the variables of a word that an environment lacks.
func (p *parsing) undeclared(word string, env map[string]string) []string {
	if len(word) > maxWord {
		return nil
	}
	result, err := shell.NewLex(rune(p.file.Escape)).ProcessWordWithMatches(Lexable(word), variables(env))
	if err != nil {
		return nil
	}
	return slices.Collect(maps.Keys(result.Unmatched))
}

// variables are what a word is expanded with.
type variables map[string]string

func (v variables) Get(key string) (string, bool) { s, ok := v[key]; return s, ok }

func (v variables) Keys() []string {
	out := make([]string, 0, len(v))
	for k := range v {
		out = append(out, k)
	}
	return out
}
