package dockerfile

import (
	"fmt"
	"strings"
)

// Worse says which instruction of a file is broken in a way that none was in
// another version of it: a JSON form that is no JSON, which a builder takes for a
// shell's text without a word, or a text that the shell cannot read. Empty: none.
func Worse(before, after *File) string {
	had := before.faults()
	for kind, found := range after.faults() {
		if len(found) <= len(had[kind]) {
			continue
		}
		known := map[string]bool{}
		for _, in := range had[kind] {
			known[in.Raw] = true
		}
		for _, in := range found {
			if !known[in.Raw] {
				return fmt.Sprintf("line %d: %s %s", in.Span.Line, in.Cmd, kind)
			}
		}
	}
	return ""
}

// What may be wrong with an instruction that a parser of lines takes.
const (
	faultJSON  = "begins like the JSON form and is no JSON"
	faultShell = "is nothing that its shell can read"
)

// faults are the broken instructions by what is wrong with them.
func (f *File) faults() map[string][]*Instruction {
	out := map[string][]*Instruction{}
	scopes := f.Scopes(nil)
	for i := range f.Instructions {
		in := &f.Instructions[i]
		if in.Stage < 0 || in.JSON || len(in.Args) == 0 {
			continue
		}
		text := strings.TrimSpace(in.Args[0])
		switch in.Cmd {
		case "CMD", "ENTRYPOINT", "RUN", "SHELL", "VOLUME", "COPY", "ADD":
			if strings.HasPrefix(text, "[") && !strings.HasPrefix(text, "[ ") && !strings.HasPrefix(text, "[[ ") {
				out[faultJSON] = append(out[faultJSON], in)
				continue
			}
		}
		if f.Script(in, scopes.Shell(&f.Stages[in.Stage], i).Words).Err != nil {
			out[faultShell] = append(out[faultShell], in)
		}
	}
	return out
}
