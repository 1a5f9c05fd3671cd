package rules

import (
	"path"
	"strconv"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// transfer is a COPY or ADD taken apart.
type transfer struct {
	*dockerfile.Instruction
	at      int
	from    string // of --from; empty: the build's context
	flag    dockerfile.Flag
	sources []dockerfile.Word
	dest    dockerfile.Word
}

// eachTransfer calls visit for each COPY or ADD, triggers of ONBUILD left out.
func (in *Input) eachTransfer(cmd string, visit func(t transfer)) {
	in.eachTransferAnywhere(cmd, func(t transfer) {
		if in.File.Instructions[t.at].Trigger == nil {
			visit(t)
		}
	})
}

// eachTransferAnywhere calls visit for each COPY or ADD, that of ONBUILD included.
func (in *Input) eachTransferAnywhere(cmd string, visit func(t transfer)) {
	in.eachAnywhere(cmd, func(i int, inst *dockerfile.Instruction) {
		n := len(inst.Words) - 1
		if n < 1 {
			return
		}
		t := transfer{Instruction: inst, at: i, sources: inst.Words[:n], dest: inst.Words[n]}
		for _, f := range inst.FlagWords {
			if f.Name == "from" {
				t.flag, t.from = f, strings.Trim(f.Value, `"'`)
			}
		}
		visit(t)
	})
}

// stageNames are the stages by name, the first one of each.
func stageNames(f *dockerfile.File) map[string]*dockerfile.Stage {
	out := map[string]*dockerfile.Stage{}
	for i := range f.Stages {
		if s := &f.Stages[i]; s.Name != "" && out[s.Name] == nil {
			out[s.Name] = s
		}
	}
	return out
}

// stageOf is the stage that a --from says, by name or number; nil: none.
func stageOf(f *dockerfile.File, names map[string]*dockerfile.Stage, from string) *dockerfile.Stage {
	if s := names[strings.ToLower(from)]; s != nil {
		return s
	}
	if n, err := strconv.Atoi(from); err == nil && n >= 0 && n < len(f.Stages) {
		return &f.Stages[n]
	}
	return nil
}

// has reports whether the instruction has a flag.
func (t *transfer) has(flags ...string) bool {
	for _, f := range t.FlagWords {
		for _, name := range flags {
			if f.Name == name {
				return true
			}
		}
	}
	return false
}

// value is a word with its variables filled in as far as they are known, and
// without its quotes; false: it cannot be told, and the default of a build
// argument is taken.
func (in *Input) value(i int, w dockerfile.Word) (string, bool) {
	text, known := in.Scopes.Expand(in.Stage(i), i, w.Text)
	if text == "" {
		return strings.Trim(w.Text, `"'`), false
	}
	return text, known
}

// archives are the endings of what ADD may unpack.
var archives = []string{
	".tar", ".Z", ".bz2", ".gz", ".lz", ".lzma", ".tZ", ".tb2", ".tbz", ".tbz2", ".tgz", ".tlz", ".tpz", ".txz", ".xz", ".zst", ".tzst",
}

func isArchive(name string) bool {
	for _, ending := range archives {
		if strings.HasSuffix(name, ending) {
			return true
		}
	}
	return false
}

// isTar reports whether a name is that of a tar archive, packed or not.
func isTar(name string) bool {
	return isArchive(name) && (strings.Contains(name, ".tar") || strings.HasPrefix(path.Ext(name), ".t"))
}

// isRemote reports whether a source of ADD is fetched: a URL, or a Git repository.
func isRemote(source string) bool {
	for _, scheme := range []string{"http://", "https://", "git://", "ssh://", "git@"} {
		if strings.HasPrefix(source, scheme) {
			return true
		}
	}
	return strings.HasPrefix(source, "github.com/")
}

// rooted reports whether a path begins at the root, in Windows' way too.
func rooted(p string) bool {
	drive := len(p) > 1 && p[1] == ':' && isLetterOrDigit(p[0])
	return strings.HasPrefix(p, "/") || strings.HasPrefix(p, `\`) || drive && (len(p) == 2 || p[2] == '/' || p[2] == '\\')
}

// hadolintName is the name by which hadolint knows a command: the word as it is
// written, where a shell's own words that start another are looked through.
func hadolintName(c *dockerfile.Command) string {
	for _, via := range c.Via() {
		switch via {
		case "exec", "command", "builtin", "time":
		default:
			return via
		}
	}
	for _, w := range c.Words {
		if w.Literal && path.Base(w.Text) == c.Program() {
			return w.Text
		}
	}
	return ""
}
