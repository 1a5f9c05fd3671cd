package dockerfile

import (
	"bytes"
	"encoding/json"
	"slices"
	"unicode"
)

// Kind says what a token is.
type Kind int

// The kinds of token. Everything in a file is one of them.
const (
	Blank        Kind = iota // white space and line ends; a byte order mark
	Comment                  // from its # to before the line end, within instructions too
	Pragma                   // a directive: a comment at the top that is meant
	Keyword                  // an instruction's name
	Option                   // a flag of an instruction
	Argument                 // a word of [Instruction.Words]
	Punctuation              // what stands between words: the brackets and commas of JSON, "--"
	Continuation             // an escape character with the line end that it takes away
	HeredocBody              // a here-document's lines
	HeredocEnd               // its terminator
)

// Token is a run of bytes of a file.
type Token struct {
	Kind       Kind
	Start, End int // byte offsets, End exclusive
}

// Tokens tells what each byte of the file is. The tokens are in order, none is
// empty, and together they are the file.
func (f *File) Tokens() []Token {
	t := &tokens{file: f}
	for i := range f.Instructions {
		in := &f.Instructions[i]
		t.between(in.Span.Start, f.directiveAt)
		t.instruction(in)
	}
	t.between(len(f.Bytes), f.directiveAt)
	return t.out
}

func (f *File) directiveAt(at int) bool {
	return slices.ContainsFunc(f.Directives, func(d Directive) bool { return d.Span.Start == at })
}

type tokens struct {
	file *File
	at   int // the first byte that is not told yet
	out  []Token
}

func (t *tokens) add(k Kind, end int) {
	if end <= t.at {
		return
	}
	if last := len(t.out) - 1; k == Blank && last >= 0 && t.out[last].Kind == Blank {
		t.out[last].End = end
	} else {
		t.out = append(t.out, Token{Kind: k, Start: t.at, End: end})
	}
	t.at = end
}

// between tells the lines between instructions, or between the lines of one:
// comments and blank lines, and after a continued line what is left of it.
func (t *tokens) between(end int, directive func(int) bool) {
	for t.at < end {
		rest := t.file.Bytes[t.at:end]
		if t.at == 0 {
			rest = bytes.TrimPrefix(rest, []byte(byteOrderMark))
		}
		text := bytes.TrimLeftFunc(rest, unicode.IsSpace)
		t.add(Blank, end-len(text))
		if len(text) == 0 {
			return
		}
		eol := bytes.IndexByte(text, '\n')
		if eol < 0 {
			eol = len(text)
		}
		stop := end - len(text) + len(bytes.TrimRight(text[:eol], "\r\n"))
		switch {
		case text[0] == t.file.Escape:
			// With the white space up to and with the line end that it takes away.
			t.add(Continuation, min(end-len(text)+eol+1, end))
		case directive != nil && directive(t.at):
			t.add(Pragma, stop)
		default:
			t.add(Comment, stop)
		}
	}
}

// mark is a part of an instruction that is no blank.
type mark struct {
	kind       Kind
	start, end int
}

func (t *tokens) instruction(in *Instruction) {
	marks := in.marks(nil)
	line := in.line
	for i := range line.pieces {
		start, end := line.pieces[i].pos, line.end(i)
		t.between(start, nil)
		for ; len(marks) > 0 && marks[0].start < end; marks = marks[1:] {
			t.fill(marks[0].start)
			t.add(marks[0].kind, min(end, marks[0].end))
			if marks[0].end > end {
				break // it goes on in the next piece
			}
		}
		t.fill(end)
	}
	for _, h := range in.Heredocs {
		t.between(h.Body.Start, nil)
		t.add(HeredocBody, h.Body.End)
		t.fill(h.End.Start)
		t.add(HeredocEnd, h.End.End)
	}
	t.between(in.Span.End, nil)
}

// fill tells the bytes of an instruction up to end that are no part of a word.
func (t *tokens) fill(end int) {
	for t.at < end {
		rest := t.file.Bytes[t.at:end]
		text := bytes.TrimLeftFunc(rest, unicode.IsSpace)
		t.add(Blank, end-len(text))
		stop := bytes.IndexFunc(text, unicode.IsSpace)
		if stop < 0 {
			stop = len(text)
		}
		t.add(Punctuation, end-len(text)+stop)
	}
}

func (in *Instruction) marks(out []mark) []mark {
	out = append(out, mark{Keyword, in.Keyword.Span.Start, in.Keyword.Span.End})
	for _, f := range in.FlagWords {
		out = append(out, mark{Option, f.Span.Start, f.Span.End})
	}
	if in.Trigger != nil {
		return in.Trigger.marks(out)
	}
	for _, w := range in.Words {
		out = append(out, mark{Argument, w.Span.Start, w.Span.End})
	}
	return out
}

// end is where in the file a piece ends.
func (l *line) end(i int) int {
	next := len(l.text)
	if i+1 < len(l.pieces) {
		next = l.pieces[i+1].at
	}
	return l.pieces[i].pos + next - l.pieces[i].at
}

// decoded is a JSON string's value.
func decoded(quoted string) string {
	var s string
	if json.Unmarshal([]byte(quoted), &s) != nil {
		return quoted
	}
	return s
}
