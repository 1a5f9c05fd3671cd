package rewrite

import (
	"go/parser"
	"go/scanner"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/modfile"
)

// Limits on the Go files that are read.
const (
	// maxGoFiles limits the Go files that a rewrite looks at.
	maxGoFiles = 4000
	// maxGoBytes limits the bytes of the Go files that a rewrite looks at.
	maxGoBytes = 32 << 20
)

// goSource is what the Go files of a build context say of what the program
// needs when it runs.
type goSource struct {
	dir     string // of the module, in the context
	module  string // its path; empty: there is no go.mod
	deps    []string
	cgo     string            // the file or module that needs a C compiler; empty: none
	starts  map[string]string // programs that it starts, with the file
	untold  string            // the file that starts others
	certs   bool              // it speaks TLS, or something that it depends on may
	zones   bool              // it loads time zones by name
	temp    bool              // it makes temporary files
	home    string            // the file that asks who the user is
	texts   map[string]bool   // its string literals
	embeds  []string          // what it has in itself
	files   int               // Go files that were read
	tooMany bool              // not all of it was read
}

// cgoModules need a C compiler, as far as they are widely known.
var cgoModules = []string{
	"github.com/mattn/go-sqlite3", "github.com/confluentinc/confluent-kafka-go", "gopkg.in/confluentinc/confluent-kafka-go.v1", "gocv.io/x/gocv",
	"github.com/h2non/bimg", "github.com/davidbyttow/govips", "gopkg.in/gographics/imagick", "github.com/libgit2/git2go", "github.com/google/gopacket",
	"github.com/miekg/pkcs11", "github.com/godror/godror", "github.com/mattn/go-oci8", "github.com/tecbot/gorocksdb", "github.com/linxGnu/grocksdb",
	"github.com/pebbe/zmq4", "github.com/chai2010/webp", "github.com/go-gl/gl", "github.com/marcboeker/go-duckdb", "github.com/rakyll/portmidi",
}

// goFiles reads the Go files below a folder of the context.
func (c *conversion) goFiles(dir string) *goSource {
	g := &goSource{dir: dir, texts: map[string]bool{}, starts: map[string]string{}}
	if b, err := c.Context.Read(path.Join(dir, "go.mod"), maxText); err == nil {
		if m, err := modfile.ParseLax("go.mod", b, nil); err == nil {
			if m.Module != nil {
				g.module = m.Module.Mod.Path
			}
			for _, r := range m.Require {
				g.deps = append(g.deps, r.Mod.Path)
			}
		}
	}
	g.certs = len(g.deps) > 0
	for _, d := range g.deps {
		if slices.ContainsFunc(cgoModules, func(m string) bool { return d == m || strings.HasPrefix(d, m+"/") }) {
			g.cgo = d
		}
	}
	files, size := 0, int64(0)
	err := c.Context.Walk(func(name string, d fs.DirEntry) bool {
		rest, ok := below(name, dir)
		if dir != "." && !ok {
			return true
		}
		if dir == "." {
			rest = name
		}
		if path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") || skipped(rest) {
			return true
		}
		if info, err := d.Info(); err != nil || size+info.Size() > maxGoBytes || files == maxGoFiles {
			g.tooMany = true
			return false
		} else {
			size += info.Size()
		}
		files++
		b, err := c.Context.Read(name, maxText)
		if err != nil {
			g.tooMany = true
			return true
		}
		g.read(name, b)
		return true
	})
	g.files, g.tooMany = files, g.tooMany || err != nil
	return g
}

// skipped reports whether the go command does not look into a folder, or only for
// what is depended on.
func skipped(name string) bool {
	for _, part := range strings.Split(path.Dir(name), "/") {
		if part == "vendor" || part == "testdata" || strings.HasPrefix(part, "_") || strings.HasPrefix(part, ".") && part != "." {
			return true
		}
	}
	return false
}

// read adds what one file says.
func (g *goSource) read(name string, b []byte) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, name, b, parser.ImportsOnly)
	if err != nil || ignoredByTag(b) {
		return
	}
	for _, imp := range f.Imports {
		p, _ := strconv.Unquote(imp.Path.Value)
		switch p {
		case "C":
			g.cgo = name
		case "os/exec":
			g.starting(name, b)
		case "os/user":
			g.home = name
		case "net/http", "crypto/tls", "crypto/x509", "net/smtp", "net/rpc":
			g.certs = true
		case "time/tzdata":
			g.embeds = append(g.embeds, p)
		}
	}
	g.scan(b)
}

// ignoredByTag reports whether a build constraint keeps a file out on Linux.
func ignoredByTag(b []byte) bool {
	head, _, _ := strings.Cut(string(b), "\npackage ")
	for _, line := range strings.Split(head, "\n") {
		if c, ok := strings.CutPrefix(strings.TrimSpace(line), "//go:build "); ok {
			return slices.Contains([]string{"ignore", "windows", "darwin", "tools", "!linux", "js", "wasm"}, strings.TrimSpace(c))
		}
	}
	return false
}

// scan finds calls and string literals.
func (g *goSource) scan(b []byte) {
	var s scanner.Scanner
	fset := token.NewFileSet()
	s.Init(fset.AddFile("", fset.Base(), len(b)), b, nil, scanner.ScanComments)
	for {
		_, tok, lit := s.Scan()
		switch tok {
		case token.EOF:
			return
		case token.STRING:
			if text, err := strconv.Unquote(lit); err == nil && len(text) < 300 {
				g.texts[text] = true
			}
		case token.IDENT:
			switch lit {
			case "LoadLocation":
				g.zones = true
			case "TempDir", "CreateTemp", "MkdirTemp", "TempFile", "ParseMultipartForm", "FormFile", "MultipartForm", "MultipartReader":
				g.temp = true
			case "UserHomeDir", "UserCacheDir", "UserConfigDir":
				if g.home == "" {
					g.home = "a file"
				}
			}
		case token.COMMENT:
			if rest, ok := strings.CutPrefix(lit, "//go:embed "); ok {
				for _, w := range strings.Fields(rest) {
					g.embeds = append(g.embeds, strings.TrimPrefix(strings.Trim(w, "\"`"), "all:"))
				}
			}
		}
	}
}

// names reports whether a string literal, or one of the words, names a file or
// folder that lies at folder in the image.
func (g *goSource) names(name, folder string, words []string) bool {
	match := func(text string) bool {
		text = strings.TrimPrefix(text, folder+"/")
		text = strings.TrimPrefix(path.Clean(text), "/")
		first, _, _ := strings.Cut(text, "/")
		if first == name {
			return true
		}
		switch ext := path.Ext(name); ext {
		case ".yaml", ".yml", ".json", ".toml", ".ini", ".env", ".conf":
			return text != "" && text == strings.TrimSuffix(name, ext) && len(text) > 3
		}
		return false
	}
	for text := range g.texts {
		if match(text) {
			return true
		}
	}
	return slices.ContainsFunc(words, match)
}

// embedded reports whether the program has a file or folder in itself.
func (g *goSource) embedded(name string) bool {
	return slices.ContainsFunc(g.embeds, func(e string) bool {
		first, _, _ := strings.Cut(e, "/")
		ok, _ := path.Match(first, name)
		return ok || first == name
	})
}
