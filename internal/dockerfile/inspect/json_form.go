package inspect

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// ExecForm is the JSON form of a command line that needs no shell but to split
// words; empty: it needs one, or it cannot be told.
func (in *Input) ExecForm(s *dockerfile.Script, inst *dockerfile.Instruction) string {
	if s.Err != nil || s.Exec || len(s.Commands) != 1 || len(inst.Words) != 1 || s.Span != inst.Words[0].Span || hasComment(inst) {
		return ""
	}
	c := &s.Commands[0]
	if strings.HasPrefix(inst.Words[0].Text, "[") || len(c.Within) > 0 || len(c.Assigns) > 0 || len(c.Redirects) > 0 || len(c.Words) == 0 {
		return ""
	}
	args := make([]string, 0, len(c.Words))
	for _, w := range c.Words {
		if !w.Literal || strings.ContainsAny(w.Text, "\n\r") || !w.Quoted && strings.ContainsAny(w.Text, "{[") { // braces are bash's
			return ""
		}
		args = append(args, w.Text)
	}
	if args[0] == "exec" && len(args) > 1 && !strings.HasPrefix(args[1], "-") {
		args = args[1:]
	}
	if slices.Contains(builtins, args[0]) {
		return ""
	}
	for i, a := range args {
		args[i] = JSONString(a)
	}
	return "[" + strings.Join(args, ", ") + "]"
}

// hasComment reports whether there are comments between the lines of an
// instruction.
func hasComment(inst *dockerfile.Instruction) bool {
	for line := range bytes.Lines([]byte(inst.Raw)) {
		if bytes.HasPrefix(bytes.TrimSpace(line), []byte("#")) {
			return true
		}
	}
	return false
}

// JSONString is a text as JSON has it, without HTML escaped.
func JSONString(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(s) != nil {
		return `""`
	}
	return strings.TrimSuffix(b.String(), "\n")
}
