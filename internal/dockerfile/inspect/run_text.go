package inspect

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
)

// RunAt is the RUN that instruction i is or, of ONBUILD, triggers; nil: none.
func (in *Input) RunAt(i int) *dockerfile.Instruction {
	inst := &in.File.Instructions[i]
	if inst.Trigger != nil {
		inst = inst.Trigger
	}
	if inst.Cmd != "RUN" || in.File.Instructions[i].Stage < 0 {
		return nil
	}
	return inst
}

// EachRunText calls visit with what each RUN runs, that of ONBUILD included.
func (in *Input) EachRunText(visit func(i int, run *dockerfile.Instruction, commands []dockerfile.Command)) {
	for i := range in.File.Instructions {
		if run := in.RunAt(i); run != nil {
			visit(i, run, in.Script(i).Commands)
		}
	}
}

// EachCommand calls visit for each command of each RUN, that of ONBUILD
// included.
func (in *Input) EachCommand(visit func(i int, c *dockerfile.Command)) {
	in.EachRunText(func(i int, _ *dockerfile.Instruction, commands []dockerfile.Command) {
		for n := range commands {
			visit(i, &commands[n])
		}
	})
}

// RunsOf are the commands of the RUNs of a stage, in order, with the index of
// their instruction.
func (in *Input) RunsOf(s *dockerfile.Stage, visit func(i int, c *dockerfile.Command)) {
	for i := s.From + 1; i < s.End; i++ {
		if in.File.Instructions[i].Cmd != "RUN" {
			continue
		}
		commands := in.Script(i).Commands
		for n := range commands {
			visit(i, &commands[n])
		}
	}
}

// Shipped says of each stage whether its layers are in an image that is built of the
// file: the last one's, or that of a stage which no other uses and --target names.
func (in *Input) Shipped() []bool {
	out := make([]bool, len(in.File.Stages))
	for i, used := range in.usedByOthers() {
		if !used {
			for _, s := range in.File.Chain(&in.File.Stages[i]) {
				out[s.Index] = true
			}
		}
	}
	return out
}

// usedByOthers says of each stage whether another stands on it, or takes from it.
func (in *Input) usedByOthers() []bool {
	used := make([]bool, len(in.File.Stages))
	for i := range in.File.Stages {
		s := &in.File.Stages[i]
		for _, below := range in.standsOn(s) {
			used[below.Index] = true
		}
		for k := s.From + 1; k < s.End; k++ {
			for _, name := range Sources(&in.File.Instructions[k]) {
				if from, err := in.File.Target(name); name != "" && err == nil && from.Index < s.Index {
					used[from.Index] = true
				}
			}
		}
	}
	return used
}

// Mounts reports whether RUN mounts a cache, or memory, on a folder whose path has
// one of the fragments in it.
func Mounts(run *dockerfile.Instruction, fragments ...string) bool {
	for _, f := range run.FlagWords {
		if f.Name != "mount" {
			continue
		}
		kind, target := "", ""
		for _, field := range strings.Split(f.Value, ",") {
			key, value, _ := strings.Cut(field, "=")
			switch strings.ToLower(key) {
			case "type":
				kind = value
			case "target", "dst", "destination":
				target = value
			}
		}
		if kind == "cache" || kind == "tmpfs" {
			for _, fragment := range fragments {
				if strings.Contains(target, fragment) || cachePlace(target, fragment) {
					return true
				}
			}
		}
	}
	return false
}

// cachePlace reports whether a mount's target is a variable that names the cache of
// the program that the last part of a path names: ${PIP_CACHE_DIR} is pip's.
func cachePlace(target, fragment string) bool {
	name := strings.ToUpper(fragment[strings.LastIndexByte(fragment, '/')+1:])
	return strings.HasPrefix(target, "$") && len(name) > 2 && name[0] != '.' && strings.Contains(strings.ToUpper(target), name)
}

// inJSON reports whether a command's words are the strings of a JSON form, or have their
// place in one alone.
func inJSON(in *Input, c *dockerfile.Command, w dockerfile.ShellWord) bool {
	return len(c.Words) > 0 && w.Span.Start < len(in.File.Bytes) && in.File.Bytes[w.Span.Start] == '"'
}

// InsertWord puts a word after one of a command's; none: there is no place.
func InsertWord(in *Input, i int, c *dockerfile.Command, after dockerfile.ShellWord, text string) []finding.Edit {
	if in.Script(i).Exec {
		switch {
		case !inJSON(in, c, after):
		case slices.Contains(c.Within, "nested"):
			return nil // the place is the whole string's
		default:
			return []finding.Edit{in.Insert(after.Span.End, `, "`+text+`"`)}
		}
	}
	return []finding.Edit{in.Insert(after.Span.End, " "+text)}
}

// ReplaceWord writes another word in the place of one.
func ReplaceWord(in *Input, i int, c *dockerfile.Command, w dockerfile.ShellWord, text string) []finding.Edit {
	if in.Script(i).Exec && inJSON(in, c, w) {
		if slices.Contains(c.Within, "nested") {
			return nil
		}
		text = `"` + text + `"`
	}
	return []finding.Edit{in.Edit(w.Span, text)}
}

// EndOfRun is where what instruction i runs ends, if more can be written there;
// false: it cannot.
func EndOfRun(in *Input, i int) (int, bool) {
	s := in.Script(i)
	run := in.RunAt(i)
	if run == nil || s.Exec || s.Err != nil || len(s.Commands) == 0 || len(run.Heredocs) > 0 {
		return 0, false
	}
	last := s.Span.Start
	for n := range s.Commands {
		c := &s.Commands[n]
		last = max(last, c.Span.End)
		if slices.Contains(c.Within, "background") || slices.ContainsFunc(c.Redirects, func(r dockerfile.Redirect) bool { return strings.HasPrefix(r.Op, "<<") }) {
			return 0, false
		}
	}
	if last > s.Span.End {
		return 0, false
	}
	tail := in.File.Bytes[last:s.Span.End]
	if bytes.ContainsAny(tail, "#&|;<") {
		return 0, false
	}
	return s.Span.End, true
}

// CleanUp appends a command that cleans up after another; none where that is run
// by sudo, and so not by root.
func CleanUp(in *Input, i int, after *dockerfile.Command, command string) []finding.Edit {
	if SudoWord(after) >= 0 && !in.RunsAsRoot(in.Stage(i), i) {
		return nil
	}
	return AppendCommand(in, i, command)
}

// AppendCommand writes one more command at the end of what instruction i runs,
// in the way in which the file writes them; none: there is no place.
func AppendCommand(in *Input, i int, command string) []finding.Edit {
	b, s := in.File.Bytes, in.Script(i)
	run := in.RunAt(i)
	if run != nil && len(run.Heredocs) == 1 && s.Err == nil && !s.Exec && s.Span == run.Heredocs[0].Body && len(s.Commands) > 0 {
		h := run.Heredocs[0]
		last := &s.Commands[len(s.Commands)-1]
		switch tail := b[min(last.Span.End, h.Body.End):h.Body.End]; {
		case strings.HasPrefix(h.Content, "#!"):
			return nil
		case in.StopsAtErrors(i):
			return []finding.Edit{in.Insert(h.Body.End, command+in.LineEnd())}
		case len(bytes.TrimSpace(tail)) > 0 || len(last.Within) > 0 || holdsHeredoc(last):
			return nil // on a line of its own it would hide that the last command failed
		}
		return []finding.Edit{in.Insert(last.Span.End, " && "+command)}
	}
	end, ok := EndOfRun(in, i)
	if !ok {
		return nil
	}
	if !bytes.ContainsRune(b[run.Span.Start:run.Span.End], '\n') {
		return []finding.Edit{in.Insert(end, " && "+command)}
	}
	first, last := &s.Commands[0], &s.Commands[0]
	for n := range s.Commands {
		if c := &s.Commands[n]; len(c.Within) == 0 && c.After != "|" {
			last = c
		}
	}
	line := bytes.LastIndexByte(b[:last.Span.Start], '\n') + 1
	lead := string(b[line:last.Span.Start])
	more := " " + string(in.File.Escape) + in.LineEnd()
	switch strings.TrimSpace(lead) {
	case "&&":
		return []finding.Edit{in.Insert(end, more+lead+command)}
	case "":
		sep := " &&"
		if last.After == ";" && first.Program() == "set" && first.Has("-e") {
			sep = ";"
		}
		return []finding.Edit{in.Insert(end, sep+more+lead+command)}
	}
	return []finding.Edit{in.Insert(end, more+"    && "+command)}
}

// holdsHeredoc reports whether a here-document follows a command.
func holdsHeredoc(c *dockerfile.Command) bool {
	return slices.ContainsFunc(c.Redirects, func(r dockerfile.Redirect) bool { return strings.HasPrefix(r.Op, "<<") })
}

// StopsAtErrors reports whether the shell of instruction i ends with the first
// command that fails: it is told so, or its script begins with set -e.
func (in *Input) StopsAtErrors(i int) bool {
	said := false
	for _, w := range in.Scopes.Shell(in.Stage(i), i).Words {
		said = said || len(w) > 1 && w[0] == '-' && w[1] != '-' && strings.Contains(w, "e") || w == "errexit"
	}
	commands := in.Script(i).Commands
	for n := range commands {
		c := &commands[n]
		if c.Program() != "set" {
			continue
		}
		for k, w := range c.Args() {
			switch {
			case strings.HasPrefix(w.Text, "+") && strings.Contains(w.Text, "e"):
				return false
			case w.Text == "errexit" && k > 0 && strings.HasPrefix(c.Args()[k-1].Text, "+"):
				return false
			}
		}
		leads := n == 0 || said || !slices.ContainsFunc(commands[:n], func(c dockerfile.Command) bool { return c.Program() != "set" })
		said = said || leads && len(c.Within) == 0 && (c.Has("-e") || slices.ContainsFunc(c.Args(), func(w dockerfile.ShellWord) bool { return w.Text == "errexit" }))
	}
	return said
}

// AssignedOnce are the variables that a script sets once, to a value that can be told.
func AssignedOnce(commands []dockerfile.Command) map[string]string {
	var out map[string]string
	for n := range commands {
		for _, a := range commands[n].Assigns {
			if out == nil {
				out = map[string]string{}
			}
			if _, twice := out[a.Name]; twice || !a.Value.Literal {
				out[a.Name] = "$"
				continue
			}
			out[a.Name] = a.Value.Text
		}
	}
	return out
}

// Resolve is what a word of instruction i stands for: itself or, of a variable
// alone, the words of its value; false: it cannot be told.
func Resolve(in *Input, i int, set map[string]string, w dockerfile.ShellWord) ([]string, bool) {
	if len(w.Vars) == 0 {
		return []string{w.Text}, !strings.Contains(w.Text, "$(") && !strings.Contains(w.Text, "`")
	}
	if len(w.Vars) > 1 || w.Text != "$"+w.Vars[0] && w.Text != "${"+w.Vars[0]+"}" {
		return []string{w.Text}, !strings.HasPrefix(w.Text, "$") && !strings.HasSuffix(w.Text, "}") && !strings.HasSuffix(w.Text, "$"+w.Vars[len(w.Vars)-1])
	}
	value, ok := set[w.Vars[0]]
	if !ok {
		v := in.Scopes.Variable(in.Stage(i), i, w.Vars[0])
		value, ok = v.Value, v.Set
	}
	if !ok || strings.ContainsAny(value, "$`") {
		return nil, false
	}
	return strings.Fields(value), true
}

// IsLetterOrDigit reports whether a byte is one of ASCII's.
func IsLetterOrDigit(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// betweenWords has the words of a list as a command line has them.
var betweenWords = strings.NewReplacer(`", "`, " ", `","`, " ", `', '`, " ", `','`, " ")

// EachStarted calls visit for each command of the ENTRYPOINT and CMD that a
// container of the image starts. A CMD beside an ENTRYPOINT is its arguments: it
// is visited where the ENTRYPOINT runs what it is given, which is then below;
// else -1.
func (in *Input) EachStarted(visit func(i int, c *dockerfile.Command, below int)) {
	st := in.Starting()
	if in.Windows(in.Final()) {
		return
	}
	for _, i := range []int{st.Entrypoint, st.Cmd} {
		below := -1
		if i == st.Cmd {
			below = st.Entrypoint
		}
		if i < 0 || below >= 0 && !in.runsArguments(below) {
			continue
		}
		for k := range in.Script(i).Commands {
			visit(i, &in.Script(i).Commands[k], below)
		}
	}
}

// Removes reports whether a command removes a path with that in it.
func Removes(c *dockerfile.Command, part string) bool {
	if p := c.Program(); p != "rm" && p != "find" {
		return false
	}
	return slices.ContainsFunc(c.Args(), func(w dockerfile.ShellWord) bool { return strings.Contains(w.Text, part) })
}

// CommandName is how messages call a command.
func CommandName(c *dockerfile.Command) string {
	if name := c.Program(); name != "" {
		return name
	}
	return "the next command"
}

// SudoWord is the index of the word by which a command is run by sudo; -1: it is
// not.
func SudoWord(c *dockerfile.Command) int {
	if c.Program() == "sudo" { // with nothing after it
		return slices.IndexFunc(c.Words, func(w dockerfile.ShellWord) bool { return path.Base(w.Text) == "sudo" })
	}
	if !slices.Contains(c.Via(), "sudo") {
		return -1
	}
	for i, w := range c.Words {
		switch {
		case path.Base(w.Text) == "sudo":
			return i
		case path.Base(w.Text) == "command" && i+1 < len(c.Words) && strings.HasPrefix(c.Words[i+1].Text, "-"):
			return -1 // command -v sudo
		}
	}
	return -1
}
