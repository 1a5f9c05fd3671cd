package fix

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// ignoring is a build context with the ignore file of before and of after.
type ignoring struct {
	dir           string
	before, after *dockerfile.Context
}

// ignoring reads both ignore files, where the fix edits one; nil: it does not.
func (r *proving) ignoring() *ignoring {
	some := false
	for _, name := range r.edited() {
		some = some || strings.HasSuffix(filepath.Base(name), ".dockerignore")
	}
	if !some {
		return nil
	}
	rel, err := filepath.Rel(r.stage.dir, r.stage.dockerfile)
	if err != nil {
		return nil
	}
	ig := &ignoring{dir: r.stage.dir}
	for _, after := range []bool{false, true} {
		files := r.c.Before
		if after {
			files = r.c.After
		}
		if r.stage.lay(files) != nil {
			return nil
		}
		c, err := dockerfile.OpenContext(os.DirFS(r.stage.dir), filepath.ToSlash(rel))
		if err != nil {
			return nil
		}
		if after {
			ig.after = c
		} else {
			ig.before = c
		}
	}
	return ig
}

// leavesOut reports whether a file that is gone from the image is one of the
// context that the build does not see any more: the same name, up to where it
// was copied to, and the same content.
func (ig *ignoring) leavesOut(d difference, before appTree) bool {
	if ig == nil || d.what != "is gone" {
		return false
	}
	for p := strings.TrimPrefix(d.path, "/"); p != ""; {
		if !ig.before.Ignored(p) && ig.after.Ignored(p) {
			if b, err := ReadFile(filepath.Join(ig.dir, filepath.FromSlash(p))); err == nil && holds(before, d.path, b) {
				return true
			}
			if to, err := os.Readlink(filepath.Join(ig.dir, filepath.FromSlash(p))); err == nil {
				if e, ok := before.at(d.path); ok && e.Link == to {
					return true
				}
			}
		}
		_, rest, ok := strings.Cut(p, "/")
		if !ok {
			break
		}
		p = rest
	}
	return false
}
