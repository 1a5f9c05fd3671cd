package dockerfile

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/drydock-dev/drydock/internal/finding"
)

// walker lists the commands of a shell program.
type walker struct {
	script *Script
	loops  map[string]int         // variables of loops over words: how many
	items  map[string][]ShellWord // and over which
}

func (w *walker) list(stmts []*syntax.Stmt, within []string) {
	for i, s := range stmts {
		after := ""
		if i > 0 {
			after = ";"
		}
		w.stmt(s, after, -1, within)
	}
}

// stmt adds the commands of a statement. input is the command piped into it.
func (w *walker) stmt(s *syntax.Stmt, after string, input int, within []string) {
	if s == nil {
		return
	}
	if s.Negated {
		within = in(within, "negation")
	}
	if s.Background {
		within = in(within, "background")
	}
	first := len(w.script.Commands)
	switch c := s.Cmd.(type) {
	case nil:
		if len(s.Redirs) > 0 {
			w.add(Command{After: after, Input: input, Within: within, Span: w.script.stmt(s)})
		}
	case *syntax.CallExpr:
		w.call(c, s, after, input, within)
	case *syntax.BinaryCmd:
		w.stmt(c.X, after, input, within)
		op, from := c.Op.String(), -1
		if c.Op == syntax.Pipe || c.Op == syntax.PipeAll {
			op, from = "|", len(w.script.Commands)-1
		}
		w.stmt(c.Y, op, from, within)
	case *syntax.Subshell:
		w.list(c.Stmts, in(within, "subshell"))
	case *syntax.Block:
		w.list(c.Stmts, in(within, "group"))
	case *syntax.IfClause:
		for ; c != nil; c = c.Else {
			w.list(c.Cond, in(within, "if"))
			w.list(c.Then, in(within, "if"))
		}
	case *syntax.WhileClause:
		w.list(c.Cond, in(within, "loop"))
		w.list(c.Do, in(within, "loop"))
	case *syntax.ForClause:
		if iter, ok := c.Loop.(*syntax.WordIter); ok {
			w.loops[iter.Name.Value]++
			for _, item := range iter.Items {
				w.substitutions(item, within)
				w.items[iter.Name.Value] = append(w.items[iter.Name.Value], w.word(item))
			}
		}
		w.list(c.Do, in(within, "loop"))
	case *syntax.CaseClause:
		w.substitutions(c.Word, within)
		for _, item := range c.Items {
			w.list(item.Stmts, in(within, "case"))
		}
	case *syntax.FuncDecl:
		w.stmt(c.Body, "", -1, in(within, "function"))
	case *syntax.TimeClause:
		w.stmt(c.Stmt, after, input, within)
	case *syntax.CoprocClause:
		w.stmt(c.Stmt, after, input, in(within, "background"))
	case *syntax.DeclClause:
		cmd := Command{After: after, Input: input, Within: within, Span: w.script.stmt(s)}
		start := int(c.Variant.Pos().Offset())
		cmd.Words = []ShellWord{{Text: c.Variant.Value, Literal: true, Span: w.script.line.span(start, int(c.Variant.End().Offset()))}}
		cmd.Assigns = w.assigns(c.Args)
		w.redirects(&cmd, s)
		w.add(cmd)
	default: // arithmetic, tests: no command
		w.substitutions(c, within)
	}
	if _, simple := s.Cmd.(*syntax.CallExpr); simple || len(w.script.Commands) == first {
		return
	}
	// A construct's first command follows what the construct follows.
	if c := &w.script.Commands[first]; c.After == "" {
		c.After = after
		if c.Input < 0 {
			c.Input = input
		}
	}
}

func in(within []string, construct string) []string {
	return append(slices.Clip(within), construct)
}

func (w *walker) add(c Command) {
	w.script.Commands = append(w.script.Commands, c)
}

func (w *walker) call(c *syntax.CallExpr, s *syntax.Stmt, after string, input int, within []string) {
	cmd := Command{After: after, Input: input, Within: within, Span: w.script.stmt(s)}
	cmd.Assigns = w.assigns(c.Assigns)
	for _, a := range c.Args {
		cmd.Words = append(cmd.Words, w.word(a))
	}
	w.redirects(&cmd, s)
	// What is substituted runs first.
	w.substitutions(c, in(within, "substitution"))
	w.add(cmd)
	if i := cmd.inline(); i > 0 && cmd.Words[i].Literal && len(within) < maxNested {
		w.inline(c.Args[i], cmd.Words[i], in(within, "nested"))
	}
}

// inline reads the text of an sh -c that is one quoted word.
func (w *walker) inline(arg *syntax.Word, word ShellWord, within []string) {
	if len(arg.Parts) != 1 {
		return
	}
	lo := int(arg.Pos().Offset()) + 1
	hi := lo + len(word.Text)
	text := w.script.line.text
	if hi > len(text) || text[lo:hi] != word.Text {
		return
	}
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(strings.Repeat(" ", lo)+word.Text), "")
	if err != nil {
		return
	}
	w.list(file.Stmts, within)
}

func (w *walker) redirects(cmd *Command, s *syntax.Stmt) {
	for _, r := range s.Redirs {
		red := Redirect{Op: r.Op.String(), Span: w.script.span(r)}
		if r.Word != nil {
			red.Target = w.word(r.Word)
		}
		cmd.Redirects = append(cmd.Redirects, red)
	}
}

func (w *walker) assigns(list []*syntax.Assign) []Assign {
	var out []Assign
	for _, a := range list {
		x := Assign{Span: w.script.span(a)}
		if a.Name != nil {
			x.Name = a.Name.Value
		}
		if a.Value != nil {
			x.Value = w.word(a.Value)
			x.Value.Literal = x.Value.Literal && !a.Append
		}
		out = append(out, x)
	}
	return out
}

// substitutions adds the commands of $(…), `…` and <(…) in a node.
func (w *walker) substitutions(n syntax.Node, within []string) {
	if n == nil {
		return
	}
	syntax.Walk(n, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.CmdSubst:
			w.list(n.Stmts, within)
			return false
		case *syntax.ProcSubst:
			w.list(n.Stmts, within)
			return false
		}
		return true
	})
}

// word is a word's value as far as it can be told.
func (w *walker) word(n *syntax.Word) ShellWord {
	out := ShellWord{Literal: true, Span: w.script.span(n)}
	var b strings.Builder
	w.parts(&out, &b, n.Parts, false)
	out.Text = b.String()
	return out
}

func (w *walker) parts(out *ShellWord, b *strings.Builder, parts []syntax.WordPart, quoted bool) {
	for _, p := range parts {
		switch p := p.(type) {
		case *syntax.Lit:
			b.WriteString(unescape(p.Value, quoted))
			if !quoted && strings.ContainsAny(p.Value, "*?[{~") {
				out.Literal = out.Literal && !globs(p.Value)
			}
		case *syntax.SglQuoted:
			out.Quoted = true
			b.WriteString(p.Value)
		case *syntax.DblQuoted:
			out.Quoted = true
			w.parts(out, b, p.Parts, true)
		default:
			out.Literal = false
			lo, hi := int(p.Pos().Offset()), int(p.End().Offset())
			b.WriteString(w.script.line.text[lo:min(hi, len(w.script.line.text))])
			syntax.Walk(p, func(n syntax.Node) bool {
				if e, ok := n.(*syntax.ParamExp); ok && e.Param != nil {
					out.Vars = append(out.Vars, e.Param.Value)
				}
				return true
			})
		}
	}
}

// globs reports whether a shell may make several words, or another, of a literal.
func globs(s string) bool { return strings.ContainsAny(s, "*?") || strings.HasPrefix(s, "~") }

// unescape takes away the backslashes that a shell does.
func unescape(s string, quoted bool) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && (!quoted || strings.IndexByte("$`\"\\\n", s[i+1]) >= 0) {
			i++
			if s[i] == '\n' {
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// span is the place of a node of the script.
func (s *Script) span(n syntax.Node) finding.Span {
	lo, hi := int(n.Pos().Offset()), int(n.End().Offset())
	hi = min(hi, len(s.line.text))
	return s.line.span(min(lo, hi), hi)
}

// stmt is the place of a simple command with its redirections, without what
// ends it.
func (s *Script) stmt(n *syntax.Stmt) finding.Span {
	lo, hi := int(n.Pos().Offset()), int(n.Pos().Offset())
	if n.Cmd != nil {
		lo, hi = int(n.Cmd.Pos().Offset()), int(n.Cmd.End().Offset())
	}
	for _, r := range n.Redirs {
		lo = min(lo, int(r.Pos().Offset()))
		if r.Word != nil {
			hi = max(hi, int(r.Word.End().Offset()))
		}
	}
	hi = min(hi, len(s.line.text))
	return s.line.span(min(lo, hi), hi)
}
