package fix

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/runtime"
)

// maxTouched is how many source files are touched to find one that a build looks at.
const maxTouched = 3

// CacheGain says what of a build is kept after one source file has changed.
type CacheGain struct {
	File                      string // the file that was touched, relative to the context
	CachedBefore, StepsBefore int
	CachedAfter, StepsAfter   int
}

// cacheOrder touches a source file and builds both versions again: the fix is
// good for something only if more steps are kept and fewer run anew.
func (r *proving) cacheOrder(ctx context.Context) error {
	tried := 0
	for _, name := range r.sources() {
		gain, err := r.touch(ctx, name)
		if err != nil {
			return err
		}
		if gain.CachedBefore == gain.StepsBefore {
			if tried++; tried == maxTouched {
				break
			}
			continue // the build does not look at this file
		}
		r.v.Cache = gain
		if gain.CachedAfter <= gain.CachedBefore || gain.StepsAfter-gain.CachedAfter >= gain.StepsBefore-gain.CachedBefore {
			return r.fail(Failure{Step: "cache", Why: fmt.Sprintf(
				"after a change of %s, %d of %d steps come from the cache; before the fix it was %d of %d",
				name, gain.CachedAfter, gain.StepsAfter, gain.CachedBefore, gain.StepsBefore)})
		}
		return nil
	}
	return r.short(Failure{Step: "cache", Why: "no source file was found whose change makes the build run anew"})
}

// touch changes a file, builds both versions, and puts the file back.
func (r *proving) touch(ctx context.Context, name string) (*CacheGain, error) {
	path := filepath.Join(r.stage.dir, filepath.FromSlash(name))
	was, err := ReadFile(path)
	if err != nil {
		return nil, err
	}
	g := &CacheGain{File: name}
	err = r.step("touch "+name+" and rebuild", func() (string, error) {
		if err := r.stage.put(path, touched(name, was, r.labels[Label])); err != nil {
			return "", err
		}
		for _, after := range []bool{false, true} {
			b, err := r.buildVersion(ctx, after, false)
			if err != nil {
				return "", r.buildFailed("cache: rebuild "+version(after), after, err)
			}
			g.count(b, after)
		}
		return fmt.Sprintf("%d of %d steps from the cache before, %d of %d after", g.CachedBefore, g.StepsBefore, g.CachedAfter, g.StepsAfter), nil
	})
	if err != nil {
		return nil, err
	}
	return g, r.stage.put(path, was)
}

func (g *CacheGain) count(b *runtime.Built, after bool) {
	if after {
		g.CachedAfter, g.StepsAfter = b.Cached()
	} else {
		g.CachedBefore, g.StepsBefore = b.Cached()
	}
}

// comments are how a line that does nothing is written, by extension. What is
// not here is no source file that could be touched without breaking it.
func comments() map[string]string {
	c := map[string]string{".html": "\n<!-- %s -->\n", ".css": "\n/* %s */\n", ".scss": "\n/* %s */\n", ".txt": "\n%s\n", ".md": "\n%s\n"}
	for _, ext := range []string{".js", ".mjs", ".cjs", ".jsx", ".ts", ".tsx", ".go", ".java", ".kt", ".rs", ".cs", ".c", ".cc", ".cpp", ".h", ".swift", ".scala", ".dart"} {
		c[ext] = "\n// %s\n"
	}
	for _, ext := range []string{".py", ".rb", ".sh", ".pl", ".ex", ".exs", ".r"} {
		c[ext] = "\n# %s\n"
	}
	return c
}

// touched is a file with a comment at its end that no build has seen before.
func touched(name string, b []byte, id string) []byte {
	return fmt.Appendf(bytes.Clone(b), comments()[strings.ToLower(filepath.Ext(name))], id)
}

// sources are files of the context that a programmer changes between builds,
// the likeliest first: programs before texts, then the ones highest up. Paths
// are relative and slash-separated.
func (r *proving) sources() []string {
	known := comments()
	var out []string
	err := filepath.WalkDir(r.stage.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if n := d.Name(); path != r.stage.dir && (n == "node_modules" || n == "vendor" || n == "dist" || n == "build" || strings.HasPrefix(n, ".")) {
				return fs.SkipDir
			}
			return nil
		}
		ext := strings.ToLower(filepath.Ext(path))
		if !d.Type().IsRegular() || known[ext] == "" || manifest(strings.ToLower(d.Name())) {
			return nil
		}
		if info, err := d.Info(); err != nil || info.Size() > MaxFile {
			return nil //nolint:nilerr // one file fewer to choose from
		}
		rel, err := filepath.Rel(r.stage.dir, path)
		if err == nil {
			out = append(out, filepath.ToSlash(rel))
		}
		if len(out) > 10_000 {
			return fs.SkipAll
		}
		return err
	})
	if err != nil {
		return nil
	}
	slices.SortStableFunc(out, func(a, b string) int {
		rank := func(p string) int {
			n := 10 * strings.Count(p, "/")
			if ext := filepath.Ext(p); ext == ".txt" || ext == ".md" {
				n += 1000
			}
			if strings.Contains(p, "test") || strings.Contains(filepath.Base(p), "config") {
				n += 100
			}
			return n
		}
		return rank(a) - rank(b)
	})
	return out
}

// manifest reports whether a file is about dependencies, whose change should run
// everything anew.
func manifest(name string) bool {
	return strings.HasPrefix(name, "requirements") || strings.HasPrefix(name, "constraints") || strings.Contains(name, "lock") ||
		name == "setup.py" || name == "build.rs" || name == "conanfile.py" || os.PathSeparator == '/' && strings.HasPrefix(name, ".")
}
