package rewrite

import (
	"io/fs"
	"path"
	"strings"
)

// maxText limits the bytes of a file of the context that a rewrite reads.
const maxText = 1 << 20

// copying is a COPY or ADD of the context with its words filled in.
type copying struct {
	at      int
	sources []string // as said, without a leading "/" or "./"; "." for the context
	dest    string   // absolute
	folder  bool     // dest is a folder: it ends in "/", or several are copied
}

// copying reads COPY or ADD number i; false: it is from elsewhere, or cannot be
// told.
func (c *conversion) copying(i int) (copying, bool) {
	in := &c.File.Instructions[i]
	if in.Cmd != "COPY" && in.Cmd != "ADD" || len(in.Heredocs) > 0 || len(in.Args) < 2 {
		return copying{}, false
	}
	for _, f := range in.FlagWords {
		if f.Name == "from" || f.Name == "parents" || f.Name == "exclude" {
			return copying{}, false
		}
	}
	out := copying{at: i}
	for n, w := range in.Args {
		text, known := c.Scopes.Expand(c.stage, i, w)
		if !known && text == "" {
			return copying{}, false
		}
		if n < len(in.Args)-1 {
			if strings.Contains(text, "://") {
				return copying{}, false
			}
			out.sources = append(out.sources, path.Clean("./"+path.Clean("/"+text)))
			continue
		}
		dir, ok := c.workdir(c.stage, i)
		if !path.IsAbs(text) && !ok {
			return copying{}, false
		}
		out.folder = len(in.Args) > 2 || strings.HasSuffix(text, "/") || text == "." || strings.HasSuffix(text, "/.")
		if out.dest = path.Clean(text); !path.IsAbs(text) {
			out.dest = path.Join(dir, text)
		}
	}
	return out, true
}

// source is the file or folder of the context that is at a path of the image
// when instruction i runs; false: none is known to be.
func (c *conversion) source(p string, i int) (string, bool) {
	if c.Context == nil {
		return "", false
	}
	for n := i - 1; n > c.stage.From; n-- {
		cp, ok := c.copying(n)
		if !ok {
			continue
		}
		for _, s := range cp.sources {
			if name, ok := c.leads(cp, s, p); ok {
				return name, true
			}
		}
	}
	return "", false
}

// leads says which path of the context a source of COPY brings to p.
func (c *conversion) leads(cp copying, source, p string) (string, bool) {
	under, inside := below(p, cp.dest)
	if !inside {
		return "", false
	}
	if strings.ContainsAny(source, "*?[") {
		name := path.Join(path.Dir(source), under)
		if ok, err := path.Match(source, name); err != nil || !ok {
			return "", false
		}
		return name, c.Context.Exists(name)
	}
	info, err := fs.Stat(c.Context.FS, source)
	switch {
	case err != nil || source != "." && c.Context.Ignored(source) && !info.IsDir():
		return "", false
	case info.IsDir():
		name := path.Join(source, under)
		return name, c.Context.Exists(name)
	case cp.folder:
		return source, under == path.Base(source)
	}
	return source, under == "."
}

// below is a path relative to a folder that it is in; "." is the folder itself.
func below(p, folder string) (string, bool) {
	if p == folder {
		return ".", true
	}
	if folder == "/" {
		return strings.TrimPrefix(p, "/"), strings.HasPrefix(p, "/")
	}
	return strings.CutPrefix(p, folder+"/")
}

// read is a file of the context as it is at a path of the image when
// instruction i runs; false: it is not there, or cannot be read.
func (c *conversion) read(p string, i int) (string, bool) {
	name, ok := c.source(p, i)
	if !ok {
		return "", false
	}
	b, err := c.Context.Read(name, maxText)
	return string(b), err == nil
}

// file is the first of some names that is in a folder of the image.
func (c *conversion) file(folder string, i int, names ...string) (name, text string, ok bool) {
	for _, name := range names {
		if text, ok := c.read(path.Join(folder, name), i); ok {
			return name, text, true
		}
	}
	return "", "", false
}

// entries are the names in a folder of the context that the build sees.
func (c *conversion) entries(dir string) []string {
	var out []string
	all, _ := fs.ReadDir(c.Context.FS, dir)
	for _, e := range all {
		if !c.Context.Ignored(path.Join(dir, e.Name())) {
			out = append(out, e.Name())
		}
	}
	return out
}

// filesOf are the files of the context below a folder whose names end so; no
// more than a few thousand.
func (c *conversion) filesOf(dir, suffix string) []string {
	var out []string
	_ = c.Context.Walk(func(name string, _ fs.DirEntry) bool {
		if _, in := below(name, dir); (in || dir == ".") && strings.HasSuffix(name, suffix) {
			out = append(out, name)
		}
		return len(out) < maxGoFiles
	})
	return out
}
