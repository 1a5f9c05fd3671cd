package rewrite

import (
	"io/fs"
	"path"
	"slices"
	"strings"
)

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
