package keep

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// script is what a script names.
type script struct {
	Interpreter []string `json:"interpreter,omitempty"` // the words of its first line
	Programs    []string `json:"programs,omitempty"`    // names and paths, as far as they are written out
	Dynamic     string   `json:"dynamic,omitempty"`     // a command whose name is made at run time, with its line
}

// readScript reads the first line of a script, and all of one for a shell.
func readScript(b []byte) script {
	var s script
	if line, ok := bytes.CutPrefix(b, []byte("#!")); ok {
		line, _, _ = bytes.Cut(line, []byte("\n"))
		s.Interpreter = strings.Fields(string(line[:min(len(line), 255)]))
	}
	if len(s.Interpreter) > 0 && !slices.ContainsFunc(s.Interpreter, isShell) {
		return s
	}
	s.shell(string(b))
	return s
}

func isShell(word string) bool {
	return slices.Contains([]string{"sh", "bash", "dash", "ash", "ksh", "mksh", "zsh"}, path.Base(word))
}

// carriers are commands whose arguments are a command, or begin one after some options.
func carriers() []string {
	return []string{
		"exec", "command", "env", "nohup", "nice", "xargs", "time", "timeout", "sudo", "su-exec", "gosu", "setpriv", "chroot", "tini", "dumb-init", "su", "sh", "bash", "if", "!",
	}
}

// shell notes the programs that a shell's text runs. What cannot be parsed names nothing,
// and is taken for one that makes names at run time.
func (s *script) shell(text string) {
	f, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), "")
	if err != nil {
		s.Dynamic = "it is not a script that can be parsed"
		return
	}
	own := map[string]bool{}
	syntax.Walk(f, func(n syntax.Node) bool {
		if d, ok := n.(*syntax.FuncDecl); ok {
			own[d.Name.Value] = true
		}
		return true
	})
	seen := map[string]bool{}
	add := func(w string) {
		if w != "" && !seen[w] && !own[w] && len(s.Programs) < maxNeeds {
			seen[w] = true
			s.Programs = append(s.Programs, w)
		}
	}
	syntax.Walk(f, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.CallExpr:
			s.call(n, add)
		case *syntax.Word:
			if w := literal(n); path.IsAbs(w) {
				add(w)
			}
		}
		return true
	})
}

func (s *script) call(c *syntax.CallExpr, add func(string)) {
	for i, w := range c.Args {
		name := literal(w)
		if name == "" {
			if i == 0 || slices.Contains(carriers(), literal(c.Args[0])) && i == 1 {
				s.dynamic(w)
			}
			return
		}
		if i == 0 && name == "eval" {
			s.dynamic(w)
		}
		add(name)
		if i == 0 && !slices.Contains(carriers(), path.Base(name)) {
			return
		}
	}
}

// dynamic notes a command that nobody can read off the script. Its own arguments are no
// such command: they are the image's CMD, or what another script passes.
func (s *script) dynamic(w *syntax.Word) {
	var b strings.Builder
	if syntax.NewPrinter().Print(&b, w) != nil || s.Dynamic != "" {
		return
	}
	if text := strings.Trim(b.String(), `"`); text != "$@" && text != "$*" && text != "$1" && text != "${@}" && text != "" {
		s.Dynamic = fmt.Sprintf("line %d: %.60s", w.Pos().Line(), b.String())
	}
}

// literal is a word that is written out, without its quotes; empty: it is not.
func literal(w *syntax.Word) string {
	var b strings.Builder
	for _, p := range w.Parts {
		switch p := p.(type) {
		case *syntax.Lit:
			b.WriteString(strings.ReplaceAll(p.Value, `\`, ""))
		case *syntax.SglQuoted:
			b.WriteString(p.Value)
		case *syntax.DblQuoted:
			for _, q := range p.Parts {
				l, ok := q.(*syntax.Lit)
				if !ok {
					return ""
				}
				b.WriteString(l.Value)
			}
		default:
			return ""
		}
	}
	return b.String()
}
