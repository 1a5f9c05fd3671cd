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

// find finds the program among those that are built.
func (a *goApp) find() error {
	at := &a.File.Instructions[a.start.at]
	words := a.start.words
	if words == nil {
		return refuse(at, "what is started is more than a program and its arguments")
	}
	if words[0] == "go" && len(words) > 2 && words[1] == "run" {
		return a.runToBuild(words[2:])
	}
	outputs, err := a.outputs()
	if err != nil {
		return err
	}
	name := words[0]
	switch {
	case path.IsAbs(name):
		a.program = path.Clean(name)
	case strings.Contains(name, "/"):
		a.program = path.Join(a.dir, name)
	default:
		for _, o := range outputs {
			if path.Base(o) == name {
				a.program = o
			}
		}
		if a.program == "" {
			return refuse(at, "%s is started, and no step is seen to build it", name)
		}
	}
	a.args = words[1:]
	if !slices.Contains(outputs, a.program) {
		return refuse(at, "%s is started, and no step is seen to build it", a.program)
	}
	return nil
}

// runToBuild builds what "go run" would build at each start.
func (a *goApp) runToBuild(words []string) error {
	at := &a.File.Instructions[a.start.at]
	i := 0
	for i < len(words) && strings.HasPrefix(words[i], "-") {
		i++
	}
	first := i
	for i < len(words) && strings.HasSuffix(words[i], ".go") {
		i++
	}
	if i == first {
		i++
	}
	if first >= len(words) || strings.Contains(words[first], "@") {
		return refuse(at, "what go run builds cannot be told")
	}
	name := path.Base(path.Join(a.dir, strings.TrimSuffix(words[first], ".go")))
	if strings.HasSuffix(words[first], ".go") || name == "/" {
		name = path.Base(path.Join("/app", path.Dir(words[first])))
	}
	a.rebuilt = true
	a.program = "/usr/local/bin/" + name
	a.args = words[i:]
	flags := ""
	if first > 0 {
		flags = strings.Join(words[:first], " ") + " "
	}
	a.build = append(a.build, "RUN go build "+flags+"-o "+a.program+" "+strings.Join(words[first:i], " "))
	a.note("go run builds at each start; %s is built once", a.program)
	return nil
}

// outputs are the programs that the steps of the file build.
func (a *goApp) outputs() ([]string, error) {
	var out []string
	for _, r := range a.runs() {
		switch {
		case r.Is("go", "build"):
			o, err := a.output(r)
			if err != nil {
				return nil, err
			}
			out = append(out, o...)
		case r.Is("go", "install"):
			for _, p := range a.packages(r) {
				for _, name := range a.namesOf(p, r.dir) {
					out = append(out, "/go/bin/"+name)
				}
			}
		case r.Is("cp") || r.Is("mv") || r.Is("install"):
			ops := r.Operands("-m", "-o", "-g")
			if len(ops) != 2 || r.dir == "" {
				continue
			}
			from, to := absolute(r.dir, ops[0].Text), absolute(r.dir, ops[1].Text)
			if slices.Contains(out, from) {
				out = append(out, to, path.Join(to, path.Base(from)))
			}
		}
	}
	return out, nil
}

func absolute(dir, p string) string {
	if path.IsAbs(p) {
		return path.Clean(p)
	}
	return path.Join(dir, p)
}

var goFlags = []string{"-o", "-p", "-tags", "-ldflags", "-gcflags", "-asmflags", "-mod", "-modfile", "-overlay", "-pgo", "-buildmode", "-installsuffix", "-C", "-toolexec", "-covermode"}

// packages are what a "go build" or "go install" builds; "." where it says
// nothing.
func (a *goApp) packages(r run) []string {
	ops := r.Operands(goFlags...)
	if len(ops) < 2 {
		return []string{"."}
	}
	var out []string
	for _, w := range ops[1:] {
		out = append(out, w.Text)
	}
	return out
}

// output is where "go build" puts its programs.
func (a *goApp) output(r run) ([]string, error) {
	in := &a.File.Instructions[r.at]
	if r.dir == "" {
		return nil, refuse(in, "in which folder go build runs cannot be told")
	}
	pkgs := a.packages(r)
	o, ok := r.Value("-o")
	if !ok {
		if len(pkgs) > 1 && !strings.HasSuffix(pkgs[0], ".go") {
			return nil, nil // built for nothing
		}
		return []string{path.Join(r.dir, a.nameOf(pkgs[0], r.dir))}, nil
	}
	text, known := a.Scopes.Expand(a.stage, r.at, o.Text)
	if !known && text == "" {
		return nil, refuse(in, "where go build puts its program cannot be told")
	}
	to := absolute(r.dir, text)
	if !strings.HasSuffix(text, "/") && to != r.dir && to != a.dir && !slices.Contains(binFolders, to) && len(pkgs) == 1 && !strings.HasSuffix(pkgs[0], "...") {
		return []string{to}, nil
	}
	var out []string
	for _, p := range pkgs {
		for _, name := range a.namesOf(p, r.dir) {
			out = append(out, path.Join(to, name))
		}
	}
	return out, nil
}

// binFolders are there in every image.
var binFolders = []string{"/go/bin", "/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/usr/local/sbin", "/opt", "/"}

// namesOf are the names that the programs of a package or pattern may have.
func (a *goApp) namesOf(pkg, dir string) []string {
	prefix, ok := strings.CutSuffix(pkg, "...")
	if !ok {
		return []string{a.nameOf(pkg, dir)}
	}
	out := []string{a.nameOf(path.Clean("./"+prefix), dir)}
	if from, ok := a.sourceOf(path.Join(dir, prefix)); ok {
		_ = a.Context.Walk(func(name string, _ fs.DirEntry) bool {
			if _, in := below(name, from); (in || from == ".") && path.Ext(name) == ".go" {
				if base := path.Base(path.Dir(name)); base != "." && !slices.Contains(out, base) {
					out = append(out, base)
				}
			}
			return len(out) < 1000
		})
	}
	return out
}

// nameOf is the name that go gives a program by default.
func (a *goApp) nameOf(pkg, dir string) string {
	if name, ok := strings.CutSuffix(pkg, ".go"); ok {
		return path.Base(name)
	}
	pkg, _, _ = strings.Cut(pkg, "@")
	name := pkg
	if strings.HasPrefix(pkg, ".") {
		name = path.Join(dir, pkg)
		if text, ok := a.read(path.Join(dir, "go.mod"), a.stage.End); ok {
			if line, _, ok := strings.Cut(strings.TrimPrefix(text[max(0, strings.Index(text, "module ")):], "module "), "\n"); ok {
				name = path.Join(strings.TrimSpace(line), pkg)
			}
		}
	}
	base := path.Base(name)
	if len(base) > 1 && base[0] == 'v' && strings.Trim(base[1:], "0123456789") == "" {
		base = path.Base(path.Dir(name))
	}
	return base
}

// needs finds out what the program needs beside itself.
func (a *goApp) needs() error {
	at := &a.File.Instructions[a.start.at]
	if a.Context == nil {
		a.undecided("whether the program needs a C library, starts other programs or reads files: the build context is not known")
		return a.shell()
	}
	dir, ok := a.moduleDir()
	if !ok {
		return refuse(nil, "which folder of the build context has the Go files cannot be told")
	}
	a.source = a.goFiles(dir)
	g := a.source
	if g.tooMany {
		a.undecided("what all Go files of the context say: not all could be read")
	}
	if g.exec != "" {
		return refuse(at, "the program may start others (%s imports os/exec), and which it needs cannot be told", g.exec)
	}
	if g.cgo != "" {
		a.kind = KindDebian
		if a.family(a.stage) == "alpine" {
			a.kind = KindAlpine
		}
		a.note("the program needs C's library (%s), so the final stage is of the build's system", g.cgo)
	}
	if g.home != "" {
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
		default:
			left = append(left, name)
		}
	}
	if len(left) > 0 {
		a.note("no Go file names %s: left out", strings.Join(left, ", "))
	}
	_ = dir
}

// goOnly says whether a file is for building, or for people.
func goOnly(name string) bool {
	if path.Ext(name) == ".go" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "Dockerfile") {
		return true
	}
	base, _, _ := strings.Cut(strings.ToLower(name), ".")
	return slices.Contains([]string{"go", "vendor", "makefile", "readme", "license", "changelog", "contributing", "notice", "docker-compose", "compose", "taskfile", "testdata"}, base)
}

// onlyGo says whether a folder of the context has nothing but Go in it.
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
