package rewrite

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// ExecForm has CMD and ENTRYPOINT start the program itself and no shell around
// it, so that signals reach it. It does so where the command is nothing but a
// program and its words.
func ExecForm(r Request) (Rewrite, error) {
	d := newDraft(r)
	for i := range r.File.Stages {
		d.execForms(&r.File.Stages[i])
	}
	if len(d.edits) == 0 && len(d.unknown) > 0 {
		return Rewrite{}, refuse(nil, "nothing can be said without a shell: %s", strings.Join(d.unknown, "; "))
	}
	if len(d.edits) == 0 {
		return Rewrite{}, refuse(nil, "no CMD or ENTRYPOINT starts a shell")
	}
	return d.done("Start programs without a shell around them")
}

func (d *draft) execForms(st *dockerfile.Stage) {
	entry, cmd := -1, -1
	for i := st.From + 1; i < st.End; i++ {
		switch d.File.Instructions[i].Cmd {
		case "ENTRYPOINT":
			entry = i
		case "CMD":
			cmd = i
		}
	}
	for _, i := range []int{entry, cmd} {
		if i < 0 || d.File.Instructions[i].JSON || len(d.File.Instructions[i].Words) == 0 {
			continue
		}
		in := &d.File.Instructions[i]
		why := ""
		words := d.bareWords(i)
		switch {
		case parseReference(d.File.Chain(st)[0].Base).windows():
			why = "is read by Windows' cmd, which splits words in another way"
		case words == nil:
			why = "is more than a program and its words"
		case strings.Contains(in.Raw, "\n#"), strings.Contains(in.Raw, "\n #"):
			why = "has comments between its lines"
		case i == entry && cmd >= 0:
			why = "takes no notice of CMD, whose words would become its arguments"
		case i == cmd && entry >= 0:
			why = "stands beside an ENTRYPOINT, to which it would give other arguments"
		}
		if why != "" {
			d.undecided("line %d: %s %s", in.Span.Line, in.Cmd, why)
			continue
		}
		first, last := in.Words[0], in.Words[len(in.Words)-1]
		d.edit(first.Span.Start, last.Span.End, jsonForm(words))
	}
}

// bareWords are the words of a shell form that mean the same without a shell.
func (d *draft) bareWords(i int) []string {
	s := d.script(i)
	if s.Err != nil {
		return nil
	}
	words := plainWords(s.Commands)
	if len(words) == 0 || slices.Contains([]string{"cd", "export", "source", ".", "set", "unset", "ulimit", "umask", "eval", "trap", "wait", "alias", ":", "exit", "exec", "command", "builtin"}, words[0]) {
		return nil
	}
	for _, w := range s.Commands[0].Words {
		if !w.Quoted && strings.ContainsAny(w.Text, "*?[]{}~!") {
			return nil
		}
	}
	return words
}

func jsonForm(words []string) string {
	var b strings.Builder
	b.WriteByte('[')
	for i, w := range words {
		if i > 0 {
			b.WriteString(", ")
		}
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		_ = e.Encode(w)
	}
	b.WriteByte(']')
	return strings.ReplaceAll(b.String(), "\n", "")
}
