package house_test

import (
	"go/ast"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestSnippetsAreCompiled: what a doc.go shows as code, an Example of the package does.
// An Example is compiled, and a name that the snippet uses and no Example does may not
// be there any more.
func TestSnippetsAreCompiled(t *testing.T) {
	_, all := sources(t)
	examples := map[string]map[string]bool{} // folder -> names in the files of its Examples
	for _, s := range all {
		dir := filepath.Dir(s.path)
		if !strings.HasSuffix(s.path, "_test.go") || !slices.ContainsFunc(s.file.Decls, isExample) {
			continue
		}
		if examples[dir] == nil {
			examples[dir] = map[string]bool{}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok {
				examples[dir][id.Name] = true
			}
			return true
		})
	}
	name := regexp.MustCompile(`\.([A-Z]\w*)`)
	snippets := 0
	for _, s := range all {
		if filepath.Base(s.path) != "doc.go" || s.room == "" {
			continue
		}
		dir := filepath.Dir(s.path)
		for line := range strings.Lines(s.file.Doc.Text()) {
			code, _, _ := strings.Cut(line, "//")
			if !strings.HasPrefix(code, "\t") {
				continue
			}
			snippets++
			if examples[dir] == nil {
				t.Errorf("%s: it shows code, and no Example test does that", s.path)
				break
			}
			for _, m := range name.FindAllStringSubmatch(code, -1) {
				if !examples[dir][m[1]] {
					t.Errorf("%s: no Example uses %s", s.path, m[1])
				}
			}
		}
	}
	if snippets < 100 {
		t.Errorf("%d lines of code were looked at", snippets)
	}
}

func isExample(d ast.Decl) bool {
	f, ok := d.(*ast.FuncDecl)
	return ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Example")
}
