package dockerfile

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// commands prints a script's commands, a line each, with what is around them.
func commands(s *Script) []string {
	var out []string
	for i, c := range s.Commands {
		var parts []string
		for _, a := range c.Assigns {
			parts = append(parts, a.Name+"="+a.Value.Text)
		}
		for _, w := range c.Words {
			mark := ""
			if !w.Literal {
				mark = "?"
			}
			parts = append(parts, w.Text+mark)
		}
		for _, r := range c.Redirects {
			parts = append(parts, r.Op+r.Target.Text)
		}
		text := fmt.Sprintf("%d %s %s", i, c.After, strings.Join(parts, " "))
		if c.Input >= 0 {
			text += fmt.Sprintf(" <-%d", c.Input)
		}
		if len(c.Within) > 0 {
			text += fmt.Sprintf(" in %s", strings.Join(c.Within, "/"))
		}
		out = append(out, text)
	}
	return out
}

func TestScripts(t *testing.T) {
	for _, tt := range []struct {
		name, instruction string
		want              []string
	}{
		{"list", "RUN set -eux; apt-get update && A=1 apt-get install -y \\\n  # why\n  curl=$V \\\n  'a b' || true", []string{
			"0  set -eux", "1 ; apt-get update", "2 && A=1 apt-get install -y curl=$V? a b", "3 || true",
		}},
		{"pipe", "RUN curl -s \"https://x/$A\" | sudo bash -s -- >/dev/null 2>&1", []string{
			"0  curl -s https://x/$A?", "1 | sudo bash -s -- >/dev/null >&1 <-0",
		}},
		{"constructs", "RUN if [ -f a ]; then (cd x; make) ; else { b & }; fi; for i in 1 2; do c $i; done; f() { d; }; ! e", []string{
			"0  [ -f a ] in if", "1  cd x in if/subshell", "2 ; make in if/subshell", "3  b in if/group/background", "4 ; c $i? in loop", "5 ; d in function/group", "6 ; e in negation",
		}},
		{"substitution", "RUN wget -O x $(curl -s https://y | jq .z) && v=`date`", []string{
			"0  curl -s https://y in substitution", "1 | jq .z <-0 in substitution", "2  wget -O x $(curl -s https://y | jq .z)?", "3  date in substitution", "4 && v=`date`",
		}},
		{"nested", `RUN bash -ec "a; b c"`, []string{"0  bash -ec a; b c", "1  a in nested", "2 ; b c in nested"}},
		{"exec", `RUN ["sh", "-c", "a && b"]`, []string{"0  sh -c a && b", "1  a in nested", "2 && b in nested"}},
		{"exec without a shell", `CMD ["node", "a b", "--cap-drop"]`, []string{"0  node a b --cap-drop"}},
		{"heredoc", "RUN <<EOF\nset -e\napt-get update\nEOF", []string{"0  set -e", "1 ; apt-get update"}},
		{"heredoc of a command", "RUN cat <<'E' >/f && b\nx $y\nE", []string{"0  cat <<E >/f", "1 && b"}},
		{"tabs", "RUN <<-E\n\tif a; then\n\t\tb\n\tfi\n\tE", []string{"0  a in if", "1  b in if"}},
		{"health", "HEALTHCHECK --interval=5s CMD curl -f x || exit 1", []string{"0  curl -f x", "1 || exit 1"}},
		{"no health", "HEALTHCHECK NONE", nil},
		{"trigger", "ONBUILD RUN npm ci && b", []string{"0  npm ci", "1 && b"}},
		{"declaration", "RUN export A=1 && b", []string{"0  A=1 export", "1 && b"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := mustParse(t, "FROM x\n"+tt.instruction+"\n")
			s := f.Script(&f.Instructions[1], nil)
			if s.Err != nil {
				t.Fatal(s.Err)
			}
			if diff := cmp.Diff(tt.want, commands(s)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			holdScript(t, f, &f.Instructions[1], s)
		})
	}
}

func TestWordsHaveTheirBytes(t *testing.T) {
	text := "FROM x\r\nRUN apt-get install -y cu\\\r\nrl && \\\r\n  # c\r\n  \"b\" 'c d'\r\n"
	f := mustParse(t, text)
	var got []string
	for _, c := range f.Script(&f.Instructions[1], nil).Commands {
		got = append(got, fmt.Sprintf("%q at %d:%d", text[c.Span.Start:c.Span.End], c.Span.Line, c.Span.Column))
		for _, w := range c.Words {
			got = append(got, fmt.Sprintf("%s %q", w.Text, text[w.Span.Start:w.Span.End]))
		}
	}
	want := []string{
		`"apt-get install -y cu\\\r\nrl" at 2:5`, `apt-get "apt-get"`, `install "install"`, `-y "-y"`, `curl "cu\\\r\nrl"`,
		`"\"b\" 'c d'" at 5:3`, `b "\"b\""`, `c d "'c d'"`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestUnreadShells(t *testing.T) {
	f := mustParse(t, "FROM x\nRUN Get-Item a | b\nRUN if a\n")
	if s := f.Script(&f.Instructions[1], []string{"powershell", "-Command"}); s.Err == nil || len(s.Commands) > 0 {
		t.Errorf("PowerShell is read as %v", commands(s))
	}
	if s := f.Script(&f.Instructions[2], nil); s.Err == nil || len(s.Commands) > 0 {
		t.Errorf("half a command is read as %v", commands(s))
	}
}

func TestPrograms(t *testing.T) {
	for text, want := range map[string]string{
		"/usr/bin/apt-get -qq -y install a": "apt-get|[-qq -y install a]|[]",
		"sudo -H apt-get update":            "apt-get|[update]|[sudo]",
		"env -u A B=1 C=2 pip install x":    "pip|[install x]|[env]",
		"exec gosu www node a":              "node|[a]|[exec gosu]",
		"$X a":                              "|[a]|[]",
	} {
		f := mustParse(t, "FROM x\nRUN "+text)
		c := f.Script(&f.Instructions[1], nil).Commands[0]
		var args []string
		for _, a := range c.Args() {
			args = append(args, a.Text)
		}
		got := fmt.Sprintf("%s|%v|%v", c.Program(), args, c.Via())
		if got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	f := mustParse(t, "FROM x\nRUN apt-get -o A=b install -qy --no-install-recommends --target=/x -t d a b -- -c")
	c := f.Script(&f.Instructions[1], nil).Commands[0]
	if !c.Has("-y") || !c.Has("--no-install-recommends") || c.Has("--yes", "-z") || !c.Has("--target") {
		t.Error("flags are not seen")
	}
	if v, ok := c.Value("-t"); !ok || v.Text != "d" {
		t.Errorf("value %v", v)
	}
	var ops []string
	for _, o := range c.Operands("-o", "-t") {
		ops = append(ops, o.Text)
	}
	if fmt.Sprint(ops) != "[install a b -c]" {
		t.Error(ops)
	}
}

// holdScript holds the law of commands: their bytes are the instruction's.
func holdScript(t testing.TB, f *File, in *Instruction, s *Script) {
	t.Helper()
	for i, c := range s.Commands {
		if c.Span.Start < in.Span.Start || c.Span.End > in.Span.End || c.Span.End < c.Span.Start || c.Input >= len(s.Commands) || c.Input == i {
			t.Fatalf("%q: command at %+v", in.Raw, c.Span)
		}
		for _, w := range c.Words {
			if w.Span.Start < in.Span.Start || w.Span.End > in.Span.End || w.Span.End < w.Span.Start {
				t.Fatalf("%q: word %q at %+v", in.Raw, w.Text, w.Span)
			}
			got := string(f.Bytes[w.Span.Start:w.Span.End])
			if in.JSON && !utf8.ValidString(got) {
				// What JSON replaces moves all that follows: the place is the whole string's.
				if !slices.ContainsFunc(in.Words, func(whole Word) bool { return whole.Span == w.Span }) {
					t.Fatalf("%q: word %q at %+v is no string", in.Raw, w.Text, w.Span)
				}
				continue
			}
			if w.Literal && !w.Quoted && got != w.Text && !strings.ContainsAny(got, "\\`\x00") {
				t.Fatalf("%q: the bytes of %q are %q", in.Raw, w.Text, got)
			}
		}
	}
	if s.Err != nil && !s.Exec && len(s.Commands) > 0 {
		t.Fatalf("%q: commands of what could not be read", in.Raw)
	}
}

func TestScriptsFromTheWild(t *testing.T) {
	read, commands := 0, 0
	for name, b := range corpus(t) {
		f, err := Parse(name, b)
		if err != nil {
			continue
		}
		scopes := f.Scopes(nil)
		for i := range f.Instructions {
			in := &f.Instructions[i]
			if in.Stage < 0 || in.Cmd == "FROM" {
				continue
			}
			s := f.Script(in, scopes.Shell(&f.Stages[in.Stage], i).Words)
			holdScript(t, f, in, s)
			if s.Err != nil {
				if !strings.Contains(s.Err.Error(), "is not a shell") {
					t.Errorf("%s:%d: %v", name, in.Span.Line, s.Err)
				}
				continue
			}
			read++
			commands += len(s.Commands)
		}
	}
	t.Logf("%d scripts, %d commands", read, commands)
	if commands < 9000 {
		t.Error("the shell words of the wild are not read")
	}
}

func TestHostileScripts(t *testing.T) {
	for name, part := range map[string]string{
		"parens": "(", "substitutions": "$(", "backticks": "`", "braces": "{ ", "if": "if ", "not": "! ", "pipes": "a|", "and": "a&&",
		"expansions": "${A:-", "arrays": "a=(", "case": "case a in a) ", "arithmetic": "$((", "functions": "f()", "quotes": "\"$(",
	} {
		t.Run(name, func(t *testing.T) {
			for _, n := range []int{1000, 60_000} {
				text := "FROM x\nRUN " + strings.Repeat(part, n/len(part)) + "a\n"
				f, err := Parse("Dockerfile", []byte(text))
				if err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				s := f.Script(&f.Instructions[1], nil)
				t.Logf("%d bytes: %v, %d commands, %.60v", n, time.Since(start), len(s.Commands), s.Err)
			}
		})
	}
}

func FuzzScript(f *testing.F) {
	for _, seed := range []string{
		"a && b | c > d", "if a; then b; fi", "x=$(a `b`) c \"d $e\" 'f'", "[\"sh\", \"-c\", \"a\\n b\"]", "<<E\na\nE", "cat <<E <<-F\na\nE\n\tb\n\tF",
		"a \\\n # b\n c", "f() { a; }; f", "bash -c 'a; b'", "case a in b) c;; esac", "a &", "((a))", "[[ a ]] && b", "sh -c \"a \\\"b\\\"\"",
		"[\"sh\",\"-c\",\"0\x90\"]", "[\"sh\",\"-c\",\"a \x90 b\"]",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		file, err := Parse("Dockerfile", []byte("FROM x\nRUN "+text))
		if err != nil {
			return
		}
		scopes := file.Scopes(func(*Stage) *BaseFacts { return Scratch() })
		for i := range file.Instructions {
			in := &file.Instructions[i]
			if in.Stage < 0 {
				continue
			}
			st := &file.Stages[in.Stage]
			for n := range in.Words {
				scopes.Expand(st, i, in.Words[n].Text)
			}
			scopes.User(st, i)
			scopes.Workdir(st, st.End)
			s := file.Script(in, scopes.Shell(st, i).Words)
			holdScript(t, file, in, s)
			for n := range s.Commands {
				c := &s.Commands[n]
				_ = c.Program() + fmt.Sprint(c.Args(), c.Via(), c.Operands("-t"), c.Has("-y"))
			}
		}
	})
}
