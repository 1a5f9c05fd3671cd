// The tests of the house itself: which room may import which, how long a file
// may be, and that nothing changes a package's variables.
package house_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/drydock-dev/drydock/"

// rooms is the order of ARCHITECTURE.md: a package imports only packages that
// stand above it here.
func rooms() []string {
	return []string{
		"lazyregexp", "sorting", "finding", "damage", "jsonstream", "secret", "disk", "ledger", "egress", "cache", "layer",
		"image", "image/rules", "image/write",
		"dockerfile", "dockerfile/inspect",
		"dockerfile/rules/rule", "dockerfile/rules/buildkit", "dockerfile/rules/instruction", "dockerfile/rules/packages",
		"dockerfile/rules/layering", "dockerfile/rules/privilege", "dockerfile/rules", "dockerfile/rewrite",
		"sbom", "sbom/catalog", "sbom/installed", "image/keep", "vuln", "vuln/db", "vuln/feed",
		"base", "trust", "trust/scheme/mint", "trust/scheme", "trust/keyring", "trust/store", "trust/notary",
		"runtime", "runtime/compose", "runtime/seccomp", "runtime/exercise", "runtime/observe", "runtime/confine", "runtime/audit",
		"compare", "fix", "fix/upgrade/plan", "fix/upgrade/npm", "fix/upgrade/gomod", "fix/upgrade",
		"policy", "policy/admission", "gate", "check", "recommend", "repair", "minify", "report", "explore", "lsp",
		"server/store", "server/bus", "server/index", "server/stream", "server/notify", "server/simulate", "server/api", "server/web", "server/client", "server/agent", "server", "plugin", "cli",
	}
}

const lineCeiling = 500

type source struct {
	path string // slash-separated, from the module's root
	room string // "" outside internal/
	file *ast.File
	text []byte
}

func sources(t *testing.T) (*token.FileSet, []source) {
	t.Helper()
	fset := token.NewFileSet()
	var all []source
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if n := d.Name(); n == "testdata" || n == "dist" || n == "node_modules" || n != "." && strings.HasPrefix(n, ".") {
				return fs.SkipDir
			}
			if _, err := os.Stat(filepath.Join(p, "go.mod")); err == nil && p != "." {
				return fs.SkipDir // a nested module keeps its own house
			}
			return nil
		}
		if filepath.Ext(p) != ".go" {
			return nil
		}
		text, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(fset, p, text, parser.ParseComments)
		if err != nil {
			return err
		}
		s := source{path: filepath.ToSlash(p), file: f, text: text}
		if dir, ok := strings.CutPrefix(filepath.ToSlash(filepath.Dir(p)), "internal/"); ok {
			s.room = dir
		}
		all = append(all, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 20 {
		t.Fatalf("only %d Go files found: the walk is broken", len(all))
	}
	return fset, all
}

// rank is a room's place in the list, and -1 for one that is not on it. A room
// that only makes another's embedded data (a main package beneath it) ranks
// just below that room.
func rank(room string) int {
	for r := room; r != "." && r != ""; r = parent(r) {
		if i := slices.Index(rooms(), r); i >= 0 {
			if r == room {
				return i
			}
			return -1
		}
	}
	return -1
}

func parent(room string) string {
	i := strings.LastIndexByte(room, '/')
	if i < 0 {
		return ""
	}
	return room[:i]
}

func TestImportsGoOneWay(t *testing.T) {
	_, all := sources(t)
	for _, s := range all {
		if s.room == "" || s.file.Name.Name == "main" {
			continue
		}
		here := rank(s.room)
		if here < 0 {
			t.Errorf("%s: no room %q in the house", s.path, s.room)
			continue
		}
		for _, imp := range s.file.Imports {
			path, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			other, ok := strings.CutPrefix(path, module+"internal/")
			if !ok || other == s.room {
				continue // a room's external tests import the room
			}
			if there := rank(other); there < 0 || there >= here {
				t.Errorf("%s: %q imports %q, which does not stand above it", s.path, s.room, other)
			}
		}
	}
}

// TestArchitectureIsTrue holds ARCHITECTURE.md to the packages that there are: its
// table has each of them, and nothing else, in the order of rooms; what has a
// place and no package is named as not built.
func TestArchitectureIsTrue(t *testing.T) {
	_, all := sources(t)
	built := map[string]bool{}
	for _, s := range all {
		if s.room != "" && s.file.Name.Name != "main" && !strings.HasSuffix(s.path, "_test.go") {
			built[s.room] = true
		}
	}
	page, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## Rooms\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var table []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z/]+)` \\| .+ \\|$").FindAllStringSubmatch(section, -1) {
		table = append(table, row[1])
	}
	var want, planned []string
	for _, r := range rooms() {
		if built[r] {
			want = append(want, r)
		} else {
			planned = append(planned, r)
		}
		delete(built, r)
	}
	for r := range built {
		t.Errorf("internal/%s is in no place of the order", r)
	}
	if !slices.Equal(table, want) {
		t.Errorf("ARCHITECTURE.md has the rooms\n%q, and there are, in their order,\n%q", table, want)
	}
	_, sentence, _ := strings.Cut(section, "not built yet:")
	sentence, _, _ = strings.Cut(sentence, ".")
	var said []string
	for _, name := range regexp.MustCompile("`([a-z/]+)`").FindAllStringSubmatch(sentence, -1) {
		said = append(said, name[1])
	}
	if !slices.Equal(said, planned) {
		t.Errorf("ARCHITECTURE.md says that %q are not built yet; it is %q", said, planned)
	}
}

// TestExpressionsAreLazy: no package compiles a regular expression when the program
// starts, since that costs memory of every verb; and those that are compiled at their
// first use are valid.
func TestExpressionsAreLazy(t *testing.T) {
	fset, all := sources(t)
	lazy := 0
	for _, s := range all {
		if strings.HasSuffix(s.path, "_test.go") {
			continue
		}
		for _, decl := range s.file.Decls {
			g, ok := decl.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				continue
			}
			ast.Inspect(g, func(n ast.Node) bool {
				if _, ok := n.(*ast.FuncLit); ok {
					return false
				}
				call, ok := n.(*ast.CallExpr)
				if !ok || len(call.Args) != 1 {
					return true
				}
				switch sel, _ := call.Fun.(*ast.SelectorExpr); {
				case sel == nil:
				case calls(sel, "regexp", "MustCompile"):
					t.Errorf("%s: it is compiled at the start of every verb: use lazyregexp.New", fset.Position(call.Pos()))
				case calls(sel, "lazyregexp", "New"):
					lazy++
					if lit, ok := call.Args[0].(*ast.BasicLit); ok {
						text, _ := strconv.Unquote(lit.Value)
						if _, err := regexp.Compile(text); err != nil {
							t.Errorf("%s: %v", fset.Position(call.Pos()), err)
						}
					}
				}
				return true
			})
		}
	}
	if lazy < 50 {
		t.Errorf("%d expressions were looked at", lazy)
	}
}

func calls(sel *ast.SelectorExpr, pkg, name string) bool {
	id, ok := sel.X.(*ast.Ident)
	return ok && id.Name == pkg && sel.Sel.Name == name
}

// TestRoomsAreIntroduced: each room has a doc.go that teaches its use.
func TestRoomsAreIntroduced(t *testing.T) {
	_, all := sources(t)
	taught, rooms := map[string]int{}, map[string]bool{}
	for _, s := range all {
		if s.room == "" || s.file.Name.Name == "main" || strings.HasSuffix(s.path, "_test.go") {
			continue
		}
		rooms[s.room] = true
		if filepath.Base(s.path) == "doc.go" {
			taught[s.room] = strings.Count(s.file.Doc.Text(), "\n")
		}
	}
	for r := range rooms {
		if taught[r] < 4 {
			t.Errorf("internal/%s: no doc.go that teaches its use", r)
		}
	}
}

func TestFilesAreReadInOneSitting(t *testing.T) {
	_, all := sources(t)
	for _, s := range all {
		if n := bytes.Count(s.text, []byte("\n")); n > lineCeiling {
			t.Errorf("%s: %d lines, the ceiling is %d", s.path, n, lineCeiling)
		}
		if verb := s.room == "cli" && !strings.HasSuffix(s.path, "_test.go"); verb {
			if n := bytes.Count(s.text, []byte("\n")); n > 150 {
				t.Errorf("%s: %d lines; a verb's file over 150 is missing a package", s.path, n)
			}
		}
	}
}

func TestRoomsHaveTelltaleNames(t *testing.T) {
	_, all := sources(t)
	for _, s := range all {
		for _, part := range strings.Split(filepath.ToSlash(filepath.Dir(s.path)), "/") {
			if slices.Contains([]string{"util", "utils", "common", "helpers", "types", "pkg", "misc"}, part) {
				t.Errorf("%s: the folder name %q says nothing", s.path, part)
			}
		}
	}
}

// TestNoPackageState finds init functions, package variables of a type that
// exists to be changed, and assignments to a package variable.
func TestNoPackageState(t *testing.T) {
	fset, all := sources(t)
	vars := map[string]map[string]bool{} // folder -> package-level variables
	for _, s := range all {
		if s.room == "" || strings.HasSuffix(s.path, "_test.go") {
			continue
		}
		dir := filepath.Dir(s.path)
		if vars[dir] == nil {
			vars[dir] = map[string]bool{}
		}
		for _, d := range s.file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil && d.Name.Name == "init" {
					t.Errorf("%s: init", fset.Position(d.Pos()))
				}
			case *ast.GenDecl:
				if d.Tok != token.VAR {
					continue
				}
				for _, spec := range d.Specs {
					v := spec.(*ast.ValueSpec)
					for _, n := range v.Names {
						vars[dir][n.Name] = true
					}
					if holdsState(v) {
						t.Errorf("%s: package variable of a type that exists to be changed", fset.Position(v.Pos()))
					}
				}
			}
		}
	}
	for _, s := range all {
		if s.room == "" || strings.HasSuffix(s.path, "_test.go") {
			continue
		}
		unresolved := map[*ast.Ident]bool{}
		for _, id := range s.file.Unresolved {
			unresolved[id] = true
		}
		global := func(e ast.Expr) bool {
			id := root(e)
			if id == nil || !vars[filepath.Dir(s.path)][id.Name] {
				return false
			}
			return unresolved[id] || id.Obj != nil && s.file.Scope.Lookup(id.Name) == id.Obj
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				for _, l := range n.Lhs {
					if n.Tok != token.DEFINE && global(l) {
						t.Errorf("%s: changes a package variable", fset.Position(l.Pos()))
					}
				}
			case *ast.IncDecStmt:
				if global(n.X) {
					t.Errorf("%s: changes a package variable", fset.Position(n.Pos()))
				}
			case *ast.CallExpr:
				if f, ok := n.Fun.(*ast.Ident); ok && (f.Name == "delete" || f.Name == "clear") && len(n.Args) > 0 && global(n.Args[0]) {
					t.Errorf("%s: changes a package variable", fset.Position(n.Pos()))
				}
			}
			return true
		})
	}
}

// TestOneWayOut: the network is spoken to by egress alone, which bounds what
// comes back and obeys --offline. The one exception asks a container that it
// started, on this machine.
func TestOneWayOut(t *testing.T) {
	fset, all := sources(t)
	own := map[string][]string{
		"http":   {"DefaultClient", "DefaultTransport", "Get", "Head", "Post", "PostForm", "Client", "Transport"},
		"net":    {"Dial", "DialTimeout", "Dialer", "DialTCP", "DialUDP", "DialIP", "Resolver", "DefaultResolver", "LookupHost", "LookupIP", "LookupAddr"},
		"tls":    {"Dial", "DialWithDialer", "Dialer"},
		"remote": {"Get", "Head", "Image", "Index", "List", "Catalog", "DefaultTransport", "Layer"},
		"authn":  {"DefaultKeychain"},
	}
	for _, s := range all {
		free := s.room == "" || s.room == "egress" || s.path == "internal/runtime/exercise/probe.go"
		if free || strings.HasSuffix(s.path, "_test.go") || s.file.Name.Name == "main" {
			continue
		}
		held := map[ast.Expr]bool{} // *http.Client as a type is a client that somebody gave
		ast.Inspect(s.file, func(n ast.Node) bool {
			if star, ok := n.(*ast.StarExpr); ok {
				held[star.X] = true
			}
			sel, ok := n.(*ast.SelectorExpr)
			if !ok || held[sel] {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok && x.Obj == nil && slices.Contains(own[x.Name], sel.Sel.Name) {
				t.Errorf("%s: %s.%s: what leaves goes through egress", fset.Position(n.Pos()), x.Name, sel.Sel.Name)
			}
			return true
		})
	}
}

// TestFactsHaveFields: behaviour hangs on the fields of a rule and never on its
// name, nothing takes another's prose apart for a value, and what an error says
// to do has one interface.
func TestFactsHaveFields(t *testing.T) {
	fset, all := sources(t)
	member := func(e ast.Expr, names ...string) bool {
		if c, ok := e.(*ast.CallExpr); ok && len(c.Args) == 1 { // string(f.Rule)
			e = c.Args[0]
		}
		s, ok := e.(*ast.SelectorExpr)
		return ok && slices.Contains(names, s.Sel.Name)
	}
	literal := func(e ast.Expr) bool {
		l, ok := e.(*ast.BasicLit)
		return ok && l.Kind == token.STRING && l.Value != `""`
	}
	readers := []string{"Cut", "CutPrefix", "CutSuffix", "Contains", "HasPrefix", "HasSuffix", "Index", "Fields", "Split", "TrimPrefix", "TrimSuffix"}
	for _, s := range all {
		if s.room == "" || strings.HasSuffix(s.path, "_test.go") {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			at := ""
			switch n := n.(type) {
			case *ast.BinaryExpr:
				if (n.Op == token.EQL || n.Op == token.NEQ) && (member(n.X, "Rule") && literal(n.Y) || member(n.Y, "Rule") && literal(n.X)) {
					at = "a rule is known by its name: give it a trait"
				}
			case *ast.SwitchStmt:
				if n.Tag != nil && member(n.Tag, "Rule") {
					at = "a rule is known by its name: give it a trait"
				}
			case *ast.CallExpr:
				f, ok := n.Fun.(*ast.SelectorExpr)
				if !ok || len(n.Args) < 2 || !slices.Contains(readers, f.Sel.Name) || !literal(n.Args[1]) {
					return true
				}
				if x, ok := f.X.(*ast.Ident); ok && x.Name == "strings" && member(n.Args[0], "Rule", "Message", "Why", "What") {
					at = "prose is taken apart: give the value a field"
				}
			case *ast.InterfaceType:
				for _, m := range n.Methods.List {
					if len(m.Names) == 1 && m.Names[0].Name == "Hint" && s.room != "finding" {
						at = "finding.Hinter is the interface of errors with a hint"
					}
				}
			}
			if at != "" {
				t.Errorf("%s: %s", fset.Position(n.Pos()), at)
			}
			return true
		})
	}
}

// holdsState reports a variable declared with a type of sync or sync/atomic.
// A pool or a once-computed value holds nothing that a caller can see.
func holdsState(v *ast.ValueSpec) bool {
	sel, ok := v.Type.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	x, ok := sel.X.(*ast.Ident)
	return ok && (x.Name == "sync" || x.Name == "atomic") && sel.Sel.Name != "Pool" && sel.Sel.Name != "Once"
}

// root is the variable at the left of a selector, index or dereference.
func root(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return nil
		}
	}
}
