package dockerfile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// Limits on a build context.
const (
	// maxContextEntries limits the files and folders of a build context that rules look at.
	maxContextEntries = 100_000
	// maxIgnoreBytes limits the bytes of an ignore file.
	maxIgnoreBytes = 1 << 20
	// maxIgnorePatterns limits the patterns of an ignore file.
	maxIgnorePatterns = 5_000
)

// Context is the folder that a build is given, seen through its .dockerignore.
type Context struct {
	FS         fs.FS
	IgnoreFile string // ".dockerignore", "Dockerfile.dockerignore"; empty: there is none
	Ignore     []byte // what it says

	patterns *patternmatcher.PatternMatcher
}

// OpenContext reads the .dockerignore of a folder. name is the Dockerfile's
// path in it, whose own ignore file ("name.dockerignore") goes first.
func OpenContext(folder fs.FS, name string) (*Context, error) {
	c := &Context{FS: folder}
	for _, file := range []string{name + ".dockerignore", ".dockerignore"} {
		if !fs.ValidPath(file) {
			continue
		}
		b, err := c.read(file, maxIgnoreBytes)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
		patterns, err := ignorefile.ReadAll(bytes.NewReader(b))
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
		if len(patterns) > maxIgnorePatterns {
			return nil, fmt.Errorf("read %s: more than %d patterns", file, maxIgnorePatterns)
		}
		if c.patterns, err = patternmatcher.New(patterns); err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
		c.IgnoreFile, c.Ignore = file, b
		break
	}
	return c, nil
}

// Ignored reports whether the build does not see a path, slash-separated and
// relative to the folder.
func (c *Context) Ignored(name string) bool {
	if c.patterns == nil {
		return false
	}
	ignored, err := c.patterns.MatchesOrParentMatches(name)
	return err == nil && ignored
}

// Exists reports whether the build sees a file or folder of that name.
func (c *Context) Exists(name string) bool {
	name = contextPath(name)
	if !fs.ValidPath(name) || c.Ignored(name) {
		return false
	}
	_, err := fs.Stat(c.FS, name)
	return err == nil
}

// holds reports whether the folder has a file or folder of that name, be it one that
// the build does not see.
func (c *Context) holds(name string) bool {
	name = contextPath(name)
	_, err := fs.Stat(c.FS, name)
	return err == nil && fs.ValidPath(name)
}

// Read returns a file that the build sees; larger than limit bytes it is an
// error.
func (c *Context) Read(name string, limit int64) ([]byte, error) {
	name = contextPath(name)
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrInvalid}
	}
	if c.Ignored(name) {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	}
	return c.read(name, limit)
}

// Beside returns a file of the folder whether or not the build sees it: what
// other tools than the build read. Larger than limit bytes it is an error.
func (c *Context) Beside(name string, limit int64) ([]byte, error) {
	name = contextPath(name)
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrInvalid}
	}
	return c.read(name, limit)
}

func (c *Context) read(name string, limit int64) ([]byte, error) {
	// Asked before it is opened: the opening of a pipe waits for who writes to it.
	if info, err := fs.Stat(c.FS, name); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: no regular file", name)
	}
	f, err := c.FS.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read only
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, fmt.Errorf("%s: no regular file", name))
	}
	b, err := io.ReadAll(bufio.NewReader(io.LimitReader(f, limit+1)))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("%s: larger than %d bytes", name, limit)
	}
	return b, err
}

// errEnough ends a walk that has been told to stop.
var errEnough = errors.New("enough")

// Walk calls visit with the path of each file that the build sees, in order,
// until it returns false. A folder of more than 100,000 entries is an error.
func (c *Context) Walk(visit func(name string, d fs.DirEntry) bool) error {
	seen := 0
	err := fs.WalkDir(c.FS, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if seen++; seen > maxContextEntries {
			return fmt.Errorf("the build context holds more than %d entries", maxContextEntries)
		}
		if name == "." {
			return nil
		}
		if c.Ignored(name) {
			if d.IsDir() && (c.patterns == nil || !c.patterns.Exclusions()) {
				return fs.SkipDir
			}
			return nil
		}
		if d.IsDir() {
			return nil
		}
		if !visit(name, d) {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// contextPath is a source of COPY as a path in the folder.
func contextPath(name string) string {
	return path.Clean("./" + path.Clean("/"+name))
}

// CopiesFrom reports whether everything that the file copies from its context,
// and whose name can be told, is in c, and whether some of it is; of a file that
// copies nothing both are false.
func (f *File) CopiesFrom(c *Context) (all, some bool) {
	missing := false
	for i := range f.Instructions {
		in := &f.Instructions[i]
		if in.Cmd != "COPY" && in.Cmd != "ADD" || len(in.Args) < 2 || in.Flag("from") != "" {
			continue
		}
		for _, source := range in.Args[:len(in.Args)-1] {
			if !in.JSON {
				source = unquote(source)
			}
			if strings.ContainsAny(source, "$*?[<\"'") || strings.Contains(source, "://") || strings.HasPrefix(source, "git@") {
				continue
			}
			if contextPath(source) == "." {
				continue
			}
			if c.holds(source) {
				some = true
			} else {
				missing = true
			}
		}
	}
	return !missing && (some || f.copiesAll()), some
}

// CopiesByName reports whether the file copies something of its context by its name,
// and not the context as a whole alone.
func (f *File) CopiesByName() bool {
	for i := range f.Instructions {
		in := &f.Instructions[i]
		if in.Cmd != "COPY" && in.Cmd != "ADD" || len(in.Args) < 2 || in.Flag("from") != "" {
			continue
		}
		for _, source := range in.Args[:len(in.Args)-1] {
			if source = unquote(source); !strings.ContainsAny(source, "$*?[<") && !strings.Contains(source, "://") && contextPath(source) != "." {
				return true
			}
		}
	}
	return false
}

// copiesAll reports whether the file copies its whole context.
func (f *File) copiesAll() bool {
	for i := range f.Instructions {
		in := &f.Instructions[i]
		if (in.Cmd == "COPY" || in.Cmd == "ADD") && len(in.Args) == 2 && in.Flag("from") == "" && contextPath(in.Args[0]) == "." {
			return true
		}
	}
	return false
}

// Flag is the value of a flag of the instruction, the last where it is given
// several times; empty: it has none.
func (in *Instruction) Flag(name string) string {
	value := ""
	for _, f := range in.FlagWords {
		if f.Name == name {
			value = f.Value
		}
	}
	return value
}
