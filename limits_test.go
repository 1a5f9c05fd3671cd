package house_test

import (
	"cmp"
	"flag"
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/limits.md from the code")

// limit is a package's constant that bounds something. It is one of the page if its
// comment begins with its name and "limits".
type limit struct {
	name, path, what string
	room             int // its rank
	line             int
	value            constant.Value
	time             bool // the value is in nanoseconds
}

// TestLimitsAreAsDocumented holds docs/limits.md to the constants of the code. With
// -update it writes the page.
func TestLimitsAreAsDocumented(t *testing.T) {
	all := limits(t)
	if len(all) < 90 {
		t.Fatalf("only %d limits found", len(all))
	}
	var b strings.Builder
	b.WriteString("# Limits\n\nMade from the code by `make docs`. What Drydock takes from a stranger is bounded.\n" +
		"What is over a limit is refused with an error that says where, or reported as\n" +
		"something that could not be known; it is never skipped in silence.\n\n" +
		"| what | limit | in |\n|---|---|---|\n")
	for _, l := range all {
		if l.what == "" {
			if large(l) {
				t.Errorf("%s:%d: %s bounds a megabyte or more, and its comment does not begin with \"%s limits\"",
					l.path, l.line, l.name, l.name)
			}
			continue
		}
		fmt.Fprintf(&b, "| %s | %s | `%s` %s |\n", strings.ReplaceAll(l.what, "|", `\|`), quantity(l), l.path, l.name)
	}
	if *update {
		if err := os.WriteFile("docs/limits.md", []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	page, err := os.ReadFile("docs/limits.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(page) != b.String() {
		t.Error("docs/limits.md is not what the code says; make docs writes it anew")
	}
}

// limits are the constants that limit something, and those that are called max: the
// latter without a text if their comments say nothing. They stand in the order of the
// rooms.
func limits(t *testing.T) []limit {
	t.Helper()
	fset, all := sources(t)
	values := map[string]map[string]ast.Expr{} // folder -> constant -> value
	each := func(visit func(s source, doc *ast.CommentGroup, id *ast.Ident, value ast.Expr)) {
		for _, s := range all {
			if s.room == "" || strings.HasSuffix(s.path, "_test.go") {
				continue
			}
			for _, d := range s.file.Decls {
				g, ok := d.(*ast.GenDecl)
				if !ok || g.Tok != token.CONST {
					continue
				}
				for _, spec := range g.Specs {
					v := spec.(*ast.ValueSpec)
					doc := v.Doc
					if !g.Lparen.IsValid() {
						doc = g.Doc
					}
					for i, id := range v.Names {
						if i < len(v.Values) {
							visit(s, doc, id, v.Values[i])
						}
					}
				}
			}
		}
	}
	each(func(s source, _ *ast.CommentGroup, id *ast.Ident, value ast.Expr) {
		dir := path.Dir(s.path)
		if values[dir] == nil {
			values[dir] = map[string]ast.Expr{}
		}
		values[dir][id.Name] = value
	})
	called := regexp.MustCompile(`^[mM]ax[A-Z]`)
	var out []limit
	each(func(s source, doc *ast.CommentGroup, id *ast.Ident, value ast.Expr) {
		what, says := strings.CutPrefix(strings.Join(strings.Fields(doc.Text()), " "), id.Name+" limits ")
		if !says && !called.MatchString(id.Name) {
			return
		}
		l := limit{name: id.Name, path: s.path, room: rank(s.room), line: fset.Position(id.Pos()).Line}
		if says {
			what, _, _ = strings.Cut(what, ". ")
			l.what = strings.TrimPrefix(strings.TrimSuffix(what, "."), "the ")
		}
		l.value = evaluate(value, values[path.Dir(s.path)], &l.time)
		if says && (l.value.Kind() != constant.Int || constant.Sign(l.value) <= 0) {
			t.Errorf("%s:%d: the value of %s cannot be read", l.path, l.line, l.name)
		}
		out = append(out, l)
	})
	slices.SortStableFunc(out, func(a, b limit) int {
		return cmp.Or(cmp.Compare(a.room, b.room), cmp.Compare(a.path, b.path), cmp.Compare(a.line, b.line))
	})
	return out
}

// evaluate is the value of a constant expression of literals, units of time and other
// constants of its package; unknown where there is something else in it.
func evaluate(e ast.Expr, named map[string]ast.Expr, time *bool) constant.Value {
	switch e := e.(type) {
	case *ast.BasicLit:
		return constant.MakeFromLiteral(e.Value, e.Kind, 0)
	case *ast.ParenExpr:
		return evaluate(e.X, named, time)
	case *ast.Ident:
		if x := named[e.Name]; x != nil {
			return evaluate(x, named, time)
		}
	case *ast.SelectorExpr:
		units := map[string]int64{"Millisecond": 1e6, "Second": 1e9, "Minute": 60e9, "Hour": 3600e9}
		if x, ok := e.X.(*ast.Ident); ok && x.Name == "time" && units[e.Sel.Name] > 0 {
			*time = true
			return constant.MakeInt64(units[e.Sel.Name])
		}
	case *ast.BinaryExpr:
		x, y := evaluate(e.X, named, time), evaluate(e.Y, named, time)
		if x.Kind() != constant.Int || y.Kind() != constant.Int {
			break
		}
		if n, ok := constant.Uint64Val(y); ok && e.Op == token.SHL {
			return constant.Shift(x, e.Op, uint(n))
		}
		if e.Op == token.ADD || e.Op == token.SUB || e.Op == token.MUL {
			return constant.BinaryOp(x, e.Op, y)
		}
	}
	return constant.MakeUnknown()
}

// large reports whether a limit is one of a megabyte or more: nothing that Drydock does
// by itself needs such a bound, and so it is one of what others send.
func large(l limit) bool {
	n, ok := constant.Int64Val(constant.ToInt(l.value))
	return ok && n >= 1<<20 && !l.time
}

// quantity is a value as a reader wants it: bytes in the largest unit that leaves no
// rest, numbers in groups of three digits.
func quantity(l limit) string {
	n, _ := constant.Int64Val(l.value)
	if l.time {
		return fmt.Sprintf("%d s", n/1e9)
	}
	if strings.Contains(l.what, "bytes") && !strings.HasPrefix(l.what, "ratio") {
		for _, u := range []struct {
			name string
			size int64
		}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
			if n >= u.size && n%u.size == 0 {
				return fmt.Sprintf("%d %s", n/u.size, u.name)
			}
		}
		return fmt.Sprintf("%d bytes", n)
	}
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
