package fix

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
)

// MaxFile is the largest file that is edited, in bytes.
const MaxFile = 64 << 20

// Rewrite is one file to be written: the digest of the bytes that were read
// (that of none for a file that is not there yet) and what is to stand there.
type Rewrite struct {
	File string
	Base finding.Digest
	New  []byte
}

// ChangedError is a file that is not what it was when it was read.
type ChangedError struct{ File string }

func (e *ChangedError) Error() string {
	return e.File + " has changed since it was read; nothing is written over it"
}

// Hint says what to do.
func (e *ChangedError) Hint() string { return "run the command again" }

// Write puts new bytes in place of those that were read, each file at once by a
// rename, with its mode and owner. All files are looked at before the first is
// written: one that has changed, or a link that leads out of root, refuses them
// all. A link within root stays a link: the file that it leads to is written.
func Write(root string, files []Rewrite) error {
	root, err := filepath.Abs(root)
	if err == nil {
		root, err = filepath.EvalSymlinks(root)
	}
	if err != nil {
		return err
	}
	var made []made
	defer func() {
		for _, m := range made {
			_ = os.Remove(m.tmp) // gone already where all went well
		}
	}()
	for _, f := range files {
		m, err := prepare(root, f)
		if err != nil {
			return err
		}
		made = append(made, m)
	}
	for i, m := range made {
		if err := unchanged(m.path, files[i]); err != nil {
			return err
		}
		if err := os.Rename(m.tmp, m.path); err != nil {
			return fmt.Errorf("write %s: %w", files[i].File, err)
		}
	}
	return nil
}

// made is a file beside the one that it will replace.
type made struct{ path, tmp string }

func prepare(root string, f Rewrite) (made, error) {
	path, info, err := resolve(root, f.File)
	if err != nil {
		return made{}, err
	}
	if err := unchanged(path, f); err != nil {
		return made{}, err
	}
	dir, base := filepath.Split(path)
	sweepOld(dir, base)
	tmp, err := os.CreateTemp(dir, tempName(base))
	if err != nil {
		return made{}, fmt.Errorf("write %s: %w", f.File, err)
	}
	_, err = tmp.Write(f.New)
	mode := fs.FileMode(0o644)
	if info != nil {
		mode = info.Mode() & (fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky)
		keepOwner(tmp, info)
	}
	err = errors.Join(err, tmp.Chmod(mode), tmp.Sync(), tmp.Close())
	if err != nil {
		return made{}, errors.Join(fmt.Errorf("write %s: %w", f.File, err), os.Remove(tmp.Name()))
	}
	return made{path, tmp.Name()}, nil
}

func tempName(base string) string { return "." + base + ".drydock-*" }

// resolve follows links to the real file; info is nil for one that is not there.
func resolve(root, name string) (path string, info fs.FileInfo, err error) {
	path, err = filepath.Abs(name)
	if err != nil {
		return "", nil, err
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return "", nil, err
	}
	path = filepath.Join(dir, filepath.Base(path))
	info, err = os.Lstat(path)
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			info, err = os.Stat(path)
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		info = nil
	case err != nil:
		return "", nil, err
	case !info.Mode().IsRegular():
		return "", nil, fmt.Errorf("%s is no regular file", name)
	}
	if rel, err := filepath.Rel(root, path); err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return "", nil, fmt.Errorf("%s leads out of %s, to %s: name that file itself", name, root, path)
	}
	return path, info, nil
}

// unchanged is nil if the file still holds the bytes that were read.
func unchanged(path string, f Rewrite) error {
	b, err := ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		b, err = nil, nil
	}
	if err != nil {
		return err
	}
	if finding.DigestOf(b) != f.Base {
		return &ChangedError{f.File}
	}
	return nil
}

// ReadFile reads a file of at most [MaxFile] bytes.
func ReadFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read only
	b, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	if err != nil {
		return nil, err
	}
	if len(b) > MaxFile {
		return nil, fmt.Errorf("%s: larger than %d bytes", name, MaxFile)
	}
	return b, nil
}

// sweepOld removes what a killed process left beside a file.
func sweepOld(dir, base string) {
	old, err := filepath.Glob(filepath.Join(escape(dir), escape(tempName(base)[:len(tempName(base))-1])+"*"))
	if err != nil {
		return
	}
	for _, p := range old {
		if info, err := os.Lstat(p); err == nil && info.Mode().IsRegular() && time.Since(info.ModTime()) > time.Hour {
			_ = os.Remove(p) // another may be at it
		}
	}
}

// escape makes a pattern that only the text itself matches.
func escape(s string) string {
	if filepath.Separator == '\\' {
		return s // no escapes there, and no such names
	}
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(s)
}
