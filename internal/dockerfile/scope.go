package dockerfile

import (
	"path"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// Scopes knows what holds at each point of a file: user, working directory,
// shell and variables, through the stages that a stage builds on down to what
// is known of the base image.
type Scopes struct {
	file  *File
	bases []*BaseFacts         // by stage: of the image below it; nil: nothing is known
	names map[string]bool      // variables that are set anywhere
	set   []map[string][]write // by stage: what each variable is set to, in order
	last  [][3]int             // by instruction: the last USER, WORKDIR, SHELL before it in its stage or those below; -1: none
	ends  [][3]int             // by stage: the same at its end
	dirs  map[int]Setting      // by instruction: what a WORKDIR comes to
}

// write is a variable set at an instruction.
type write struct {
	at    int // index of the instruction
	env   bool
	value string // with variables filled in, as far as they are known
	known bool   // whether value is
	has   bool   // an ARG may have no value
}

const (
	ofUser = iota
	ofWorkdir
	ofShell
)

// Scopes reads the state of each point of the file. base says what is known of
// the image that a stage stands on, by the stage's Base; nil: nothing.
func (f *File) Scopes(base func(*Stage) *BaseFacts) *Scopes {
	s := &Scopes{file: f, dirs: map[int]Setting{}, names: map[string]bool{}, last: make([][3]int, len(f.Instructions))}
	for i := range f.Stages {
		st := &f.Stages[i]
		var below *BaseFacts
		switch {
		case st.Parent != nil:
			below = s.bases[st.Parent.Index]
		case st.Base == "scratch":
			below = Scratch()
		case st.Base != "" && base != nil:
			below = base(st)
		}
		s.bases = append(s.bases, below)
		now := [3]int{-1, -1, -1}
		if st.Parent != nil {
			now = s.ends[st.Parent.Index]
		}
		set := map[string][]write{}
		s.ends, s.set = append(s.ends, now), append(s.set, set)
		s.last[st.From] = now
		for n := st.From + 1; n < st.End; n++ {
			s.last[n] = now
			switch in := &f.Instructions[n]; in.Cmd {
			case "USER":
				now[ofUser] = n
			case "WORKDIR":
				s.dirs[n] = s.workdir(st, n, in.Args[0])
				now[ofWorkdir] = n
			case "SHELL":
				now[ofShell] = n
			case "ENV", "ARG":
				for _, p := range in.Pairs() {
					w := write{at: n, env: in.Cmd == "ENV", has: p.HasValue}
					w.value, w.known = s.Expand(st, n, p.Value.Text)
					s.names[p.Key.Text] = true
					set[p.Key.Text] = append(set[p.Key.Text], w)
				}
			}
		}
		s.ends[i] = now
	}
	return s
}

// Base returns what is known of the image that a stage, through the stages
// below it, stands on; nil: nothing.
func (s *Scopes) Base(st *Stage) *BaseFacts { return s.bases[st.Index] }

// Setting is a value that an instruction or the base image set.
type Setting struct {
	Value string   // with variables filled in; meaningful if Known
	Known bool     // false: it cannot be told
	By    int      // index of the instruction that set it; -1: the base image, or nothing did
	Words []string // of a shell
}

// User is who runs what the instruction with index i says, or with the index
// of a stage's end, who the stage ends as. An empty value is root.
func (s *Scopes) User(st *Stage, i int) Setting {
	return s.setting(st, i, ofUser, func(b *BaseFacts) Setting { return Setting{Value: b.User, Known: b.Config, By: -1} })
}

// Workdir is the working directory at instruction i of the stage.
func (s *Scopes) Workdir(st *Stage, i int) Setting {
	return s.setting(st, i, ofWorkdir, func(b *BaseFacts) Setting {
		return Setting{Value: path.Join("/", b.Workdir), Known: b.Config, By: -1}
	})
}

// Shell is the shell of shell forms at instruction i of the stage. Where
// neither the file nor the base is known to say, Words is nil.
func (s *Scopes) Shell(st *Stage, i int) Setting {
	return s.setting(st, i, ofShell, func(b *BaseFacts) Setting {
		words := b.Shell
		if words == nil {
			words = []string{"/bin/sh", "-c"}
		}
		return Setting{Words: words, Known: b.Config, By: -1}
	})
}

// workdir is what a WORKDIR at instruction n comes to.
func (s *Scopes) workdir(st *Stage, n int, word string) Setting {
	value, known := s.Expand(st, n, word)
	if !known || path.IsAbs(value) {
		return Setting{Value: value, Known: known, By: n}
	}
	on := s.Workdir(st, n)
	out := Setting{Value: path.Join("/", on.Value, value), Known: on.Known, By: n}
	if len(out.Value) > maxWord {
		return Setting{By: n}
	}
	return out
}

func (s *Scopes) setting(st *Stage, i, of int, base func(*BaseFacts) Setting) Setting {
	n := s.ends[st.Index][of]
	if i < st.End {
		n = s.last[i][of]
	}
	if n < 0 {
		if b := s.Base(st); b != nil {
			return base(b)
		}
		return Setting{By: -1}
	}
	in := &s.file.Instructions[n]
	switch of {
	case ofShell:
		return Setting{Known: true, By: n, Words: in.Args}
	case ofWorkdir:
		return s.dirs[n]
	}
	value, known := s.Expand(&s.file.Stages[in.Stage], n, in.Args[0])
	return Setting{Value: value, Known: known, By: n}
}

// Variable is what a variable is at a point of a stage.
type Variable struct {
	Value string // as far as it is known
	Set   bool   // false: nothing sets it, as far as is known
	Known bool   // whether Set, and Value if it is set, can be told
	Env   bool   // by ENV or the base image, not by ARG
	By    int    // index of the instruction; -1: the base image, or nothing
}

// Variable looks a variable up as instruction i of the stage sees it. A build
// argument has its default's value, and is not known, as a build may set it
// otherwise; Value is the default even so.
func (s *Scopes) Variable(st *Stage, i int, name string) Variable {
	var arg *Variable
	for {
		writes := s.set[st.Index][name]
		for n := len(writes) - 1; n >= 0; n-- {
			w := writes[n]
			if w.at >= i {
				continue
			}
			if w.env {
				return Variable{Value: w.value, Set: true, Known: w.known, Env: true, By: w.at}
			}
			if arg == nil {
				arg = &Variable{Value: w.value, Set: w.has, By: w.at}
				if !w.has {
					arg.Value, arg.Set = s.global(name)
				}
			}
		}
		if st.Parent == nil || !s.names[name] {
			break
		}
		st, i = st.Parent, st.Parent.End
	}
	b := s.Base(st)
	if b != nil && b.Config {
		if v, ok := b.Env[name]; ok {
			return Variable{Value: v, Set: true, Known: true, Env: true, By: -1}
		}
	}
	if arg != nil {
		return *arg
	}
	return Variable{Known: b != nil && b.Config, By: -1}
}

func (s *Scopes) global(name string) (string, bool) {
	for i := len(s.file.GlobalArgs) - 1; i >= 0; i-- {
		if a := &s.file.GlobalArgs[i]; a.Name == name && a.HasDefault {
			return a.Value, true
		}
	}
	return "", false
}

// Expand fills the variables of a word in as instruction i of the stage sees
// them, and takes its quotes away; false: it cannot be told.
func (s *Scopes) Expand(st *Stage, i int, word string) (string, bool) {
	if !strings.ContainsAny(word, "$\"'\\`") {
		return word, true
	}
	if len(word) > maxWord {
		return "", false
	}
	e := &environment{scopes: s, stage: st, at: i, known: true}
	result, err := shell.NewLex(rune(s.file.Escape)).ProcessWordWithMatches(Lexable(word), e)
	if err != nil || len(result.Result) > maxWord {
		return "", false
	}
	return result.Result, e.known
}

// Lexable is a text without what BuildKit's lexer prints a line about to
// standard error: NUL, and bytes that are not UTF-8, which it replaces itself.
func Lexable(text string) string {
	if strings.IndexByte(text, 0) >= 0 {
		text = strings.ReplaceAll(text, "\x00", "\uFFFD")
	}
	return wellFormed(text)
}

// environment is what BuildKit's expander asks.
type environment struct {
	scopes *Scopes
	stage  *Stage
	at     int
	known  bool
}

func (e *environment) Get(name string) (string, bool) {
	v := e.scopes.Variable(e.stage, e.at, name)
	if !v.Known {
		e.known = false
	}
	return v.Value, v.Set
}

func (*environment) Keys() []string { return nil }

// Pair is a name with its value, of ENV, LABEL or ARG.
type Pair struct {
	Key, Value Word
	HasValue   bool
	Spaced     bool // in the old form, "ENV name value"
}

// Pairs returns the pairs of an ENV, LABEL or ARG, as written.
func (in *Instruction) Pairs() []Pair {
	out := make([]Pair, 0, len(in.Words))
	for _, w := range in.Words {
		lo, hi := in.line.at(w.Span.Start), in.line.at(w.Span.End-1)+1
		text := in.line.text[lo:hi]
		key, value, ok := strings.Cut(w.Text, "=")
		mid := strings.IndexByte(text, '=')
		next := mid + 1
		p := Pair{HasValue: ok}
		if in.Cmd != "ARG" && len(in.Words) == 1 {
			// In the old form, whose first word has no "=", the first blank divides, in quotes too.
			s := splitter{file: in.line.file, line: &in.line}
			words := s.quotedWords(lo, hi)
			if at := blanks.FindStringIndex(text); at != nil && len(words) > 0 && !strings.Contains(words[0].Text, "=") {
				p.Spaced = true
				mid, next = at[0], at[1]
				key, value = text[:mid], text[next:]
			}
		}
		p.Key, p.Value = Word{Text: key, Span: w.Span}, Word{Text: value, Span: w.Span}
		if ok && mid >= 0 {
			p.Key.Span = in.line.span(lo, lo+mid)
			p.Value.Span = in.line.span(lo+next, hi)
		}
		out = append(out, p)
	}
	return out
}
