package rewrite

import (
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// commandsOf reads a line of shell that stands elsewhere: a script of
// package.json. nil: it cannot be read.
func commandsOf(text string) []dockerfile.Command {
	if text = strings.TrimSpace(text); text == "" || strings.ContainsAny(text, "\n\r") || strings.HasSuffix(text, `\`) || text[0] == '[' || text[0] == '#' || strings.HasPrefix(text, "--") {
		return nil
	}
	f, err := dockerfile.Parse("", []byte("FROM scratch\nRUN "+text+"\n"))
	if err != nil || len(f.Instructions) != 2 {
		return nil
	}
	s := f.Script(&f.Instructions[1], nil)
	if s.Err != nil {
		return nil
	}
	return s.Commands
}

// run is a command with where it runs.
type run struct {
	*dockerfile.Command
	at  int    // index of the instruction
	dir string // working directory; empty: it cannot be told
}

// runs are the commands of the stage's RUNs, in order, each in the directory
// that "cd" before it in the same RUN has led to.
func (c *conversion) runs() []run {
	var out []run
	c.each("RUN", func(i int, _ *dockerfile.Instruction) { out = append(out, c.runsOf(i)...) })
	return out
}

func (c *conversion) runsOf(i int) []run {
	dir, ok := c.workdir(c.stage, i)
	if !ok {
		dir = ""
	}
	return located(c.script(i).Commands, i, dir)
}

func located(commands []dockerfile.Command, at int, dir string) []run {
	var out []run
	type scope struct {
		within int
		dir    string
	}
	var outer []scope // directories to go back to after a subshell
	for n := range commands {
		cmd := &commands[n]
		depth := 0
		for _, w := range cmd.Within {
			if w == "subshell" || w == "substitution" || w == "nested" {
				depth++
			}
		}
		for len(outer) > 0 && outer[len(outer)-1].within >= depth {
			dir, outer = outer[len(outer)-1].dir, outer[:len(outer)-1]
		}
		out = append(out, run{cmd, at, dir})
		if p := cmd.Program(); p == "cd" || p == "pushd" {
			if depth > 0 && (len(outer) == 0 || outer[len(outer)-1].within < depth-1) {
				outer = append(outer, scope{depth - 1, dir})
			}
			switch to := cmd.Operands(); {
			case len(to) != 1 || !to[0].Literal || to[0].Text == "-":
				dir = ""
			case path.IsAbs(to[0].Text):
				dir = path.Clean(to[0].Text)
			case dir != "":
				dir = path.Join(dir, to[0].Text)
			}
		}
	}
	return out
}

// started is what a container of the image starts.
type started struct {
	at    int      // index of the instruction that says the program
	words []string // program and arguments; nil: it is more than a plain command, or cannot be told
	shell bool     // in the shell form
}

// start is what ENTRYPOINT and CMD start; at -1: the file says neither.
func (c *conversion) start() started {
	entry, cmd := c.last("ENTRYPOINT"), c.last("CMD")
	if entry < 0 {
		return c.startOf(cmd)
	}
	s := c.startOf(entry)
	if in := c.File.Instructions[entry]; in.JSON && cmd >= 0 && s.words != nil {
		if rest := c.startOf(cmd); c.File.Instructions[cmd].JSON {
			s.words = append(s.words, rest.words...)
		} else {
			s.words = nil
		}
	}
	return s
}

func (c *conversion) startOf(i int) started {
	if i < 0 {
		return started{at: -1}
	}
	in := &c.File.Instructions[i]
	if in.JSON {
		s := started{at: i, words: slices.Clone(in.Args)}
		// sh -c "…" is a shell form by another name.
		if len(s.words) == 3 && s.words[1] == "-c" && (path.Base(s.words[0]) == "sh" || path.Base(s.words[0]) == "bash") {
			s.words, s.shell = plainWords(c.script(i).Commands[1:]), true
		}
		return s
	}
	return started{at: i, words: plainWords(c.script(i).Commands), shell: true}
}

// plainWords are the words of the only command, where it is nothing but words.
func plainWords(commands []dockerfile.Command) []string {
	if len(commands) != 1 || len(commands[0].Assigns)+len(commands[0].Redirects) > 0 {
		return nil
	}
	for _, w := range commands[0].Within {
		if w != "nested" {
			return nil
		}
	}
	var out []string
	for n, w := range commands[0].Words {
		if !w.Literal {
			return nil
		}
		if n == 0 && w.Text == "exec" {
			continue
		}
		out = append(out, w.Text)
	}
	return out
}

// commandsAt is one command as a list.
func commandsAt(r run) []dockerfile.Command { return []dockerfile.Command{*r.Command} }

// unseen refuses a shell as what is started, and says of a script that what it
// starts cannot be seen.
func (c *conversion) unseen(words []string) error {
	s := c.start()
	if s.at < 0 {
		return nil
	}
	if len(s.words) == 1 && slices.Contains([]string{"sh", "bash", "ash", "zsh"}, path.Base(s.words[0])) {
		return refuse(&c.File.Instructions[s.at], "a shell is started: what a container of this image is for cannot be told")
	}
	for _, w := range append(slices.Clone(words), s.words...) {
		if strings.HasSuffix(w, ".sh") || strings.HasSuffix(w, "entrypoint") {
			c.undecided("what %s starts: it is not looked into", w)
		}
	}
	return nil
}
