package dockerfile

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// lossless holds the law of bytes: the tokens are the file, each word is what
// BuildKit read, and its bytes are the tokens that say so.
func lossless(t testing.TB, f *File) {
	t.Helper()
	var whole strings.Builder
	at := 0
	tokens := f.Tokens()
	for _, tok := range tokens {
		if tok.Start != at || tok.End <= tok.Start {
			t.Fatalf("token %+v after byte %d", tok, at)
		}
		at = tok.End
		whole.Write(f.Bytes[tok.Start:tok.End])
		text := string(f.Bytes[tok.Start:tok.End])
		switch tok.Kind {
		case Blank:
			if strings.TrimSpace(strings.TrimPrefix(text, byteOrderMark)) != "" {
				t.Fatalf("blank %q", text)
			}
		case Comment, Pragma:
			if !strings.HasPrefix(text, "#") || strings.Contains(text, "\n") {
				t.Fatalf("comment %q", text)
			}
		case Continuation:
			if text[0] != f.Escape || strings.TrimSpace(text[1:]) != "" {
				t.Fatalf("continuation %q", text)
			}
		}
	}
	if whole.String() != string(f.Bytes) {
		t.Fatal("the tokens do not make the file")
	}
	for i := range f.Instructions {
		in := &f.Instructions[i]
		holdWords(t, f, in)
		if in.Trigger != nil {
			holdWords(t, f, in.Trigger)
		}
	}
}

func holdWords(t testing.TB, f *File, in *Instruction) {
	t.Helper()
	if len(in.Words) != len(in.Args) || len(in.FlagWords) != len(in.Flags) {
		t.Fatalf("%q: %d words for %q, %d flags for %q", in.Raw, len(in.Words), in.Args, len(in.FlagWords), in.Flags)
	}
	if !strings.EqualFold(in.Keyword.Text, in.Cmd) {
		t.Fatalf("%q: keyword %q", in.Raw, in.Keyword.Text)
	}
	at := in.Span.Start
	for i, w := range in.Words {
		if w.Text != in.Args[i] {
			t.Fatalf("%q: word %q for %q", in.Raw, w.Text, in.Args[i])
		}
		s := w.Span
		if s.Start < at || s.End < s.Start || s.End > in.Span.End {
			t.Fatalf("%q: word %q at %+v after %d", in.Raw, w.Text, s, at)
		}
		at = s.End
		if in.JSON {
			continue
		}
		if got := string(f.Bytes[s.Start:s.End]); got != w.Text && !strings.ContainsAny(got, "\n\\`") && in.Cmd != "LABEL" && in.Cmd != "ENV" {
			t.Fatalf("%q: the bytes of %q are %q", in.Raw, w.Text, got)
		}
	}
	for i, flag := range in.FlagWords {
		if s := flag.Span; s.Start < in.Span.Start || s.End > in.Span.End || !strings.HasPrefix(in.Flags[i], "--"+flag.Name) {
			t.Fatalf("%q: flag %+v", in.Raw, flag)
		}
	}
}

func TestTokens(t *testing.T) {
	text := "\xef\xbb\xbf# syntax=x\r\n#c\r\n\r\nFROM --platform=a/b x AS \\\n\n # inside\n   \n  y\nRUN a\\\n  bc <<E\nbody\nE\n" +
		"RUN [\"a\", \\\n\"b\\u0041\"]\nENV A=\"1 \\\n2\" B=3\nonbuild COPY --from=a b /c\n\t# end"
	f := mustParse(t, text)
	var got []string
	names := []string{"blank", "comment", "pragma", "keyword", "option", "argument", "punctuation", "continuation", "body", "end"}
	for _, tok := range f.Tokens() {
		if tok.Kind != Blank {
			got = append(got, fmt.Sprintf("%s %q", names[tok.Kind], text[tok.Start:tok.End]))
		}
	}
	want := strings.Split(strings.TrimSpace(`
pragma "# syntax=x"
comment "#c"
keyword "FROM"
option "--platform=a/b"
argument "x"
argument "AS"
continuation "\\\n"
comment "# inside"
argument "y"
keyword "RUN"
argument "a"
continuation "\\\n"
argument "  bc <<E"
body "body\n"
end "E"
keyword "RUN"
punctuation "["
argument "\"a\""
punctuation ","
continuation "\\\n"
argument "\"b\\u0041\""
punctuation "]"
keyword "ENV"
argument "A=\"1 "
continuation "\\\n"
argument "2\""
argument "B=3"
keyword "onbuild"
keyword "COPY"
option "--from=a"
argument "b"
argument "/c"
comment "# end"
`), "\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	lossless(t, f)
}
