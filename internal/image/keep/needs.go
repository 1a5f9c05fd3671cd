package keep

import (
	"path"
	"slices"
	"strings"
)

// close adds what kept files need until nothing more comes.
func (b *builder) close() {
	for len(b.work) > 0 {
		p := b.work[len(b.work)-1]
		b.work = b.work[:len(b.work)-1]
		at := b.content(p)
		if l, ok := b.elf[at]; ok {
			b.links(p, l)
		}
		if s, ok := b.scripts[at]; ok {
			b.script(p, s)
		}
		b.compiled(p)
	}
}

// links adds the loader and the libraries of a program.
func (b *builder) links(p string, l linked) {
	if l.Loader != "" {
		b.linked[b.add(l.Loader, "the loader of /"+p)] = true
	}
	for _, name := range l.Needs {
		why := "/" + p + " is linked with it"
		if strings.Contains(name, "/") {
			b.linked[b.add(name, why)] = true
			continue
		}
		for _, lib := range b.library(p, name, l.Search) {
			b.linked[b.add(lib, why)] = true
		}
	}
}

// library is where a library of that name may be found: in the folders that the program
// names, and wherever libraries lie.
func (b *builder) library(p, name string, search []string) []string {
	var out []string
	for _, dir := range search {
		dir = strings.NewReplacer("$ORIGIN", "/"+path.Dir(p), "${ORIGIN}", "/"+path.Dir(p)).Replace(dir)
		if f := path.Join(dir, name); b.exists(f) {
			out = append(out, f)
		}
	}
	for _, f := range b.byBase[name] {
		if isLibraryFolder(path.Dir(f)) || len(out) == 0 && len(b.byBase[name]) == 1 {
			out = append(out, f)
		}
	}
	return out
}

// isLibraryFolder reports whether the loader looks into a folder of its own accord: lib and
// what glibc makes of it for each machine.
func isLibraryFolder(dir string) bool {
	dir = strings.TrimPrefix(strings.TrimPrefix(dir, "usr/"), "local/")
	first, rest, more := strings.Cut(dir, "/")
	if !strings.HasPrefix(first, "lib") {
		return false
	}
	return !more || !strings.Contains(rest, "/") && strings.Contains(rest, "-linux-")
}

// script adds what a script names.
func (b *builder) script(p string, s script) {
	why := "/" + p + " runs it"
	ran := b.ran[p]
	if !ran && len(b.owners[p]) > 0 {
		return // its package says what it depends on
	}
	if len(s.Interpreter) > 0 {
		b.add(s.Interpreter[0], "the interpreter of /"+p)
		if path.Base(s.Interpreter[0]) == "env" {
			for _, w := range s.Interpreter[1:] {
				b.command(w, "the interpreter of /"+p)
			}
		}
	}
	if !ran {
		return
	}
	for _, name := range s.Programs {
		b.command(name, why)
	}
	if s.Dynamic != "" {
		b.warn("/" + p + " runs a program by a name that is made at run time (" + s.Dynamic + "): only what was watched is known to be needed")
	}
}

// command adds a program by its name or path.
func (b *builder) command(name, why string) {
	if path.IsAbs(name) {
		if at, folder, there := b.resolve(name); there && !folder {
			b.run(at)
			b.add(name, why)
		}
		return
	}
	if name == "" || strings.Contains(name, "/") {
		return
	}
	for _, dir := range b.search() {
		if p := path.Join(dir, name); b.exists(p) {
			at, _, _ := b.resolve(p)
			b.run(at)
			b.add(p, why)
			return
		}
	}
}

// run notes that a file is one that is run, so that what it names is needed.
func (b *builder) run(p string) {
	if !b.ran[p] {
		b.ran[p] = true
		if b.set.why[p] != "" {
			b.work = append(b.work, p)
		}
	}
}

// search are the folders of PATH.
func (b *builder) search() []string {
	if b.Config != nil {
		for _, e := range b.Config.Config.Env {
			if v, ok := strings.CutPrefix(e, "PATH="); ok {
				return strings.Split(v, ":")
			}
		}
	}
	return []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}
}

// compiled adds a module of Python's with what it was compiled to, and the other way
// round: only one of them is opened, and without the other it is compiled at each start,
// or not found.
func (b *builder) compiled(p string) {
	dir, base := path.Split(p)
	if above, ok := strings.CutSuffix(dir, "/__pycache__/"); ok {
		name, _, _ := strings.Cut(base, ".")
		if f := above + "/" + name + ".py"; b.exists(f) {
			b.add(f, "/"+p+" was compiled from it")
		}
		return
	}
	if name, ok := strings.CutSuffix(base, ".py"); ok {
		for _, f := range b.under(dir + "__pycache__") {
			if strings.HasPrefix(path.Base(f), name+".") {
				b.add(f, "/"+p+" was compiled to it")
			}
		}
	}
}

// under are the entries that lie directly in a folder.
func (b *builder) under(dir string) []string {
	dir = strings.Trim(dir, "/")
	return slices.Clone(b.children()[dir])
}

// configured adds what the image's configuration names: its command, its health check,
// its shell and its folders.
func (b *builder) configured() {
	if b.Config == nil {
		return
	}
	c := b.Config.Config
	if words := slices.Concat(c.Entrypoint, c.Cmd); len(words) > 0 {
		for _, w := range words {
			b.command(w, "the image's command names it")
		}
		if len(words) > 2 && isShell(words[0]) && words[1] == "-c" {
			b.text(words[2], "the image's command runs it")
		}
	}
	for dir := range c.Volumes {
		b.add(dir, "a volume of the image's")
		b.below(dir, "a volume of the image's")
	}
	if c.WorkingDir != "" {
		b.add(c.WorkingDir, "the image's working directory")
	}
	if h := c.Healthcheck; h != nil && len(h.Test) > 1 && h.Test[0] != "NONE" {
		const why = "the health check runs it"
		if h.Test[0] == "CMD-SHELL" {
			shell := c.Shell
			if len(shell) == 0 {
				shell = []string{"/bin/sh"}
			}
			b.command(shell[0], why)
			b.text(h.Test[1], why)
		}
		for _, w := range h.Test[1:] {
			b.command(w, why)
		}
		if len(h.Test) > 3 && isShell(h.Test[1]) && h.Test[2] == "-c" {
			b.text(h.Test[3], why)
		}
	}
}

// text adds what a line for a shell runs.
func (b *builder) text(line, why string) {
	var s script
	s.shell(line)
	for _, name := range s.Programs {
		b.command(name, why)
	}
	if s.Dynamic != "" {
		b.warn("the image's configuration runs a program by a name that is made at run time (" + s.Dynamic + ")")
	}
}
