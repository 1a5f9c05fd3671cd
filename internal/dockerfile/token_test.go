package dockerfile

import (
	"fmt"
	"slices"
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
		got := string(f.Bytes[s.Start:s.End])
		if strings.ContainsAny(got, "\n\\`") || in.oldForm() || in.Trigger != nil {
			continue // escapes are read in another way, "ENV name value" as name=value; a trigger is held by itself
		}
		// BuildKit reads names and values by character: what is no UTF-8 is U+FFFD.
		if got != w.Text && (!in.pairs() || string([]rune(got)) != w.Text) {
			t.Fatalf("%q: the bytes of %q are %q", in.Raw, w.Text, got)
		}
	}
	for i, flag := range in.FlagWords {
		if s := flag.Span; s.Start < in.Span.Start || s.End > in.Span.End || !strings.HasPrefix(in.Flags[i], "--"+flag.Name) {
			t.Fatalf("%q: flag %+v", in.Raw, flag)
		}
	}
}

func (in *Instruction) pairs() bool { return in.Cmd == "ARG" || in.Cmd == "ENV" || in.Cmd == "LABEL" }

func (in *Instruction) oldForm() bool {
	return in.pairs() && slices.ContainsFunc(in.Pairs(), func(p Pair) bool { return p.Spaced })
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

// BuildKit reads flags byte by byte, where 0x85 and 0xA0 are white space, and
// names and values by character, where what is no UTF-8 is U+FFFD.
func TestBytesThatAreNoUTF8(t *testing.T) {
	for line, want := range map[string][]string{
		"ARG 0\xef":                                 {"0\uFFFD"},
		"ARG a\xef\xef=\xff b":                      {"a\uFFFD\uFFFD=\uFFFD", "b"},
		"ARG \x85a":                                 {"a"},
		"ARG a\xa0=\x85":                            {"a\uFFFD=\uFFFD"},
		"ENV a=\xef b=\xef\xef":                     {"a=\uFFFD", "b=\uFFFD\uFFFD"},
		"ENV a \xef b":                              {"a=\xef b"},
		"ENV a\xef\\\n=\xe2\x82\\\n\xac":            {"a\uFFFD=\u20ac"},
		"LABEL \xa0\xff=\xfe":                       {"\uFFFD=\uFFFD"},
		"ONBUILD \xa0ENV \x85a\xef=b":               {"ENV", "a\uFFFD=b"},
		"COPY \xef \xef":                            {"\xef", "\xef"},
		"COPY --from=\xc3\xa0x y z":                 {"x", "y", "z"},
		"COPY \xa0 --from=x \x85 \xa0y z":           {"y", "z"},
		"RUN -- \xa0y z":                            {"\xa0y z"},
		"RUN \xa0--mount=type=cache,target=/x\xa0a": {"a"},
		"RUN [\"\xef\", \"b\"]":                     {"\uFFFD", "b"},
		"HEALTHCHECK CMD\xa0foo":                    {"CMD", "foo"},
		"HEALTHCHECK CMD\x85\x85 foo \x85":          {"CMD", "foo \x85"},
		"USER \xa0x\xa0":                            {"x\xa0"},
		"EXPOSE \xef":                               {"\xef"},
	} {
		text := "FROM x\n" + line
		if err := accepted([]byte(text)); err != nil {
			t.Errorf("%q: BuildKit says %v", line, err)
			continue
		}
		f := mustParse(t, text)
		tiles(t, f)
		lossless(t, f)
		if diff := cmp.Diff(want, f.Instructions[1].Args); diff != "" {
			t.Errorf("%q: -want +got\n%s", line, diff)
		}
	}
}
