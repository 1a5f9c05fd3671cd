package rewrite

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

// starting adds the programs that a Go file starts by os/exec.
func (g *goSource) starting(name string, b []byte) {
	f, err := parser.ParseFile(token.NewFileSet(), name, b, parser.SkipObjectResolution)
	if err != nil {
		g.untold = name
		return
	}
	exec := "exec"
	for _, imp := range f.Imports {
		if imp.Path.Value == `"os/exec"` && imp.Name != nil {
			exec = imp.Name.Name
		}
	}
	texts := constants(f)
	ast.Inspect(f, func(n ast.Node) bool {
		of := func(e ast.Expr) string {
			if s, ok := e.(*ast.SelectorExpr); ok {
				if x, ok := s.X.(*ast.Ident); ok && x.Name == exec {
					return s.Sel.Name
				}
			}
			return ""
		}
		switch n := n.(type) {
		case *ast.CompositeLit:
			if of(n.Type) == "Cmd" {
				g.untold = name
			}
		case *ast.CallExpr:
			at, known := map[string]int{"Command": 0, "CommandContext": 1, "LookPath": 0}[of(n.Fun)]
			switch {
			case !known:
			case at >= len(n.Args) || n.Ellipsis.IsValid() && at == len(n.Args)-1:
				g.untold = name
			default:
				text, ok := literal(n.Args[at], texts)
				if !ok {
					g.untold = name
				} else if g.starts[text] == "" {
					g.starts[text] = name
				}
			}
		}
		return true
	})
}

// constants are the strings that a file gives names to.
func constants(f *ast.File) map[string]string {
	out := map[string]string{}
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.CONST {
			continue
		}
		for _, s := range g.Specs {
			v, ok := s.(*ast.ValueSpec)
			if !ok || len(v.Values) != len(v.Names) {
				continue
			}
			for i, n := range v.Names {
				if text, ok := literal(v.Values[i], nil); ok {
					out[n.Name] = text
				}
			}
		}
	}
	return out
}

// literal is the text that an expression stands for.
func literal(e ast.Expr, named map[string]string) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil && e.Kind == token.STRING
	case *ast.Ident:
		text, ok := named[e.Name]
		return text, ok
	}
	return "", false
}

// want is what a part of a program needs of the system.
type want struct {
	by string
	parcel
}

// clients has the final stage install what the program and its modules start and
// load.
func (a *goApp) clients() error {
	at, g := &a.File.Instructions[a.start.at], a.source
	if g.untold != "" {
		return refuse(at, "the program may start others (%s imports os/exec), and which it needs cannot be told", g.untold)
	}
	var all []want
	for _, p := range slices.Sorted(maps.Keys(g.starts)) {
		known, ok := programs[path.Base(p)]
		switch {
		case absolute(a.dir, p) == a.program, p == "/proc/self/exe":
		case slices.Contains(everywhere, path.Base(p)):
			a.withShell(g.starts[p] + " starts " + p + ", which")
		case !ok:
			return refuse(at, "%s starts %s, and which package has it is not known", g.starts[p], p)
		default:
			all = append(all, want{g.starts[p], known})
		}
	}
	for _, d := range g.deps {
		for _, m := range slices.Sorted(maps.Keys(goClients)) {
			if d == m || strings.HasPrefix(d, m+"/") || strings.HasPrefix(d, m+".v") {
				all = append(all, want{d, goClients[m]})
			}
		}
	}
	for _, n := range all {
		if n.debian == "" {
			continue
		}
		family := "alpine"
		if a.kind == KindDebian {
			family = "debian"
		}
		if a.kind == KindStatic {
			a.kind = KindAlpine
			a.note("%s needs more than an empty base: the final stage is a small system", n.by)
		}
		if len(n.on(family)) == 0 {
			return refuse(at, "%s needs %s, of which Alpine Linux has no package", n.by, n.debian)
		}
		a.wants = append(a.wants, n)
	}
	return nil
}
