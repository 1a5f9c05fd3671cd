package dockerfile

import (
	"path"
	"slices"
	"strings"
)

// Program is the name of the program that a command starts, without its
// folder; empty where that cannot be told. What only starts another program
// (sudo, env, exec, nice, time …) is looked through.
func (c *Command) Program() string {
	i := c.program()
	if i >= len(c.Words) || !c.Words[i].Literal {
		return ""
	}
	return path.Base(c.Words[i].Text)
}

// Args are the words after the program's name.
func (c *Command) Args() []ShellWord {
	if i := c.program() + 1; i < len(c.Words) {
		return c.Words[i:]
	}
	return nil
}

// Via are the programs that were looked through: "sudo", "env".
func (c *Command) Via() []string {
	var out []string
	for _, w := range c.Words[:min(c.program(), len(c.Words))] {
		if slices.Contains(starters, path.Base(w.Text)) {
			out = append(out, path.Base(w.Text))
		}
	}
	return out
}

var starters = []string{"sudo", "env", "exec", "command", "nice", "time", "nohup", "eatmydata", "gosu", "su-exec", "doas", "ionice", "builtin", "faketime"}

// program is the index of the program's word.
func (c *Command) program() int {
	i := 0
	for i < len(c.Words) && c.Words[i].Literal {
		name := path.Base(c.Words[i].Text)
		if !slices.Contains(starters, name) {
			return i
		}
		i++
		if name == "gosu" || name == "su-exec" || name == "faketime" {
			i++ // the user, the time
		}
		for i < len(c.Words) && c.Words[i].Literal {
			text := c.Words[i].Text
			switch {
			case name == "env" && strings.Contains(text, "=") && !strings.HasPrefix(text, "-"), strings.HasPrefix(text, "--"):
				i++
				continue
			case strings.HasPrefix(text, "-") && len(text) > 1:
				i++
				if takesValue(name, text) {
					i++
				}
				continue
			}
			break
		}
	}
	return i
}

func takesValue(starter, flag string) bool {
	switch starter {
	case "sudo", "doas":
		return slices.Contains([]string{"-u", "-g", "-h", "-p", "-C", "-r", "-t"}, flag)
	case "env":
		return flag == "-u" || flag == "-C" || flag == "-S"
	case "nice", "ionice":
		return flag == "-n" || flag == "-c"
	}
	return false
}

// Is reports whether the command starts the program with that first operand:
// c.Is("apt-get", "install"). Without operands, whether it starts the program.
func (c *Command) Is(program string, sub ...string) bool {
	if c.Program() != program {
		return false
	}
	if len(sub) == 0 {
		return true
	}
	ops := c.Operands()
	return len(ops) > 0 && ops[0].Literal && slices.Contains(sub, ops[0].Text)
}

// Has reports whether one of the flags is there: "-y" (also within "-qy"),
// "--yes" (also as "--yes=true").
func (c *Command) Has(flags ...string) bool {
	for _, w := range c.Args() {
		if w.Text == "--" {
			return false
		}
		for _, f := range flags {
			long := strings.HasPrefix(f, "--")
			switch {
			case w.Text == f, long && strings.HasPrefix(w.Text, f+"="):
				return true
			case !long && len(f) == 2 && len(w.Text) > 2 && w.Text[0] == '-' && w.Text[1] != '-' && w.Literal && strings.Contains(w.Text[1:], f[1:]):
				return true
			}
		}
	}
	return false
}

// Value is what is given to a flag, as "--flag=value", "--flag value" or
// "-f value".
func (c *Command) Value(flags ...string) (ShellWord, bool) {
	args := c.Args()
	for i, w := range args {
		for _, f := range flags {
			if w.Text == f && i+1 < len(args) {
				return args[i+1], true
			}
			if v, ok := strings.CutPrefix(w.Text, f+"="); ok && strings.HasPrefix(f, "--") {
				w.Text = v
				return w, true
			}
		}
	}
	return ShellWord{}, false
}

// Operands are the arguments that are no flags. withValue names flags whose
// next word is theirs: "-t", "--target".
func (c *Command) Operands(withValue ...string) []ShellWord {
	var out []ShellWord
	args := c.Args()
	for i := 0; i < len(args); i++ {
		text := args[i].Text
		switch {
		case text == "--" && args[i].Literal:
			return append(out, args[i+1:]...)
		case len(text) > 1 && text[0] == '-':
			if slices.Contains(withValue, text) {
				i++
			}
		default:
			out = append(out, args[i])
		}
	}
	return out
}

// Conditional reports whether the command may not run at all: in a branch, a
// function, or after "||".
func (c *Command) Conditional() bool {
	return c.After == "||" || slices.ContainsFunc(c.Within, func(w string) bool {
		return w == "if" || w == "case" || w == "function" || w == "loop"
	})
}
