package inspect

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// Transfer is a COPY or ADD taken apart.
type Transfer struct {
	*dockerfile.Instruction
	At      int
	From    string // of --from; empty: the build's context
	Flag    dockerfile.Flag
	Sources []dockerfile.Word
	Dest    dockerfile.Word
}

// EachTransfer calls visit for each COPY or ADD, triggers of ONBUILD left out.
func (in *Input) EachTransfer(cmd string, visit func(t Transfer)) {
	in.EachTransferAnywhere(cmd, func(t Transfer) {
		if in.File.Instructions[t.At].Trigger == nil {
			visit(t)
		}
	})
}

// EachTransferAnywhere calls visit for each COPY or ADD, that of ONBUILD included.
func (in *Input) EachTransferAnywhere(cmd string, visit func(t Transfer)) {
	in.EachAnywhere(cmd, func(i int, inst *dockerfile.Instruction) {
		n := len(inst.Words) - 1
		if n < 1 {
			return
		}
		t := Transfer{Instruction: inst, At: i, Sources: inst.Words[:n], Dest: inst.Words[n]}
		for _, f := range inst.FlagWords {
			if f.Name == "from" {
				t.Flag, t.From = f, strings.Trim(f.Value, `"'`)
			}
		}
		visit(t)
	})
}

// StageNames are the stages by name, the first one of each.
func StageNames(f *dockerfile.File) map[string]*dockerfile.Stage {
	out := map[string]*dockerfile.Stage{}
	for i := range f.Stages {
		if s := &f.Stages[i]; s.Name != "" && out[s.Name] == nil {
			out[s.Name] = s
		}
	}
	return out
}

// StageOf is the stage that a --from says, by name or number; nil: none.
func StageOf(f *dockerfile.File, names map[string]*dockerfile.Stage, from string) *dockerfile.Stage {
	if s := names[strings.ToLower(from)]; s != nil {
		return s
	}
	if n, err := strconv.Atoi(from); err == nil && n >= 0 && n < len(f.Stages) {
		return &f.Stages[n]
	}
	return nil
}

// Has reports whether the instruction has a flag.
func (t *Transfer) Has(flags ...string) bool {
	for _, f := range t.FlagWords {
		for _, name := range flags {
			if f.Name == name {
				return true
			}
		}
	}
	return false
}

// Value is a word with its variables filled in as far as they are known, and
// without its quotes; false: it cannot be told, and the default of a build
// argument is taken.
func (in *Input) Value(i int, w dockerfile.Word) (string, bool) {
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

// IsArchive reports whether ADD may unpack a file of that name.
func IsArchive(name string) bool {
	for _, ending := range archives {
		if strings.HasSuffix(name, ending) {
			return true
		}
	}
	return false
}

// IsTar reports whether a name is that of a tar archive, packed or not.
func IsTar(name string) bool {
	return IsArchive(name) && (strings.Contains(name, ".tar") || strings.HasPrefix(path.Ext(name), ".t"))
}

// IsRemote reports whether a source of ADD is fetched: a URL, or a Git repository on
// GitHub, which needs no scheme there.
func IsRemote(source string) bool { return IsURL(source) || strings.HasPrefix(source, "github.com/") }

// IsURL reports whether a source is a URL, as it is written or with its variables
// filled in: [path.Clean] would take one of its slashes away.
func IsURL(source string) bool {
	for _, scheme := range []string{"http://", "https://", "git://", "ssh://", "git@"} {
		if strings.HasPrefix(source, scheme) {
			return true
		}
	}
	return false
}

// Rooted reports whether a path begins at the root, in Windows' way too.
func Rooted(p string) bool {
	drive := len(p) > 1 && p[1] == ':' && IsLetterOrDigit(p[0])
	return strings.HasPrefix(p, "/") || strings.HasPrefix(p, `\`) || drive && (len(p) == 2 || p[2] == '/' || p[2] == '\\')
}

// HadolintName is the name by which hadolint knows a command: the word as it is
// written, where a shell's own words that start another are looked through.
func HadolintName(c *dockerfile.Command) string {
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

// HasFlag reports whether an instruction has a flag of that name.
func HasFlag(inst *dockerfile.Instruction, name string) bool {
	return slices.ContainsFunc(inst.FlagWords, func(f dockerfile.Flag) bool { return f.Name == name })
}

// Destination is where a COPY or ADD puts things, cleaned and absolute; empty:
// it cannot be told.
func (in *Input) Destination(i int, inst *dockerfile.Instruction) string {
	s := in.Stage(i)
	to, ok := in.Scopes.Expand(s, i, inst.Words[len(inst.Words)-1].Text)
	if !ok || to == "" {
		return ""
	}
	if !path.IsAbs(to) {
		wd := in.Scopes.Workdir(s, i)
		if !wd.Known {
			return ""
		}
		to = path.Join(wd.Value, to)
	}
	return path.Clean(to)
}
