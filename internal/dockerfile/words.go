package dockerfile

import (
	"bytes"
	"slices"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

// line is a text that a builder or a shell reads, made of pieces of the file:
// the lines of an instruction without continuations and comments between them.
type line struct {
	file   *File
	text   string
	pieces []piece
}

// piece says that the text from at on, up to the next piece, is the file's
// from pos on.
type piece struct{ at, pos int }

// add appends the file's bytes from start to end.
func (l *line) add(b *strings.Builder, file []byte, start, end int) {
	if start == end {
		return
	}
	l.pieces = append(l.pieces, piece{at: b.Len(), pos: start})
	b.Write(file[start:end])
}

// pos is the place in the file of the byte at offset at of the text.
func (l *line) pos(at int) int {
	p := l.piece(at)
	return l.pieces[p].pos + at - l.pieces[p].at
}

func (l *line) piece(at int) int {
	lo, hi := 0, len(l.pieces)
	for lo+1 < hi {
		if mid := (lo + hi) / 2; l.pieces[mid].at <= at {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}

// at is the offset in the text of the file's byte at pos, which belongs to it.
func (l *line) at(pos int) int {
	i := sort.Search(len(l.pieces), func(i int) bool { return l.pieces[i].pos > pos }) - 1
	if i < 0 {
		return 0
	}
	return l.pieces[i].at + pos - l.pieces[i].pos
}

// span is the place of the text from lo to hi.
func (l *line) span(lo, hi int) finding.Span {
	return l.file.Span(l.place(lo, hi))
}

// place is where the text from lo to hi is in the file.
func (l *line) place(lo, hi int) (start, end int) {
	if len(l.pieces) == 0 {
		return 0, 0
	}
	if lo >= len(l.text) && lo > 0 {
		end = l.pos(lo-1) + 1
		return end, end
	}
	start = l.pos(lo)
	if hi <= lo {
		return start, start
	}
	return start, l.pos(hi-1) + 1
}

// words finds the bytes of everything in an instruction that BuildKit's parser
// has read.
func (p *parsing) words(in *Instruction, n *parser.Node) {
	in.line.file = p.file
	next := p.logical(in, n.StartLine)
	s := splitter{file: p.file, line: &in.line}
	s.split(in, 0, len(in.line.text), n)
	for i := range in.Heredocs {
		next = p.heredoc(&in.Heredocs[i], next)
	}
}

// logical puts the lines of an instruction together as BuildKit does, and
// returns the number (from 0) of the line after them.
func (p *parsing) logical(in *Instruction, first int) int {
	f := p.file
	var text strings.Builder
	n := first - 1
	for start := true; n < len(f.lines)-1; n++ {
		lo, hi := f.lines[n], f.lines[n+1]
		b := bytes.TrimRight(f.Bytes[lo:hi], "\r\n")
		if lo == 0 {
			b = bytes.TrimPrefix(b, []byte(byteOrderMark))
		}
		hi = lo + len(bytes.TrimRight(f.Bytes[lo:hi], "\r\n"))
		trimmed := bytes.TrimLeftFunc(b, unicode.IsSpace)
		if start {
			b = trimmed
		} else if len(trimmed) == 0 || trimmed[0] == '#' {
			continue
		}
		start = false
		kept, goesOn := continued(b, f.Escape)
		lo = hi - len(b)
		in.line.add(&text, f.Bytes, lo, lo+kept)
		if !goesOn {
			n++
			break
		}
	}
	in.line.text = text.String()
	return n
}

// continued says how many bytes of a line belong to the text, and whether it
// goes on in the next: it ends in one escape character, blanks after it
// allowed.
func continued(b []byte, escape byte) (kept int, goesOn bool) {
	t := bytes.TrimRight(b, " \t")
	n := len(t)
	if n == 0 || t[n-1] != escape || n > 1 && t[n-2] == escape {
		return len(b), false
	}
	return n - 1, true
}

// Unfinished is the file's last instruction if it ends in a continuation, so that whatever is written behind it
// would be part of it; nil: it does not. Blank lines and comments do not end one.
func (f *File) Unfinished() *Instruction {
	n := len(f.Instructions)
	if n == 0 || len(f.Instructions[n-1].Heredocs) > 0 {
		return nil
	}
	in := &f.Instructions[n-1]
	for _, line := range slices.Backward(bytes.Split(f.Bytes[in.Span.Start:], []byte("\n"))) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		if line[len(line)-1] == f.Escape {
			return in
		}
		return nil
	}
	return nil
}

// heredoc finds a here-document's lines from line next on, and returns the
// number of the line after its terminator.
func (p *parsing) heredoc(h *Heredoc, next int) int {
	f := p.file
	start := f.lines[min(next, len(f.lines)-1)]
	for n := next; n < len(f.lines)-1; n++ {
		text := bytes.TrimRight(f.Bytes[f.lines[n]:f.lines[n+1]], "\r\n")
		word := text
		if h.Chomp {
			word = bytes.TrimLeft(word, "\t")
		}
		if string(word) == h.Name {
			h.Body = f.Span(start, f.lines[n])
			h.End = f.Span(f.lines[n]+len(text)-len(word), f.lines[n]+len(text))
			return n + 1
		}
	}
	return next
}

// splitter finds the parts of one line of text.
type splitter struct {
	file *File
	line *line
}

func (s *splitter) word(lo, hi int, text string) Word {
	return Word{Text: text, Span: s.line.span(lo, hi)}
}

var blanks = lazyregexp.New(`[\t\v\f\r ]+`)

// split fills in the words of an instruction whose text is from lo to hi.
func (s *splitter) split(in *Instruction, lo, hi int, n *parser.Node) {
	lo, hi = s.trim(lo, hi)
	text := s.line.text[:hi]
	end := hi
	rest := hi
	if at := blanks.FindStringIndex(text[lo:]); at != nil {
		end, rest = lo+at[0], lo+at[1]
	}
	in.Keyword = s.word(lo, end, text[lo:end])
	rest = s.flags(in, rest, hi, n.Flags)
	rest, hi = s.trim(rest, hi)
	in.rest = rest
	in.Words = s.arguments(in, rest, hi, n)
}

func (s *splitter) trim(lo, hi int) (int, int) {
	t := s.line.text[lo:hi]
	left := strings.TrimLeftFunc(t, unicode.IsSpace)
	lo += len(t) - len(left)
	return lo, lo + len(strings.TrimRightFunc(left, unicode.IsSpace))
}

// flags finds the flags that BuildKit has read at the front of the arguments,
// and returns where the arguments after them begin.
func (s *splitter) flags(in *Instruction, lo, hi int, flags []string) int {
	for _, flag := range flags {
		lo = s.skip(lo, hi)
		end := s.wordEnd(lo, hi)
		name, value, _ := strings.Cut(strings.TrimPrefix(flag, "--"), "=")
		w := s.word(lo, end, flag)
		in.FlagWords = append(in.FlagWords, Flag{Name: name, Value: value, Span: w.Span})
		lo = end
	}
	lo = s.skip(lo, hi)
	if strings.HasPrefix(s.line.text[lo:hi], "--") {
		if end := s.wordEnd(lo, hi); end == lo+2 {
			return end // "--" ends the flags
		}
	}
	return lo
}

// skip is where the white space that begins at lo ends. Around flags and in
// HEALTHCHECK, BuildKit reads bytes and not characters: 0x85 and 0xA0 are white
// space there, whatever character they are a part of.
func (s *splitter) skip(lo, hi int) int {
	for lo < hi && unicode.IsSpace(rune(s.line.text[lo])) {
		lo++
	}
	return lo
}

// wordEnd is where the word that begins at lo ends: at white space outside of
// quotes, byte by byte.
func (s *splitter) wordEnd(lo, hi int) int {
	quote := byte(0)
	for i := lo; i < hi; i++ {
		switch c := s.line.text[i]; {
		case c == s.file.Escape:
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case unicode.IsSpace(rune(c)):
			return i
		}
	}
	return hi
}

// arguments finds the words from lo to hi, one for each of [Instruction.Args].
func (s *splitter) arguments(in *Instruction, lo, hi int, n *parser.Node) []Word {
	text := s.line.text[lo:hi]
	if len(in.Args) == 0 {
		return nil // of a trigger that is no instruction, nothing is read
	}
	switch in.Cmd {
	case "ONBUILD":
		if n.Next == nil || len(n.Next.Children) == 0 {
			return nil
		}
		child := n.Next.Children[0]
		on := &Instruction{
			Cmd: strings.ToUpper(child.Value), Raw: text, Flags: child.Flags, JSON: child.Attributes["json"],
			Heredocs: in.Heredocs, Stage: in.Stage, line: in.line,
		}
		on.Args = arguments(on.Cmd, child)
		s.split(on, lo, hi, child)
		on.Span = s.line.span(lo, hi)
		in.Trigger = on
		out := append([]Word{on.Keyword}, on.Words...)
		out[0].Text = child.Value
		return out
	case "HEALTHCHECK":
		end := lo
		for end < hi && !unicode.IsSpace(rune(s.line.text[end])) {
			end++
		}
		out := []Word{s.word(lo, end, s.line.text[lo:end])}
		if at := s.skip(end, hi); at < hi {
			out = append(out, s.whole(at, hi, in.JSON)...)
		}
		return out
	case "ENV", "LABEL":
		words := s.quotedWords(lo, hi)
		if len(words) > 0 && !strings.Contains(words[0].Text, "=") && len(in.Args) == 1 {
			return []Word{s.word(lo, hi, in.Args[0])}
		}
		return words
	case "ARG":
		return s.quotedWords(lo, hi)
	case "EXPOSE", "FROM":
		return s.spacedWords(lo, hi)
	case "ADD", "COPY", "VOLUME":
		if !in.JSON {
			return s.spacedWords(lo, hi)
		}
	}
	return s.whole(lo, hi, in.JSON)
}

// whole is one word, or the strings of a JSON array.
func (s *splitter) whole(lo, hi int, json bool) []Word {
	if !json {
		if lo == hi {
			return nil
		}
		return []Word{s.word(lo, hi, s.line.text[lo:hi])}
	}
	var out []Word
	for i := lo; i < hi; i++ {
		if s.line.text[i] != '"' {
			continue
		}
		end := i + 1
		for ; end < hi && s.line.text[end] != '"'; end++ {
			if s.line.text[end] == '\\' {
				end++
			}
		}
		out = append(out, s.word(i, end+1, decoded(s.line.text[i:end+1])))
		i = end
	}
	return out
}

func (s *splitter) spacedWords(lo, hi int) []Word {
	var out []Word
	for lo < hi {
		end := hi
		next := hi
		if at := blanks.FindStringIndex(s.line.text[lo:hi]); at != nil {
			end, next = lo+at[0], lo+at[1]
		}
		out = append(out, s.word(lo, end, s.line.text[lo:end]))
		lo = next
	}
	return out
}

// quotedWords splits at white space outside of quotes, as BuildKit does for
// ENV, LABEL and ARG: an escape character holds everywhere but between single
// quotes, and is lost at the very end.
func (s *splitter) quotedWords(lo, hi int) []Word {
	var out []Word
	text := s.line.text[:hi]
	for lo < hi {
		r, size := utf8.DecodeRuneInString(text[lo:])
		if unicode.IsSpace(r) {
			lo += size
			continue
		}
		end := lo
		lost := false
		quote := rune(0)
		for end < hi {
			r, size := utf8.DecodeRuneInString(text[end:])
			if quote == 0 && unicode.IsSpace(r) {
				break
			}
			switch {
			case r == rune(s.file.Escape) && quote != '\'':
				if end+size == hi {
					lost = true
				} else {
					end += size
					_, size = utf8.DecodeRuneInString(text[end:])
				}
			case r == quote:
				quote = 0
			case quote == 0 && (r == '\'' || r == '"'):
				quote = r
			}
			end += size
		}
		word := text[lo:end]
		if lost {
			word = word[:len(word)-1]
		}
		if word != "" {
			out = append(out, s.word(lo, end, wellFormed(word)))
		}
		lo = end
	}
	return out
}

// wellFormed is a text as a reader of characters takes it: each byte that is no
// UTF-8 is U+FFFD.
func wellFormed(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	return string([]rune(text))
}
