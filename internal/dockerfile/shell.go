package dockerfile

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/drydock-dev/drydock/internal/finding"
)

// Script is what an instruction runs: the commands of RUN, CMD, ENTRYPOINT or a
// HEALTHCHECK's CMD, in the order of the text, those within others included.
type Script struct {
	Commands []Command
	Exec     bool         // the JSON form: no shell, unless the words themselves say one
	Span     finding.Span // the text that was read
	Err      error        // it is no text that this reads; nothing is known of what it runs

	// StopsAtErrors says that the shell which reads a here-document was told to end at
	// the first command that fails: bash -e <<EOF.
	StopsAtErrors bool

	line line
}

// Command is one simple command with its place: what a shell starts.
type Command struct {
	Words     []ShellWord // the name first; empty for a command that only assigns
	Assigns   []Assign
	Redirects []Redirect
	Span      finding.Span

	// After is what stands before it: "", "&&", "||", ";", "|". Within another
	// construct, it is that of its own list.
	After string
	// Input is the index of the command that is piped into it; -1: none.
	Input int
	// Within are the constructs around it, outermost first: "subshell", "group",
	// "if", "loop", "case", "function", "substitution", "negation", "background",
	// "nested" (of sh -c).
	Within []string
}

// ShellWord is a word of a command.
type ShellWord struct {
	Text    string // quotes taken away; expansions as written
	Literal bool   // nothing in it is expanded: Text is its value
	Quoted  bool   // some of it is in quotes
	Vars    []string
	Span    finding.Span

	// Values are the words that a lone variable ("$PKGS") stands for where the same
	// script sets it once, plainly, before; of a loop's variable all that it has in
	// turn. nil: not known.
	Values []string
}

// Assign is a variable set before a command, or by one alone.
type Assign struct {
	Name  string
	Value ShellWord
	Span  finding.Span
}

// Redirect is a redirection of a command: ">", ">>", "<", "<<", ">&" …
type Redirect struct {
	Op     string
	Target ShellWord
	Span   finding.Span
}

// Limits on a shell text.
const (
	// maxScript limits the bytes of a shell text that is read; a larger one is unknown.
	maxScript = 256 << 10
	maxNested = 200 // constructs within one another
)

// errShell is a text that is too much for us.
var errShell = errors.New("the shell text is larger or more deeply nested than is read")

// Script reads what an instruction runs. shell is the shell of its shell form,
// nil for the default; of a shell that is no relative of sh nothing is known.
func (f *File) Script(in *Instruction, shell []string) *Script {
	if in.Trigger != nil {
		return f.Script(in.Trigger, shell)
	}
	s := &Script{line: line{file: f}}
	words := in.Words
	switch in.Cmd {
	case "HEALTHCHECK":
		if len(words) == 0 || !strings.EqualFold(words[0].Text, "CMD") {
			return s
		}
		words = words[1:]
	case "RUN", "CMD", "ENTRYPOINT":
	default:
		return s
	}
	if len(words) == 0 && len(in.Heredocs) == 0 {
		return s
	}
	if len(words) > 0 {
		s.Span = f.Span(words[0].Span.Start, words[len(words)-1].Span.End)
	}
	if in.JSON {
		s.exec(words)
		return s
	}
	if !isShell(shell) {
		s.Err = fmt.Errorf("%s is not a shell that is read here", strings.Join(shell, " "))
		return s
	}
	text := s.text(in, words)
	if other := interpreter(text.text); other != "" && len(in.Heredocs) > 0 && s.Span == in.Heredocs[0].Body {
		s.Err = fmt.Errorf("%s is not a shell that is read here", other)
		return s
	}
	s.Err = s.read(text)
	return s
}

// interpreter is the program that a script names in its first line, where it is
// no shell; "": it names none, or a shell.
func interpreter(script string) string {
	line, _, _ := strings.Cut(script, "\n")
	line, ok := strings.CutPrefix(line, "#!")
	words := strings.Fields(line)
	if !ok || len(words) == 0 {
		return ""
	}
	if path.Base(words[0]) == "env" {
		words = slices.DeleteFunc(words[1:], func(w string) bool { return strings.HasPrefix(w, "-") || strings.Contains(w, "=") })
	}
	if len(words) == 0 || isShell(words[:1]) {
		return ""
	}
	return path.Base(words[0])
}

// isShell reports whether a shell is sh or a relative of it.
func isShell(shell []string) bool {
	return len(shell) == 0 || slices.Contains([]string{"sh", "bash", "ash", "dash", "ksh", "zsh", "busybox"}, path.Base(shell[0]))
}

// text is what the shell gets: the line with its here-documents, or the one
// here-document that is the script.
func (s *Script) text(in *Instruction, words []Word) line {
	f := s.line.file
	out := line{file: f}
	var b strings.Builder
	if len(in.Heredocs) == 1 && s.givenTo(words, in.Heredocs[0].Name) {
		s.Span = in.Heredocs[0].Body
		out.addBody(&b, in.Heredocs[0])
		out.text = b.String()
		return out
	}
	for i, p := range in.line.pieces {
		if end := in.line.end(i); end > words[0].Span.Start {
			out.add(&b, f.Bytes, max(p.pos, words[0].Span.Start), end)
		}
	}
	for _, h := range in.Heredocs {
		// The line end before the body and the terminator are the file's too.
		out.add(&b, f.Bytes, h.Body.Start-1, h.Body.Start)
		out.addBody(&b, h)
		out.add(&b, f.Bytes, h.End.Start, h.End.End)
	}
	out.text = b.String()
	return out
}

// givenTo reports whether a line is a here-document that a shell reads as its script:
// alone, or with the shell before or after it. BuildKit's words may have the whole line.
func (s *Script) givenTo(words []Word, name string) bool {
	if len(words) == 1 && loneHeredoc(words[0].Text, name) {
		return true
	}
	var fields []string
	for _, w := range words {
		fields = append(fields, strings.Fields(w.Text)...)
	}
	n := slices.IndexFunc(fields, func(f string) bool { return strings.HasPrefix(f, "<<") })
	if n < 0 || !loneHeredoc(fields[n], name) {
		return false
	}
	fields = slices.Delete(fields, n, n+1)
	if len(fields) == 0 || !isShell(fields[:1]) {
		return false
	}
	stops := false
	for k, f := range fields[1:] {
		switch {
		case fields[k] == "-o" || fields[k] == "-eo" || fields[k] == "-euo" || fields[k] == "-exo" || fields[k] == "-euxo":
			stops = stops || f == "errexit"
		case len(f) < 2 || f[0] != '-' || strings.Contains(f, "c"):
			return f == "-" // a file, which is the script then
		}
		stops = stops || f[0] == '-' && f[1] != '-' && strings.Contains(f, "e")
	}
	s.StopsAtErrors = stops
	return true
}

func loneHeredoc(text, name string) bool {
	text = strings.TrimLeft(strings.TrimPrefix(strings.TrimPrefix(text, "<<"), "-"), " \t")
	return strings.Trim(text, `"'`) == name
}

// addBody appends a here-document's lines, without the tabs that "<<-" takes
// away.
func (l *line) addBody(b *strings.Builder, h Heredoc) {
	for at := h.Body.Start; at < h.Body.End; {
		end := h.Body.End
		if n := bytes.IndexByte(l.file.Bytes[at:h.Body.End], '\n'); n >= 0 {
			end = at + n + 1
		}
		start := at
		for h.Chomp && start < end && l.file.Bytes[start] == '\t' {
			start++
		}
		l.add(b, l.file.Bytes, start, end)
		at = end
	}
}

// exec reads the JSON form: one command, and the text of an sh -c within it.
func (s *Script) exec(words []Word) {
	s.Exec = true
	c := Command{Input: -1, Span: s.Span}
	for _, w := range words {
		c.Words = append(c.Words, ShellWord{Text: w.Text, Literal: true, Quoted: true, Span: w.Span})
	}
	s.Commands = append(s.Commands, c)
	if i := c.inline(); i > 0 {
		s.nested(words[i])
	}
}

// inline is the index of the word that is the text of an sh -c; 0: it is none.
func (c *Command) inline() int {
	if len(c.Words) < 3 || !slices.Contains([]string{"sh", "bash", "ash", "dash"}, path.Base(c.Words[0].Text)) {
		return 0
	}
	for i, w := range c.Words[1 : len(c.Words)-1] {
		switch {
		case !strings.HasPrefix(w.Text, "-") || strings.HasPrefix(w.Text, "--"):
			return 0
		case strings.HasSuffix(w.Text, "c"):
			return i + 2
		}
	}
	return 0
}

// nested reads a text within a JSON string. Where the string has escapes, its
// commands' places are the string's.
func (s *Script) nested(w Word) {
	inner := &Script{line: line{file: s.line.file}}
	text := line{file: s.line.file, text: w.Text}
	exact := w.Span.End-w.Span.Start == len(w.Text)+2 && string(s.line.file.Bytes[w.Span.Start+1:w.Span.End-1]) == w.Text
	text.pieces = []piece{{0, w.Span.Start + 1}}
	if inner.Err = inner.read(text); inner.Err != nil {
		s.Err = inner.Err
		return
	}
	base := len(s.Commands)
	for _, c := range inner.Commands {
		if !exact {
			c.Span = w.Span
			for i := range c.Words {
				c.Words[i].Span = w.Span
			}
			for i := range c.Assigns {
				c.Assigns[i].Span, c.Assigns[i].Value.Span = w.Span, w.Span
			}
			for i := range c.Redirects {
				c.Redirects[i].Span, c.Redirects[i].Target.Span = w.Span, w.Span
			}
		}
		if c.Input >= 0 {
			c.Input += base
		}
		c.Within = append([]string{"nested"}, c.Within...)
		s.Commands = append(s.Commands, c)
	}
}

// read parses a text as bash's grammar, of which sh's is a part.
func (s *Script) read(text line) error {
	if tooMuch(text.text) {
		return errShell
	}
	s.line = text
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text.text), "")
	if err != nil {
		var at syntax.ParseError
		if errors.As(err, &at) {
			return errors.New(at.Text)
		}
		return err
	}
	w := &walker{script: s, items: map[string][]ShellWord{}, loops: map[string]int{}}
	w.list(file.Stmts, nil)
	w.settle()
	return nil
}

// tooMuch keeps a recursive parser from texts that would exhaust its stack.
func tooMuch(text string) bool {
	if len(text) > maxScript {
		return true
	}
	deep, most := 0, 2*strings.Count(text, "()") // "f()f()…" takes a time that grows with the square
	for i := range len(text) {
		switch text[i] {
		case '(', '{', '`', '[':
			if deep++; deep > most {
				most = deep
			}
		case ')', '}', ']':
			deep = max(deep-1, 0)
		}
	}
	// Constructs that are opened by words.
	for _, w := range []string{"if ", "do ", "do\t", "do\n", "case ", "then ", "else ", "! "} {
		most += strings.Count(text, w) / 4
	}
	return most > 8*maxNested
}

// ParseShell reads the bytes from start to end of a file that is, or holds, a shell
// script.
func ParseShell(name string, b []byte, start, end int) *Script {
	f := &File{Name: name, Bytes: b, Escape: '\\', lines: []int{0}}
	for i, c := range b {
		if c == '\n' {
			f.lines = append(f.lines, i+1)
		}
	}
	f.lines = append(f.lines, len(b))
	s := &Script{Span: f.Span(start, end)}
	text := line{file: f}
	var out strings.Builder
	text.add(&out, b, start, end)
	text.text = out.String()
	s.line = text
	s.Err = s.read(text)
	return s
}
