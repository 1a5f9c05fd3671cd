package dockerfile

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/ulikunitz/xz"

	"github.com/drydock-dev/drydock/internal/finding"
)

func mustParse(t testing.TB, text string) *File {
	t.Helper()
	f, err := Parse("Dockerfile", []byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return f
}

func TestPlacesAndStages(t *testing.T) {
	text := "\xef\xbb\xbf# syntax=docker/dockerfile:1\r\n# escape=`\r\n\r\nARG V=21 W\r\nARG IMAGE=node:${V}-alpine\r\n" +
		"  FROM --platform=linux/amd64 $IMAGE AS Build\r\n# a comment\r\nRUN a `\r\n# inside\r\n  && b\r\n\r\n" +
		"COPY <<-EOF /x\r\n\tline\r\n\tEOF\r\nFROM build\r\nENV A=1 B=\"two words\"\r\nfrom ${W}"
	f := mustParse(t, text)
	type place struct {
		Cmd, Raw     string
		Line, Column int
		Stage        int
	}
	var got []place
	for _, in := range f.Instructions {
		got = append(got, place{in.Cmd, in.Raw, in.Span.Line, in.Span.Column, in.Stage})
	}
	want := []place{
		{"ARG", "ARG V=21 W", 4, 1, -1},
		{"ARG", "ARG IMAGE=node:${V}-alpine", 5, 1, -1},
		{"FROM", "FROM --platform=linux/amd64 $IMAGE AS Build", 6, 3, 0},
		{"RUN", "RUN a `\r\n# inside\r\n  && b", 8, 1, 0},
		{"COPY", "COPY <<-EOF /x\r\n\tline\r\n\tEOF", 12, 1, 0},
		{"FROM", "FROM build", 15, 1, 1},
		{"ENV", "ENV A=1 B=\"two words\"", 16, 1, 1},
		{"FROM", "from ${W}", 17, 1, 2},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if diff := cmp.Diff([]string{"syntax docker/dockerfile:1", "escape `"}, directiveTexts(f)); diff != "" {
		t.Error(diff)
	}
	if d := f.Directives[0].Span; text[d.Start:d.End] != "# syntax=docker/dockerfile:1" || d.Column != 4 {
		t.Errorf("the first directive is at %+v", d)
	}
	if diff := cmp.Diff([]Arg{
		{Name: "V", Default: "21", Value: "21", HasDefault: true},
		{Name: "W"},
		{Name: "IMAGE", Default: "node:${V}-alpine", Value: "node:21-alpine", HasDefault: true},
	}, f.GlobalArgs); diff != "" {
		t.Error(diff)
	}
	type stage struct{ Name, BaseRaw, Base, Platform, Chain string }
	var stages []stage
	for i := range f.Stages {
		s := &f.Stages[i]
		stages = append(stages, stage{s.Name, s.BaseRaw, s.Base, s.Platform, fmt.Sprint(len(f.Chain(s)), len(f.Of(s)))})
	}
	if diff := cmp.Diff([]stage{
		{"build", "$IMAGE", "node:21-alpine", "linux/amd64", "1 2"},
		{"", "build", "build", "", "2 1"},
		{"", "${W}", "", "", "1 0"},
	}, stages); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Heredoc{{
		Name: "EOF", Content: "\tline\r\n", Expand: true, Chomp: true,
		Body: f.Span(192, 199), End: finding.Span{File: "Dockerfile", Start: 200, End: 203, Line: 14, Column: 2},
	}}, f.Instructions[4].Heredocs); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"A=1", `B="two words"`}, f.Instructions[6].Args); diff != "" {
		t.Error(diff)
	}
	for name, index := range map[string]int{"": 2, "Build": 0, "build": 0, "1": 1} {
		if s, err := f.Target(name); err != nil || s.Index != index {
			t.Errorf("target %q is %+v, %v", name, s, err)
		}
	}
	if _, err := f.Target("test"); err == nil || !strings.Contains(err.Error(), `no stage "test"`) {
		t.Errorf("a stage that is not there: %v", err)
	}
}

func directiveTexts(f *File) []string {
	var out []string
	for _, d := range f.Directives {
		out = append(out, d.Name+" "+d.Value)
	}
	return out
}

func TestArguments(t *testing.T) {
	f := mustParse(t, `FROM x
RUN --mount=type=cache,target=/c  make   all
RUN ["a", "b c"]
COPY --from=0 a b /c/
ONBUILD ENV A=1 B=2
LABEL a b c
HEALTHCHECK --interval=5s CMD curl  localhost
EXPOSE 80 443
`)
	var got []string
	for _, in := range f.Instructions {
		got = append(got, fmt.Sprintf("%s %q %q %v", in.Cmd, in.Flags, in.Args, in.JSON))
	}
	want := []string{
		`FROM [] ["x"] false`,
		`RUN ["--mount=type=cache,target=/c"] ["make   all"] false`,
		`RUN [] ["a" "b c"] true`,
		`COPY ["--from=0"] ["a" "b" "/c/"] false`,
		`ONBUILD [] ["ENV" "A=1" "B=2"] false`,
		`LABEL [] ["a=b c"] false`,
		`HEALTHCHECK ["--interval=5s"] ["CMD" "curl  localhost"] false`,
		`EXPOSE [] ["80" "443"] false`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestErrorsSayWhere(t *testing.T) {
	for _, c := range []struct {
		text, message string
		line          int
	}{
		{"", "file with no instructions", 0},
		{"# only a comment\n", "file with no instructions", 1},
		{"ARG A=1\n", "no FROM", 0},
		{"RUN x\n", "no build stage", 1},
		{"FROM x\n\nRUM y\n", "unknown instruction: RUM", 3},
		{"FROM x\nCOPY a\n", "two arguments", 2},
		{"FROM x\nRUN <<EOF\na\n", "unterminated heredoc", 2},
		{"FROM x\nENV a\n", "ENV must have two arguments", 2},
		{"FROM x AS 9y\n", "invalid name", 1},
		{"# escape=x\nFROM x\n", "invalid escape token", 1},
		{"FROM x\nONBUILD ONBUILD RUN a\n", "ONBUILD ONBUILD", 2},
		{"FROM x\nRUM\nONBUILD ONBUILD RUN a\n", "unknown instruction: RUM", 2},
		{"FROM x\nRUN --bad a\n", "unknown flag", 2},
		{"FROM x\nRUN " + strings.Repeat("a", 70000), "max allowed size", 2},
		{"FROM x\n#" + strings.Repeat("a\n#", MaxBytes/3), "limit", 0},
	} {
		f, err := Parse("sub/Dockerfile", []byte(c.text))
		var e *Error
		if f != nil || !errors.As(err, &e) {
			t.Errorf("%.40q: %v, %v", c.text, f, err)
			continue
		}
		where := "sub/Dockerfile: "
		if c.line > 0 {
			where = fmt.Sprintf("sub/Dockerfile:%d: ", c.line)
		}
		if e.Span.Line != c.line || !strings.HasPrefix(err.Error(), where) || !strings.Contains(err.Error(), c.message) {
			t.Errorf("%.40q: line %d, %v", c.text, e.Span.Line, err)
		}
	}
}

// tiles holds the law of spans: in order, apart, inside the file, with nothing
// but comments, blank lines and a byte order mark between them.
func tiles(t testing.TB, f *File) {
	t.Helper()
	at := 0
	var whole []byte
	for _, in := range f.Instructions {
		s := in.Span
		if s.Start < at || s.End < s.Start || s.End > len(f.Bytes) || in.Raw != string(f.Bytes[s.Start:s.End]) {
			t.Fatalf("%s at %+v after byte %d", in.Cmd, s, at)
		}
		line := bytes.Count(f.Bytes[:s.Start], []byte("\n")) + 1
		column := s.Start - (bytes.LastIndexByte(f.Bytes[:s.Start], '\n') + 1) + 1
		if s.Line != line || s.Column != column {
			t.Fatalf("%s at line %d column %d says %+v", in.Cmd, line, column, s)
		}
		idle(t, f.Bytes[at:s.Start])
		whole = append(append(whole, f.Bytes[at:s.Start]...), in.Raw...)
		at = s.End
	}
	idle(t, f.Bytes[at:])
	if whole = append(whole, f.Bytes[at:]...); !bytes.Equal(whole, f.Bytes) {
		t.Fatal("the parts do not make the file")
	}
}

func idle(t testing.TB, gap []byte) {
	t.Helper()
	for line := range bytes.Lines(bytes.TrimPrefix(gap, []byte(byteOrderMark))) {
		if line = bytes.TrimLeftFunc(line, unicode.IsSpace); len(line) > 0 && line[0] != '#' {
			t.Fatalf("between instructions: %q", line)
		}
	}
}

// accepted is BuildKit's own word on a file.
func accepted(b []byte) error {
	r, err := parser.Parse(bytes.NewReader(b))
	if err != nil {
		return err
	}
	stages, _, err := instructions.Parse(r.AST, linter.New(&linter.Config{}))
	if err == nil && len(stages) == 0 {
		return errors.New("no stage")
	}
	return err
}

func shared(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("DRYDOCK_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("the shared data is needed under CI: %v", err)
		}
		t.Skipf("no shared data (set DRYDOCK_SHARED): %v", err)
	}
	return dir
}

// corpus reads the Dockerfiles from the wild.
func corpus(t testing.TB) map[string][]byte {
	t.Helper()
	f, err := os.Open(filepath.Join(shared(t), "dockerfiles", "corpus.tar.xz"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	x, err := xz.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for tr := tar.NewReader(x); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag != tar.TypeReg || strings.HasSuffix(h.Name, "MANIFEST.tsv") {
			continue
		}
		if out[h.Name], err = io.ReadAll(tr); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func TestDockerfilesFromTheWild(t *testing.T) {
	files := corpus(t)
	if len(files) < 870 {
		t.Fatalf("%d files", len(files))
	}
	parsed, undecided := 0, 0
	for name, b := range files {
		f, err := Parse(name, b)
		if want := accepted(b); (err == nil) != (want == nil) {
			t.Errorf("%s: %v, and BuildKit says %v", name, err, want)
		}
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Span.File != name {
				t.Errorf("%s: an error without a place: %v", name, err)
			}
			t.Log(err)
			continue
		}
		parsed++
		tiles(t, f)
		lossless(t, f)
		for _, s := range f.Stages {
			if s.Base == "" {
				undecided++
			}
		}
	}
	t.Logf("%d of %d parse, %d bases cannot be told from the file", parsed, len(files), undecided)
}

// What a hostile file costs grows no faster than the file.
func TestHostileFiles(t *testing.T) {
	long := func(start, part string) string {
		// A line may be 64 KiB long; continuations make a longer one.
		var b strings.Builder
		b.WriteString(start)
		for n := 0; b.Len() < MaxBytes/4; n++ {
			b.WriteString(part)
			if n%64 == 63 {
				b.WriteString("\\\n")
			}
		}
		return b.String() + "\n"
	}
	for name, text := range map[string]string{
		"ONBUILD":       long("FROM x\n", "ONBUILD "),
		"nested values": long("ARG A=", "${B:-") + "FROM x\n",
		"variables":     long("ARG A=1\nARG B=", "${A}$A") + "FROM $B\n",
		"doubling":      "ARG A=aaaaaaaaaa\n" + strings.Repeat("ARG A=$A$A\n", 60) + "FROM $A\n",
		"heredocs":      long("FROM x\nRUN ", "<<A ") + strings.Repeat("A\n", 10),
		"heredoc word":  long("FROM x\nRUN <<A", "A") + strings.Repeat("A\n", 10),
		"env":           long("FROM x\nENV ", "A=1 "),
		"flags":         long("FROM x\nRUN ", "--a=b "),
		"json":          long("FROM x\nRUN ", "["),
		"stages":        long("", "FROM a AS a\n"),
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			f, err := Parse("Dockerfile", []byte(text))
			if err == nil {
				Join(f, &f.Stages[len(f.Stages)-1], nil)
			}
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			if err != nil && len(err.Error()) > 60 {
				err = errors.New(err.Error()[:60])
			}
			allocated := (after.TotalAlloc - before.TotalAlloc) >> 20
			t.Logf("%v, %d MB allocated, %v", took, allocated, err)
			if allocated > 512 {
				t.Errorf("%d bytes cost %d MB", len(text), allocated)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"FROM x\n", "\xef\xbb\xbf# escape=`\nFROM x\nRUN a `\n b", "FROM a AS b\r\nFROM b\r\nCOPY <<A <<-B /\r\nx\r\nA\r\n\tB\r\n",
		"ARG A=1\nARG B=${A:-2}\nFROM $B\nENV a b c\nRUN [\"a\"]\nONBUILD RUN <<E\nE\n", "FROM x\nRUN a \\\n\n# c\n\\\nb", "\\\nFROM x",
		"FROM x\n# check=skip=all\nRUN a\n", "FROM x\nHEALTHCHECK NONE\nLABEL \"a b\"='c'\nSHELL [\"a\"]\n  \t# x\n", "#a\n \n#b\nFROM x # y\n", "FROM 0\nONBUILD 0",
		"ARG 0\xef\nFROM x", "FROM x\nHEALTHCHECK CMD\xa0a\nCOPY --from=\xc3\xa0x \x85y z\nENV a=\xef\xef b=\x85", "FROM x\nONBUILD ENV \xefa=b", "FROM x\nLABEL \" 0",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := Parse("Dockerfile", b)
		if (file == nil) != (err != nil) {
			t.Fatalf("file %v, error %v", file, err)
		}
		if want := accepted(b); len(b) <= MaxBytes && (err == nil) != (want == nil) {
			t.Fatalf("%v, and BuildKit says %v", err, want)
		}
		var e *Error
		if err != nil {
			if !errors.As(err, &e) || e.Span.Start < 0 || e.Span.End > len(b) || e.Span.Start > e.Span.End {
				t.Fatalf("an error without a place: %#v", err)
			}
			return
		}
		tiles(t, file)
		lossless(t, file)
		for i := range file.Stages {
			s := &file.Stages[i]
			if file.Instructions[s.From].Cmd != "FROM" || s.From >= s.End || s.Span == (finding.Span{}) {
				t.Fatalf("stage %+v", s)
			}
			for _, in := range file.Of(s) {
				// Nothing that a history may say makes the join stumble.
				made(&in, parseStep(in.Raw), nil)
				made(&in, parseStep("|1 A=b /bin/sh -c "+in.Raw), []string{"/bin/sh", "-c"})
				made(&in, parseStep("/bin/sh -c #(nop) "+in.Raw), nil)
			}
		}
	})
}

func BenchmarkParseCorpus(b *testing.B) {
	files := corpus(b)
	var n int64
	for _, f := range files {
		n += int64(len(f))
	}
	b.SetBytes(n)
	b.ReportAllocs()
	for b.Loop() {
		for name, f := range files {
			_, _ = Parse(name, f)
		}
	}
}

// Too many instructions are refused with the line, before anything is made of
// them.
func TestTooManyInstructions(t *testing.T) {
	text := "FROM x\n" + strings.Repeat("RUN x\n", MaxInstructions-1)
	if _, err := Parse("Dockerfile", []byte(text)); err != nil {
		t.Fatal(err)
	}
	_, err := Parse("Dockerfile", []byte(text+"RUN x\n"))
	var e *Error
	if want := "32769 instructions are over the limit of 32768"; !errors.As(err, &e) || e.Span.Line != MaxInstructions+1 || e.Err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// TestUndeclaredBase: a variable that no ARG declares is empty whatever the build is
// given, so that its default counts; the platform's parts are not such.
func TestUndeclaredBase(t *testing.T) {
	for from, want := range map[string]string{
		"golang:${GO_VERSION:-1.22.5}-alpine":             "golang:1.22.5-alpine",
		"${REGISTRY:-registry.example}/app:1":             "registry.example/app:1",
		"golang:${GO_VERSION}":                            "",
		"${BASE}":                                         "",
		"golang:1.22${VARIANT}":                           "golang:1.22",
		"example.org/${TARGETARCH}/golang:${V:-1}":        "",
		"example.org/${TARGETARCH:-amd64}/golang:${V:-1}": "",
	} {
		f, err := Parse("Dockerfile", []byte("FROM "+from+"\n"))
		if err != nil {
			t.Fatal(from, err)
		}
		if got := f.Stages[0].Base; got != want {
			t.Errorf("%s: %q, want %q", from, got, want)
		}
	}
}
