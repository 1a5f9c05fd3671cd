package house_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestLimitsAreAsDocumented holds docs/limits.md against the constants it names.
func TestLimitsAreAsDocumented(t *testing.T) {
	page, err := os.ReadFile("docs/limits.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| (.+) \\| (\\d+) \\| `(.+)` (\\w+) \\|$").FindAllStringSubmatch(string(page), -1)
	if len(rows) < 10 {
		t.Fatalf("only %d rows in the table", len(rows))
	}
	for _, r := range rows {
		expr := strings.TrimSuffix(constant(t, r[3], r[4]), " * time.Second") // durations are in seconds
		if expr == "" {
			t.Errorf("%s: no constant %s in %s", r[1], r[4], r[3])
			continue
		}
		v, err := types.Eval(token.NewFileSet(), nil, token.NoPos, expr)
		if err != nil {
			t.Errorf("%s: %v", r[1], err)
			continue
		}
		if got := v.Value.ExactString(); got != r[2] {
			t.Errorf("%s is %s, the page says %s", r[1], got, r[2])
		}
	}
}

// constant is the expression that a file gives a constant.
func constant(t *testing.T, path, name string) string {
	t.Helper()
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, path, src, 0)
	if err != nil {
		t.Fatal(err)
	}
	expr := ""
	ast.Inspect(f, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok {
			for i, id := range v.Names {
				if id.Name == name && i < len(v.Values) {
					expr = string(src[fset.Position(v.Values[i].Pos()).Offset:fset.Position(v.Values[i].End()).Offset])
				}
			}
		}
		return true
	})
	return expr
}
