package privilege

import (
	"bytes"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
)

// runs reports whether a command starts one of the programs.
func runs(programs ...string) func(*dockerfile.Command) bool {
	return func(c *dockerfile.Command) bool { return slices.Contains(programs, c.Program()) }
}

// installsModules reports whether a command fills node_modules.
func installsModules(c *dockerfile.Command) bool {
	return c.Is("npm", "ci") || c.Is("npm", "install") || c.Is("npm", "i") || c.Is("npm", "clean-install") ||
		c.Is("yarn", "install") || c.Is("yarn") && len(c.Operands()) == 0 ||
		c.Is("pnpm", "install") || c.Is("pnpm", "i") || c.Is("bun", "install") || c.Is("bun", "i")
}

// buildsPages reports whether a command runs a build that package.json names.
func buildsPages(c *dockerfile.Command) bool {
	return runs("npm", "yarn", "pnpm", "bun")(c) &&
		slices.ContainsFunc(c.Args(), func(w dockerfile.ShellWord) bool { return strings.Contains(w.Text, "build") })
}

// madeAgain reports whether the build makes a folder anew: a RUN makes it, and the
// repository does not keep it as a source.
func madeAgain(in *inspect.Input, name string, by func(*dockerfile.Command) bool) bool {
	made := false
	in.EachRun(func(_ int, c *dockerfile.Command) { made = made || by(c) })
	return made && !kept(in, name)
}

// kept reports whether the repository keeps a folder: it has a .gitignore, which
// does not name it.
func kept(in *inspect.Input, name string) bool {
	found := false
	for dir := path.Dir(name); ; dir = path.Dir(dir) {
		b, err := in.Options.Context.Beside(path.Join(dir, ".gitignore"), inspect.MaxReadme)
		if err == nil {
			found = true
			for line := range bytes.Lines(b) {
				line := strings.TrimRight(string(line), "*/ \t\r\n")
				if path.Base(line) == path.Base(name) && !strings.HasPrefix(line, "!") {
					return false
				}
			}
		}
		if dir == "." {
			return found
		}
	}
}

// neededFor says what would miss an entry of the context that the ignore file leaves
// out: a build that asks for the repository's history, an instruction that names the
// entry, or another Dockerfile that the same ignore file serves.
func neededFor(in *inspect.Input, name string, folder bool) string {
	if slices.Contains([]string{".git", ".svn", ".hg"}, path.Base(name)) && in.ReadsHistory() {
		return "the build asks for the history"
	}
	if line := namesEntry(in.File, name, folder); line > 0 {
		return "line " + strconv.Itoa(line) + " takes it"
	}
	if in.Options.Context.IgnoreFile != "" && in.Options.Context.IgnoreFile != ".dockerignore" {
		return "" // it serves this Dockerfile alone
	}
	for _, file := range otherDockerfiles(in) {
		b, err := in.Options.Context.Beside(file, inspect.MaxReadme)
		if err != nil {
			continue
		}
		f, err := dockerfile.Parse(file, b)
		if f != nil && (err == nil || len(f.Instructions) > 0) && namesEntry(f, name, folder) > 0 {
			return file + " takes it"
		}
	}
	return ""
}

// otherDockerfiles are the Dockerfiles of the context's folder and the folders in it,
// without this one: the same ignore file may serve them.
func otherDockerfiles(in *inspect.Input) []string {
	var out []string
	folders := []string{"."}
	for k := 0; k < len(folders) && k < inspect.MaxOthers; k++ {
		entries, err := fs.ReadDir(in.Options.Context.FS, folders[k])
		if err != nil {
			continue
		}
		for _, e := range entries {
			name, lower := path.Join(folders[k], e.Name()), strings.ToLower(e.Name())
			switch {
			case e.IsDir() && k == 0:
				folders = append(folders, name)
			case e.IsDir() || len(out) >= inspect.MaxOthers || path.Base(in.File.Name) == e.Name() && strings.HasSuffix(path.Clean(in.File.Name), name):
			case strings.Contains(lower, "dockerfile") || strings.Contains(lower, "containerfile"):
				out = append(out, name)
			}
		}
	}
	return out
}

// namesEntry is the line of the first instruction that names an entry of the context,
// something in it, or for a file the folder it lies in, as what it copies or mounts; 0
// where none does.
func namesEntry(f *dockerfile.File, name string, folder bool) int {
	within := func(source string) bool {
		source = path.Clean("/" + strings.Trim(source, `"'`))[1:]
		return source == name || strings.HasPrefix(source, name+"/") || !folder && source != "" && strings.HasPrefix(name, source+"/")
	}
	for i := range f.Instructions {
		inst := &f.Instructions[i]
		switch inst.Cmd {
		case "COPY", "ADD":
			if !inspect.HasFlag(inst, "from") && len(inst.Words) > 1 &&
				slices.ContainsFunc(inst.Words[:len(inst.Words)-1], func(w dockerfile.Word) bool { return within(w.Text) }) {
				return inst.Span.Line
			}
		case "RUN":
			for _, fl := range inst.FlagWords {
				if fl.Name != "mount" || strings.Contains(fl.Value, "from=") {
					continue
				}
				for part := range strings.SplitSeq(fl.Value, ",") {
					if k, v, _ := strings.Cut(part, "="); (k == "source" || k == "src") && within(v) {
						return inst.Span.Line
					}
				}
			}
		}
	}
	return 0
}

// byNeed are the entries that something would miss, and the others.
func byNeed(entries []unwantedEntry) (needed, free []unwantedEntry) {
	for _, u := range entries {
		if u.needed != "" {
			needed = append(needed, u)
		} else {
			free = append(free, u)
		}
	}
	return needed, free
}
