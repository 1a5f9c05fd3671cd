package inspect

import (
	"path"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// PathAt is a path as instruction i sees it, from the root. Below a working
// directory that is not known it begins with "?".
func PathAt(in *Input, i int, p string) string {
	if strings.HasPrefix(p, "/") {
		return path.Clean(p)
	}
	w := in.Scopes.Workdir(in.Stage(i), i)
	if !w.Known {
		return path.Join("?", p)
	}
	return path.Join("/", w.Value, p)
}

// Within reports whether a path is a folder, or in it.
func Within(p, folder string) bool {
	return p == folder || folder == "/" || strings.HasPrefix(p, folder+"/")
}

// Copied is a COPY or ADD of the build context or another stage.
type Copied struct {
	At      int
	Sources []string
	To      string // from the root
	folder  bool   // what is copied keeps its name, in the folder
	From    string // of another stage or image; empty: the context
}

// CopyAt reads a COPY or ADD; false: its destination cannot be told.
func CopyAt(in *Input, i int) (Copied, bool) {
	inst := &in.File.Instructions[i]
	if inst.Cmd != "COPY" && inst.Cmd != "ADD" || len(inst.Args) < 2 || inst.Stage < 0 {
		return Copied{}, false
	}
	st := in.Stage(i)
	c := Copied{At: i}
	for _, a := range inst.Args[:len(inst.Args)-1] {
		if v, ok := in.Scopes.Expand(st, i, a); ok {
			a = v
		}
		c.Sources = append(c.Sources, a)
	}
	dest, ok := in.Scopes.Expand(st, i, inst.Args[len(inst.Args)-1])
	if !ok || dest == "" {
		return Copied{}, false
	}
	c.folder = strings.HasSuffix(dest, "/") || dest == "." || len(c.Sources) > 1
	c.To = PathAt(in, i, dest)
	for _, f := range inst.FlagWords {
		if f.Name == "from" {
			c.From = f.Value
		}
	}
	return c, true
}

// Broad reports whether it copies the whole context.
func (c Copied) Broad() bool {
	if c.From != "" {
		return false
	}
	for _, s := range c.Sources {
		switch path.Clean(s) {
		case ".", "/", "*":
			return true
		}
	}
	return false
}

// Files are the paths that it writes, of which the name can be told: the
// destination or, in it, what has a name with an extension and is no folder.
func (c Copied) Files() []string {
	var out []string
	if !c.folder {
		return []string{c.To}
	}
	for _, s := range c.Sources {
		base := path.Base(s)
		if strings.ContainsAny(base, "*?[$") || !strings.Contains(strings.TrimPrefix(base, "."), ".") {
			continue
		}
		out = append(out, path.Join(c.To, base))
	}
	return out
}

// Literal is a word's value as instruction i sees it; false: it cannot be told.
func Literal(in *Input, i int, w dockerfile.ShellWord) (string, bool) {
	if w.Literal {
		return w.Text, true
	}
	means, ok := Resolve(in, i, nil, w)
	if !ok || len(means) != 1 || strings.ContainsAny(means[0], "$`*?~") {
		return "", false
	}
	return means[0], true
}
