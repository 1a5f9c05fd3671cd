package rewrite

import (
	"io/fs"
	"path"
	"slices"
	"strings"
)

// brought are the paths of the image that a COPY of the context brings: of a
// folder that becomes another, what is in it.
func (c *conversion) brought(cp copying) []string {
	if c.Context == nil {
		return []string{cp.dest}
	}
	var out []string
	for _, s := range cp.sources {
		info, err := fs.Stat(c.Context.FS, s)
		switch {
		case err == nil && info.IsDir():
			for _, name := range c.entries(s) {
				out = append(out, path.Join(cp.dest, name))
			}
		case strings.ContainsAny(s, "*?["):
			names, _ := fs.Glob(c.Context.FS, s)
			for _, name := range names {
				out = append(out, path.Join(cp.dest, path.Base(name)))
			}
		case cp.folder:
			out = append(out, path.Join(cp.dest, path.Base(s)))
		default:
			out = append(out, cp.dest)
		}
	}
	return out
}

// leftBehind says which files are not in the final stage: those of the context
// that no COPY there brings, and what the build is known to make besides.
func (c *conversion) leftBehind(why string, made ...string) {
	var kept []string
	for _, line := range c.copies {
		if words := strings.Fields(line); len(words) > 2 && words[0] == "COPY" {
			kept = append(kept, path.Clean(words[len(words)-1]))
			if from := words[len(words)-2]; path.IsAbs(from) {
				kept = append(kept, from)
			}
		}
	}
	for i := c.stage.From + 1; i < c.stage.End; i++ {
		cp, ok := c.copying(i)
		if !ok || c.places[i] != stays {
			continue
		}
		for _, p := range c.brought(cp) {
			if !slices.ContainsFunc(kept, func(k string) bool {
				_, in := below(k, p)
				_, over := below(p, k)
				return in || over && k != "/"
			}) {
				c.change(p, why)
			}
		}
	}
	for _, p := range made {
		c.change(p, why)
	}
}

// ofTheBuild is why sources are not in the final stage.
const ofTheBuild = "the build alone needs it"
