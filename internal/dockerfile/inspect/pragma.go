package inspect

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
)

// Pragma is a comment that says something to a linter:
//
//	# check=skip=A,B                     BuildKit, above an instruction: for that one
//	# hadolint ignore=DL3008 # why       for the instruction directly below
//	# hadolint stage ignore=DL3008       for the stage whose FROM is directly below
//	# hadolint global ignore=DL3008      for the file
//	# hadolint shell=powershell          the shell from here on, where no SHELL says another
//
// and drydock for hadolint with any rule's name, ours and every other tool's.
// BuildKit's directive at the top of a file is no comment: [BuildKitDirective].
type Pragma struct {
	Tool   string // "check", "hadolint", "drydock"
	Scope  string // "", "stage", "global"; "shell"
	Names  []string
	all    bool // each of BuildKit's
	Reason string
	Span   finding.Span
	Wrong  string // why it is not obeyed; empty: it is
}

// Source is who says so.
func (p *Pragma) Source() string { return fmt.Sprintf("%s:%d", p.Span.File, p.Span.Line) }

// pragmas are those of a file.
type pragmas struct {
	All    []*Pragma
	Global naming
	Stage  map[int]naming // by the stage's index
	Local  map[int]naming // by the instruction's index
	shell  map[int]string // by the instruction's index, where a pragma says it

	only bool // BuildKit's only
}

// readPragmas reads the comments between the instructions of a file. Those
// within one are not pragmas to any linter. With only, those that are not
// BuildKit's turn no rule off.
func readPragmas(f *dockerfile.File, only bool) *pragmas {
	out := &pragmas{Global: naming{}, Stage: map[int]naming{}, Local: map[int]naming{}, shell: map[int]string{}, only: only}
	if d, span, _ := CheckDirective(f); len(d.Skip) > 0 {
		out.Global.add(&Pragma{Tool: "check", Names: d.Skip, all: d.all, Span: span})
	}
	shells := make([]string, len(f.Stages))
	shell, from := "", 0
	for i := 0; i <= len(f.Instructions); i++ {
		end := len(f.Bytes)
		if i < len(f.Instructions) {
			end = f.Instructions[i].Span.Start
		}
		said := out.between(f, from, end, i)
		if i == len(f.Instructions) {
			break
		}
		inst := &f.Instructions[i]
		from = inst.Span.End
		switch inst.Cmd {
		case "FROM":
			shell = ""
			if p := f.Stages[inst.Stage].Parent; p != nil {
				shell = shells[p.Index]
			}
		case "SHELL":
			shell = ""
		}
		if said != "" {
			shell = said
		}
		if inst.Stage >= 0 {
			shells[inst.Stage] = shell
		}
		if shell != "" && inst.Cmd != "SHELL" {
			out.shell[i] = shell
		}
	}
	return out
}

// between reads the comments from one instruction's end to the next one's
// start. It returns the shell that a pragma among them says.
func (ps *pragmas) between(f *dockerfile.File, from, end, next int) (shell string) {
	var block []*Pragma // of the comments directly above
	var check *Pragma   // BuildKit's first since the last empty comment
	for at := from; at < end; {
		stop := end
		if n := bytes.IndexByte(f.Bytes[at:end], '\n'); n >= 0 {
			stop = at + n + 1
		}
		line := bytes.TrimSpace(f.Bytes[at:stop])
		start := at + bytes.Index(f.Bytes[at:stop], line)
		at = stop
		if len(line) == 0 || line[0] != '#' {
			if start > from && len(line) == 0 && f.Bytes[stop-1] == '\n' {
				ps.lonely(block)
				block = nil
			}
			continue
		}
		text := strings.TrimSpace(string(line[1:]))
		if text == "" {
			check = nil
		}
		p := readPragma(text)
		if p == nil || isDirective(f, start) {
			continue
		}
		p.Span = f.Span(start, start+len(line))
		ps.All = append(ps.All, p)
		switch {
		case p.Wrong != "":
		case p.Tool == "check":
			if check == nil {
				check = p
			}
		case p.Scope == "shell":
			shell = p.Names[0]
		case ps.only:
		case p.Scope == "global":
			ps.Global.add(p)
		default:
			block = append(block, p)
		}
	}
	if next == len(f.Instructions) {
		ps.lonely(block)
		return shell
	}
	if check != nil || len(block) > 0 {
		ps.Local[next] = naming{}
	}
	if check != nil {
		ps.Local[next].add(check)
	}
	for _, p := range block {
		switch {
		case p.Scope == "":
			ps.Local[next].add(p)
		case f.Instructions[next].Cmd == "FROM":
			n := f.Instructions[next].Stage
			if ps.Stage[n] == nil {
				ps.Stage[n] = naming{}
			}
			ps.Stage[n].add(p)
		default:
			p.Wrong = "no FROM is directly below it"
		}
	}
	return shell
}

// lonely are pragmas that nothing stands directly below of.
func (*pragmas) lonely(block []*Pragma) {
	for _, p := range block {
		p.Wrong = "no instruction is directly below it"
	}
}

func isDirective(f *dockerfile.File, start int) bool {
	for _, d := range f.Directives {
		if d.Span.Start == start {
			return true
		}
	}
	return false
}

// readPragma reads a comment's text, without its "#"; nil: it is none.
func readPragma(text string) *Pragma {
	// BuildKit takes a directive's name in any case.
	const check = "check"
	name := text[:min(len(text), len(check))]
	if rest := strings.TrimLeft(text[len(name):], " \t"); strings.EqualFold(name, check) && strings.HasPrefix(rest, "=") {
		value, _, _ := strings.Cut(strings.TrimSpace(rest[1:]), " ")
		if value == "" {
			return nil // to BuildKit, too
		}
		d, err := parseCheck(value)
		p := &Pragma{Tool: "check", Names: d.Skip, all: d.all}
		if err != nil {
			p.Wrong = err.Error()
		}
		return p
	}
	p := &Pragma{}
	rest := ""
	for _, tool := range []string{"hadolint", "drydock"} {
		if r, ok := cutWord(text, tool); ok && r != text[len(tool):] {
			p.Tool, rest = tool, r
		}
	}
	if p.Tool == "" {
		return nil
	}
	for _, scope := range []string{"global", "stage"} {
		if r, ok := cutWord(rest, scope); ok {
			p.Scope, rest = scope, r
		}
	}
	if r, ok := cutWord(rest, "shell"); ok && p.Scope == "" && strings.HasPrefix(r, "=") {
		name, _, _ := strings.Cut(strings.TrimLeft(r[1:], " \t"), " ")
		if p.Scope, p.Names = "shell", []string{name}; name == "" {
			p.Wrong = "it names no shell"
		}
		return p
	}
	r, ok := cutWord(rest, "ignore")
	if !ok || !strings.HasPrefix(r, "=") {
		return nil // a comment that begins with the tool's name
	}
	list, reason, _ := strings.Cut(r[1:], "#")
	p.Reason = strings.TrimSpace(reason)
	for _, name := range strings.Split(list, ",") {
		name = strings.Trim(name, " \t")
		if name == "" || strings.ContainsAny(name, " \t") || p.Tool == "hadolint" && strings.Trim(name, "DLSC0123456789") != "" {
			p.Wrong = fmt.Sprintf("%q is not the name of a rule", name)
			return p
		}
		p.Names = append(p.Names, name)
	}
	return p
}

// cutWord takes a word and the blanks after it away.
func cutWord(s, word string) (string, bool) {
	rest, ok := strings.CutPrefix(s, word)
	if !ok {
		return s, false
	}
	return strings.TrimLeft(rest, " \t"), true
}

// Directive is what a "# check=…" directive says.
type Directive struct {
	Skip         []string // rules; "all" alone is each of BuildKit's
	Experimental []string // likewise
	Error        bool     // findings are errors

	all bool // Skip is "all"
}

// BuildKitDirective reads the file's "# check=skip=A,B;error=true" directive.
// Of one that BuildKit does not take it says nothing.
func BuildKitDirective(f *dockerfile.File) Directive {
	d, _, _ := CheckDirective(f)
	return d
}

// CheckDirective is what a file's check directive says, where it stands, and why BuildKit
// refuses it.
func CheckDirective(f *dockerfile.File) (Directive, finding.Span, error) {
	for _, line := range f.Directives {
		if line.Name == "check" {
			value, _, _ := strings.Cut(line.Value, " ") // what follows is for people
			d, err := parseCheck(value)
			return d, line.Span, err
		}
	}
	return Directive{}, finding.Span{}, nil
}

// parseCheck reads options as BuildKit does: up to three, in any order, names
// in their case.
func parseCheck(value string) (Directive, error) {
	var d Directive
	for _, part := range strings.SplitN(strings.TrimSpace(value), ";", 3) {
		key, v, ok := strings.Cut(part, "=")
		key, v = strings.TrimSpace(key), strings.TrimSpace(v)
		if !ok {
			return Directive{}, fmt.Errorf("%q is no option", part)
		}
		switch key {
		case "skip":
			d.Skip, d.all = list(v), v == "all"
		case "experimental":
			d.Experimental = list(v)
		case "error":
			b, err := strconv.ParseBool(v)
			if err != nil {
				return Directive{}, fmt.Errorf("%q is neither true nor false", v)
			}
			d.Error = b
		default:
			return Directive{}, fmt.Errorf("there is no option %q", key)
		}
	}
	return d, nil
}

func list(s string) []string {
	var out []string
	for _, name := range strings.Split(s, ",") {
		if name = strings.TrimSpace(name); name != "" {
			out = append(out, name)
		}
	}
	return out
}
