package dockerfile

import (
	"path"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/command"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"

	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

// step is what a history's CreatedBy says, whoever wrote it.
type step struct {
	cmd  string // upper case
	rest string // after the command, as recorded
	nop  bool   // in the older builder's and Buildah's form, "#(nop)"
}

// parseStep reads a step: "RUN /bin/sh -c … # buildkit" and "COPY a b #
// buildkit" (BuildKit), "/bin/sh -c #(nop)  CMD […]" and "/bin/sh -c …" (the
// older builder, Buildah), "RUN …" (Kaniko).
func parseStep(createdBy string) step {
	s := strings.TrimSuffix(strings.TrimSpace(createdBy), "# buildkit")
	if before, after, ok := strings.Cut(s, "#(nop) "); ok && !strings.Contains(before, "\n") {
		cmd, rest, _ := strings.Cut(strings.TrimSpace(after), " ")
		return step{cmd: strings.ToUpper(cmd), rest: strings.TrimSpace(rest), nop: true}
	}
	cmd, rest, _ := strings.Cut(strings.TrimSpace(s), " ")
	if _, ok := command.Commands[strings.ToLower(cmd)]; ok && cmd == strings.ToUpper(cmd) {
		return step{cmd: cmd, rest: strings.TrimSpace(rest)}
	}
	return step{cmd: "RUN", rest: strings.TrimSpace(s)}
}

// made reports whether the instruction can have made the step. Variables that a
// builder fills in match anything; everything else must be there.
func made(in *Instruction, s step, sh []string) bool {
	if in.Cmd != s.cmd {
		return false
	}
	switch in.Cmd {
	case "RUN":
		return madeRun(in, s, sh)
	case "COPY", "ADD":
		return madeCopy(in, s)
	case "ENV", "LABEL":
		return madePairs(in.Args, s.rest)
	case "ARG":
		name, _, _ := strings.Cut(in.Args[0], "=")
		return s.rest == name || strings.HasPrefix(s.rest, name+"=") || strings.HasPrefix(s.rest, name+" ")
	case "CMD", "ENTRYPOINT":
		if in.JSON {
			return bare(s.rest) == bare(quoted(in.Args))
		}
		// The shell before the command may be the base image's.
		return strings.HasSuffix(bare(s.rest), bare(quoted(in.Args))[1:]) || bare(s.rest) == bare(strings.Join(in.Args, " "))
	case "SHELL":
		return bare(strings.Trim(s.rest, "[]")) == bare(strings.Join(in.Args, " "))
	case "HEALTHCHECK":
		return strings.EqualFold(in.Args[0], "NONE") == strings.Contains(s.rest, "NONE") &&
			(in.JSON || strings.EqualFold(in.Args[0], "NONE") || strings.Contains(bare(s.rest), bare(strings.Join(in.Args[1:], " "))))
	case "EXPOSE", "VOLUME":
		return mentions(in.Args, s.rest)
	case "WORKDIR":
		return like(cleanPath(in.Args[0]), cleanPath(s.rest), !path.IsAbs(in.Args[0]))
	case "ONBUILD":
		return bare(s.rest) == bare(strings.Join(in.Args, " "))
	default: // USER, STOPSIGNAL, MAINTAINER
		return like(unquote(in.Args[0]), s.rest, false)
	}
}

// aShell is what may stand before a command under a shell that is not known.
var aShell = lazyregexp.New(`(?i)^(?:\S*(?:sh|cmd|powershell|pwsh)(?:\.exe)?(?: \S+)*? [-/]\S+)$`)

func madeRun(in *Instruction, s step, sh []string) bool {
	for _, text := range runTexts(in) {
		got, want := spaced(s.rest), spaced(text)
		before, ok := strings.CutSuffix(got, want)
		if !ok {
			continue
		}
		before = strings.TrimSpace(before)
		if strings.HasPrefix(before, "|") {
			// Build arguments, "|2 A=1 B=x y", whose values may hold anything.
			if in.JSON || strings.HasSuffix(before, spaced(strings.Join(sh, " "))) {
				return true
			}
			continue
		}
		switch {
		case before == "":
			return true // the JSON form, or Kaniko
		case in.JSON:
		case sh != nil && before == spaced(strings.Join(sh, " ")), sh == nil && aShell.MatchString(before):
			return true
		}
	}
	return false
}

// runTexts are the forms in which builders record a RUN's command.
func runTexts(in *Instruction) []string {
	text := strings.Join(in.Args, " ")
	if len(in.Heredocs) == 0 {
		return []string{text}
	}
	with := text
	for _, h := range in.Heredocs {
		with += "\n" + h.Content + h.Name
	}
	// A lone here-document is the script itself.
	return []string{in.Heredocs[0].Content, with}
}

// madeCopy compares sources and destination, or where the older builder wrote
// a hash for the sources, the destination.
func madeCopy(in *Instruction, s step) bool {
	if len(in.Args) < 2 {
		return false
	}
	dest := in.Args[len(in.Args)-1]
	if source, to, ok := cutLast(s.rest, " in "); ok && hashed.MatchString(source) {
		return like(cleanPath(dest), cleanPath(to), !path.IsAbs(dest))
	}
	got := words(s.rest)
	if len(got) != len(in.Args) {
		// Names with spaces in them, or a variable of several words.
		return like(unquote(strings.Join(in.Args, " ")), strings.Join(got, " "), false)
	}
	for i, w := range in.Args {
		if h := parser.MustParseHeredoc(w); h != nil {
			w = "<<" + h.Name
		}
		if !like(unquote(w), got[i], false) {
			return false
		}
	}
	return true
}

var hashed = lazyregexp.New(`(?:file|dir|multi):[0-9a-f]{64}$`)

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// words splits what a builder recorded of a COPY, without its flags.
func words(s string) []string {
	out := strings.Fields(s)
	for len(out) > 0 && strings.HasPrefix(out[0], "--") {
		out = out[1:]
	}
	return out
}

// madePairs reports whether the record names each pair and nothing else. The
// order is the builder's.
func madePairs(pairs []string, rest string) bool {
	exact, length := true, 0
	for _, pair := range pairs {
		key, value, _ := strings.Cut(pair, "=")
		key, value = unquote(key), unquote(value)
		want := key + "=" + value
		if i := strings.IndexAny(want, "$"); i >= 0 {
			want, exact = want[:i], false
		}
		length += len(want) + 1
		if !strings.Contains(" "+rest, " "+want) && !strings.Contains(rest, strconv.Quote(key)+"=") && !strings.HasPrefix(rest, key+" ") {
			return false
		}
	}
	return !exact || length == len(rest)+1 || strings.ContainsAny(rest, `"`)
}

// mentions reports whether each word of the instruction that holds no variable is
// in the record.
func mentions(args []string, rest string) bool {
	for _, a := range args {
		a = unquote(a)
		a, _, _ = strings.Cut(a, "-")
		if !strings.Contains(a, "$") && !strings.Contains(rest, a) {
			return false
		}
	}
	return true
}

var variable = lazyregexp.New(`\$(?:\{[^}]*\}|[A-Za-z_][A-Za-z0-9_]*)`)

// like compares a word of a Dockerfile with what a builder made of it: a
// variable may be any text. With tail, it need only be the end of the record,
// as a relative path is.
func like(word, got string, tail bool) bool {
	parts := variable.Split(word, -1)
	first, last := parts[0], parts[len(parts)-1]
	if len(parts) == 1 {
		return got == word || tail && (word == "." || strings.HasSuffix(got, "/"+word))
	}
	if !tail && !strings.HasPrefix(got, first) || !strings.HasSuffix(got, last) {
		return false
	}
	for _, part := range parts {
		i := strings.Index(got, part)
		if i < 0 {
			return false
		}
		got = got[i+len(part):]
	}
	return true
}

// cleanPath is a path without what a builder may have cleaned away.
func cleanPath(p string) string { return path.Clean(strings.Trim(p, `"'`)) }

// unquote takes quotes and escapes away as a builder does, and leaves
// variables as they are.
func unquote(word string) string {
	lex := shell.NewLex('\\')
	lex.SkipUnsetEnv = true
	out, _, err := lex.ProcessWord(Lexable(word), variables(nil))
	if err != nil {
		return word
	}
	return out
}

// quoted is a list as the builders print it: ["a" "b c"].
func quoted(args []string) string {
	out := make([]string, len(args))
	for i, a := range args {
		out[i] = strconv.Quote(a)
	}
	return "[" + strings.Join(out, " ") + "]"
}

// bare is s without white space and commas, in which builders differ.
func bare(s string) string {
	return strings.Map(func(r rune) rune {
		if r == ',' || r == ' ' || r == '\t' || r == '\n' || r == '\r' {
			return -1
		}
		return r
	}, s)
}

// spaced is s with each run of white space as one space.
func spaced(s string) string { return strings.Join(strings.Fields(s), " ") }
