package house_test

import (
	"go/ast"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestRulesHaveOneOrder: the literals of rules and checks have their fields in the order
// of the types' declarations, so that a reader finds each where it is in every other.
func TestRulesHaveOneOrder(t *testing.T) {
	fset, all := sources(t)
	order := map[string][]string{} // "finding.Rule": its fields
	for _, s := range all {
		if s.room != "finding" && s.room != "dockerfile/rules/rule" {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok || spec.Name.Name != "Rule" && spec.Name.Name != "Check" {
				return true
			}
			if st, ok := spec.Type.(*ast.StructType); ok {
				order[s.file.Name.Name+"."+spec.Name.Name] = fieldNames(st)
			}
			return true
		})
	}
	for name, first := range map[string]string{"finding.Rule": "ID", "finding.Check": "Rule", "rule.Check": "Check"} {
		if len(order[name]) < 2 || order[name][0] != first {
			t.Fatalf("%s was read as %q", name, order[name])
		}
	}
	literals := 0
	for _, s := range all {
		if s.room == "" {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			l, ok := n.(*ast.CompositeLit)
			if !ok {
				return true
			}
			name := typeName(l.Type)
			fields := order[name]
			if fields == nil {
				return true
			}
			literals++
			last := -1
			for _, e := range l.Elts {
				kv, ok := e.(*ast.KeyValueExpr)
				if !ok {
					continue
				}
				id, _ := kv.Key.(*ast.Ident)
				if id == nil {
					continue
				}
				at := slices.Index(fields, id.Name)
				if at < last {
					t.Errorf("%s: %s does not stand where the declaration of %s has it: %s",
						fset.Position(kv.Pos()), id.Name, name, strings.Join(fields, ", "))
				}
				last = max(last, at)
			}
			return true
		})
	}
	if literals < 200 {
		t.Errorf("only %d literals of rules found", literals)
	}
}

// fieldNames are the names of a struct's fields in their order, those of embedded ones
// too.
func fieldNames(st *ast.StructType) []string {
	var out []string
	for _, f := range st.Fields.List {
		for _, id := range f.Names {
			out = append(out, id.Name)
		}
		if len(f.Names) == 0 {
			name := typeName(f.Type)
			out = append(out, name[strings.LastIndexByte(name, '.')+1:])
		}
	}
	return out
}

// typeName is a type as it is written, without its arguments: "finding.Rule".
func typeName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return typeName(e.X) + "." + e.Sel.Name
	case *ast.IndexExpr:
		return typeName(e.X)
	}
	return ""
}

// TestEnumerationsHaveNames: a variable that says which of several things something is
// is not given a bare number: a constant says what the number means.
func TestEnumerationsHaveNames(t *testing.T) {
	fset, all := sources(t)
	for _, s := range all {
		if s.room == "" || strings.HasSuffix(s.path, "_test.go") {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			a, ok := n.(*ast.AssignStmt)
			if !ok || len(a.Lhs) != len(a.Rhs) {
				return true
			}
			for i, l := range a.Lhs {
				id, ok := l.(*ast.Ident)
				lit, num := a.Rhs[i].(*ast.BasicLit)
				if ok && num && lit.Kind == token.INT && slices.Contains([]string{"kind", "state", "variant", "phase"}, id.Name) {
					t.Errorf("%s: %s is a bare number: name it", fset.Position(a.Pos()), id.Name)
				}
			}
			return true
		})
	}
}

// TestTypesOfImagesExist holds ARCHITECTURE.md's tables of the types that an image has to
// the code.
func TestTypesOfImagesExist(t *testing.T) {
	_, all := sources(t)
	types := map[string]bool{}
	for _, s := range all {
		ast.Inspect(s.file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				types[s.file.Name.Name+"."+spec.Name.Name] = true
			}
			return true
		})
	}
	page, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## Which types an image has\n")
	section, _, _ = strings.Cut(section, "\n## ")
	named := 0
	for _, row := range strings.Split(section, "\n") {
		cells := strings.Split(row, "|")
		if len(cells) < 3 {
			continue
		}
		for _, m := range regexp.MustCompile("`([a-z]+\\.[A-Z]\\w*)`").FindAllStringSubmatch(cells[1], -1) {
			if named++; !types[m[1]] {
				t.Errorf("ARCHITECTURE.md names %s, which is no type", m[1])
			}
		}
	}
	if named < 14 {
		t.Errorf("%d types are named", named)
	}
}
