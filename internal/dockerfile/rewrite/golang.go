package rewrite

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// goApp is a program in Go that a file builds.
type goApp struct {
	*conversion
	source  *goSource // nil: the context is not known
	dir     string    // of the image, where it starts
	start   started
	program string   // absolute
	args    []string // what it is given
	kind    string   // of the final stage
	folders []string // copied from the build beside the program
	rootfs  []string // folders to be made on an empty base
	extra   []string // packages that the final stage's HEALTHCHECK needs
	wants   []want   // what the program starts and loads
	rebuilt bool     // the program is built in another way than before
}

func isGo(c *conversion) bool {
	return parseReference(c.stage.Base).official() == "golang" || slices.ContainsFunc(c.runs(), func(r run) bool { return r.Is("go", "build", "install") })
}

// goPrograms do what they do within the folders of the build.
var goPrograms = []string{"go", "gofmt", "golint", "golangci-lint", "protoc", "mockgen", "wire", "swag", "templ", "make", "upx", "strip", "dep", "glide", "govendor", "buf", "sqlc"}

var goBuildEnv = []string{"GO111MODULE", "GOPROXY", "GOPRIVATE", "GONOSUMDB", "GONOSUMCHECK", "GOSUMDB", "CGO_ENABLED", "GOOS", "GOARCH", "GOARM", "GOPATH", "GOCACHE", "GOMODCACHE", "GOFLAGS", "GOBIN", "GOTOOLCHAIN", "GO15VENDOREXPERIMENT", "CC", "CXX", "PATH", "DEBIAN_FRONTEND"}

func convertGo(c *conversion) error {
	a := &goApp{conversion: c, start: c.start(), kind: KindStatic}
	if a.start.at < 0 {
		return refuse(nil, "the file has neither CMD nor ENTRYPOINT: which program runs cannot be told")
	}
	dir, ok := c.workdir(c.stage, c.stage.End)
	if !ok {
		return refuse(nil, "the working directory cannot be told")
	}
	a.dir = dir
	if err := a.find(); err != nil {
		return err
	}
	if err := a.needs(); err != nil {
		return err
	}
	return a.finish()
}

// needs finds out what the program needs beside itself.
func (a *goApp) needs() error {
	at := &a.File.Instructions[a.start.at]
	if a.Context == nil {
		return refuse(at, "no Go file is in sight, and so not what the program needs (a C library, other programs, files): --context names the folder of the build")
	}
	dir, ok := a.moduleDir()
	if !ok {
		return refuse(nil, "which folder of the build context has the Go files cannot be told")
	}
	a.source = a.goFiles(dir)
	g := a.source
	if g.files == 0 {
		return refuse(at, "no Go file is in %s of the build's folder, and so not what the program needs: --context names another", dir)
	}
	if g.tooMany {
		a.undecided("what all Go files of the context say: not all could be read")
	}
	if g.cgo != "" {
		a.kind = KindDebian
		if a.family(a.stage) == "alpine" {
			a.kind = KindAlpine
		}
		a.note("the program needs C's library (%s), so the final stage is of the build's system", g.cgo)
	}
	if err := a.clients(); err != nil {
		return err
	}
	if g.home != "" && a.kind != KindStatic {
		a.undecided("what the program makes of a user without a home (%s asks)", g.home)
	}
	a.assets(dir)
	return a.shell()
}

// moduleDir is the folder of the context that the program is built in.
func (a *goApp) moduleDir() (string, bool) {
	dir := a.dir
	for _, r := range a.runs() {
		if r.Is("go", "build", "install") && r.dir != "" {
			dir = r.dir
		}
	}
	for _, d := range []string{dir, a.dir} {
		if name, ok := a.sourceOf(d); ok {
			return name, true
		}
	}
	// In GOPATH's days it was built from elsewhere.
	for i := a.stage.From + 1; i < a.stage.End; i++ {
		if cp, ok := a.copying(i); ok && strings.HasPrefix(cp.dest, "/go/src/") && len(cp.sources) == 1 {
			return cp.sources[0], true
		}
	}
	return "", false
}

func (a *goApp) sourceOf(p string) (string, bool) { return a.conversion.source(p, a.stage.End) }

// assets finds the files beside the program that it reads: those that a string
// in a Go file names.
func (a *goApp) assets(dir string) {
	folder := a.dir
	from, ok := a.sourceOf(folder)
	if !ok {
		return
	}
	entries, err := fs.ReadDir(a.Context.FS, from)
	if err != nil {
		return
	}
	words := slices.Clone(a.args)
	a.each("ENV", func(_ int, in *dockerfile.Instruction) {
		for _, p := range in.Pairs() {
			words = append(words, p.Value.Text)
		}
	})
	var left []string
	for _, e := range entries {
		name := e.Name()
		full := path.Join(from, name)
		if a.Context.Ignored(full) && !e.IsDir() || goOnly(name) || e.IsDir() && a.onlyGo(full) || !a.Context.Exists(full) {
			continue
		}
		switch {
		case a.source.embedded(name):
			a.note("%s is embedded in the program", name)
		case a.source.names(name, folder, words):
			a.folders = append(a.folders, path.Join(folder, name))
			a.note("%s is named in a Go file, or in what the program is given: it goes along", name)
		case e.IsDir() && slices.Contains(dataFolders, strings.ToLower(name)):
			a.folders = append(a.folders, path.Join(folder, name))
			a.note("%s goes along: frameworks read a folder of that name without its being named", name)
		default:
			left = append(left, name)
		}
	}
	if len(left) > 0 {
		a.note("no Go file names %s: left out", strings.Join(left, ", "))
	}
	_ = dir
}

// dataFolders are what frameworks (beego, revel, buffalo, gin with templates,
// migration tools) read by a name that stands in no Go file of the program.
var dataFolders = []string{
	"conf", "config", "configs", "views", "view", "templates", "template", "tmpl", "static", "public", "assets", "web", "www", "migrations", "migration",
	"locale", "locales", "i18n", "lang", "resources", "data", "swagger", "messages",
}

// goOnly reports whether a file is for building, or for people.
func goOnly(name string) bool {
	if path.Ext(name) == ".go" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "Dockerfile") {
		return true
	}
	base, _, _ := strings.Cut(strings.ToLower(name), ".")
	return slices.Contains([]string{"go", "vendor", "makefile", "readme", "license", "changelog", "contributing", "notice", "docker-compose", "compose", "taskfile", "testdata"}, base)
}

// onlyGo reports whether a folder of the context has nothing but Go in it.
func (a *goApp) onlyGo(dir string) bool {
	only := true
	_ = a.Context.Walk(func(name string, _ fs.DirEntry) bool {
		if _, ok := below(name, dir); ok && path.Ext(name) != ".go" && !strings.Contains(name, "/testdata/") {
			only = false
		}
		return only
	})
	return only
}

// shell chooses a base with a shell where one is needed.
func (a *goApp) shell() error {
	if i := a.last("HEALTHCHECK"); i >= 0 {
		in := &a.File.Instructions[i]
		if len(in.Args) > 0 && !strings.EqualFold(in.Args[0], "NONE") {
			for n := range a.script(i).Commands {
				cmd := &a.script(i).Commands[n]
				p := cmd.Program()
				own := len(cmd.Words) > 0 && absolute(a.dir, cmd.Words[0].Text) == a.program
				switch {
				case own && a.script(i).Exec:
				case a.kind == KindDebian && (p == "wget" || p == "curl" || p == "nc"):
					a.extra = append(a.extra, map[string]string{"nc": "netcat-openbsd"}[p]+strings.TrimPrefix(p, "nc"))
				case p == "curl":
					a.withShell("HEALTHCHECK")
					a.extra = append(a.extra, "curl")
				case own || slices.Contains(busybox, p) || len(cmd.Words) == 0:
					a.withShell("HEALTHCHECK")
				default:
					return refuse(in, "HEALTHCHECK runs %s, which a small base has not", cmd.Words[0].Text)
				}
			}
		}
	}
	if len(a.start.words) > 0 && a.start.shell && a.kind == KindStatic {
		a.note("the program is started without a shell, which the final stage has not")
	}
	return nil
}

func (a *goApp) withShell(what string) {
	if a.kind == KindStatic {
		a.kind = KindAlpine
		a.note("%s needs a shell, which an empty base has not", what)
	}
}

// command has the final stage start the program by its path, without a shell.
func (a *goApp) command() {
	at := &a.File.Instructions[a.start.at]
	entry, cmd := a.last("ENTRYPOINT"), a.last("CMD")
	if at.JSON && path.IsAbs(at.Args[0]) && !a.start.shell {
		return
	}
	args := a.args
	if entry >= 0 && cmd >= 0 && at.Cmd == "ENTRYPOINT" && at.JSON {
		args = at.Args[1:]
	}
	words := append([]string{a.program}, args...)
	a.replaced[a.start.at] = at.Cmd + " " + jsonForm(words)
}
