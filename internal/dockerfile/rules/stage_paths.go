package rules

import (
	"path"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// pathAt is a path as instruction i sees it, from the root. Below a working
// directory that is not known it begins with "?".
func pathAt(in *Input, i int, p string) string {
	if strings.HasPrefix(p, "/") {
		return path.Clean(p)
	}
	w := in.Scopes.Workdir(in.Stage(i), i)
	if !w.Known {
		return path.Join("?", p)
	}
	return path.Join("/", w.Value, p)
}

// under reports whether a path is a folder, or in it.
func under(p, folder string) bool {
	return p == folder || folder == "/" || strings.HasPrefix(p, folder+"/")
}

// copied is a COPY or ADD of the build context or another stage.
type copied struct {
	at      int
	sources []string
	to      string // from the root
	folder  bool   // what is copied keeps its name, in the folder
	from    string // of another stage or image; empty: the context
}

// copyAt reads a COPY or ADD; false: its destination cannot be told.
func copyAt(in *Input, i int) (copied, bool) {
	inst := &in.File.Instructions[i]
	if inst.Cmd != "COPY" && inst.Cmd != "ADD" || len(inst.Args) < 2 || inst.Stage < 0 {
		return copied{}, false
	}
	st := in.Stage(i)
	c := copied{at: i}
	for _, a := range inst.Args[:len(inst.Args)-1] {
		if v, ok := in.Scopes.Expand(st, i, a); ok {
			a = v
		}
		c.sources = append(c.sources, a)
	}
	dest, ok := in.Scopes.Expand(st, i, inst.Args[len(inst.Args)-1])
	if !ok || dest == "" {
		return copied{}, false
	}
	c.folder = strings.HasSuffix(dest, "/") || dest == "." || len(c.sources) > 1
	c.to = pathAt(in, i, dest)
	for _, f := range inst.FlagWords {
		if f.Name == "from" {
			c.from = f.Value
		}
	}
	return c, true
}

// broad reports whether it copies the whole context.
func (c copied) broad() bool {
	if c.from != "" {
		return false
	}
	for _, s := range c.sources {
		switch path.Clean(s) {
		case ".", "/", "*":
			return true
		}
	}
	return false
}

// files are the paths that it writes, of which the name can be told: the
// destination or, in it, what has a name with an extension and is no folder.
func (c copied) files() []string {
	var out []string
	if !c.folder {
		return []string{c.to}
	}
	for _, s := range c.sources {
		base := path.Base(s)
		if strings.ContainsAny(base, "*?[$") || !strings.Contains(strings.TrimPrefix(base, "."), ".") {
			continue
		}
		out = append(out, path.Join(c.to, base))
	}
	return out
}

// literal is a word's value as instruction i sees it; false: it cannot be told.
func literal(in *Input, i int, w dockerfile.ShellWord) (string, bool) {
	if w.Literal {
		return w.Text, true
	}
	means, ok := meaning(in, i, nil, w)
	if !ok || len(means) != 1 || strings.ContainsAny(means[0], "$`*?~") {
		return "", false
	}
	return means[0], true
}
