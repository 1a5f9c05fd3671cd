package fix

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/finding"
)

// MaxFile limits the bytes of a file that a fix edits.
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
func Write(root string, files []Rewrite, opt disk.Options) error {
	root, err := filepath.Abs(root)
	if err == nil {
		root, err = filepath.EvalSymlinks(root)
	}
	if err != nil {
		return err
	}
	made := make([]*disk.File, 0, len(files))
	defer func() {
		for _, m := range made {
			m.Abort() // nothing where all went well
		}
	}()
	paths := make([]string, len(files))
	for i, f := range files {
		path, err := resolve(root, f.File)
		if err != nil {
			return err
		}
		if err := unchanged(path, f); err != nil {
			return err
		}
		disk.Sweep(filepath.Dir(path), filepath.Base(path))
		m, err := disk.Create(path, opt)
		if err != nil {
			return err
		}
		made, paths[i] = append(made, m), path
		if _, err := m.Write(f.New); err != nil {
			return err
		}
		if err := m.Seal(); err != nil {
			return err
		}
	}
	for i, m := range made {
		if err := unchanged(paths[i], files[i]); err != nil {
			return err
		}
		if err := m.Commit(); err != nil {
			return err
		}
	}
	return nil
}

// resolve follows links to the real file, or to where it will be.
func resolve(root, name string) (path string, err error) {
	path, err = filepath.Abs(name)
	if err != nil {
		return "", err
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return "", err
	}
	path = filepath.Join(dir, filepath.Base(path))
	info, err := os.Lstat(path)
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			info, err = os.Stat(path)
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%s is no regular file", name)
	}
	if rel, err := filepath.Rel(root, path); err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return "", fmt.Errorf("%s leads out of %s, to %s: name that file itself", name, root, path)
	}
	return path, nil
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
