package check

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// dirFS is a folder as rules see it: with versions of files, by name, that a fix
// is about to write in place of those on the disk.
func dirFS(dir string, versions map[string][]byte) fs.FS {
	disk := os.DirFS(dir)
	if len(versions) == 0 {
		return disk
	}
	o := overlay{disk: disk, files: map[string][]byte{}}
	for name, b := range versions {
		abs, err := filepath.Abs(name)
		if err != nil {
			continue
		}
		root, err := filepath.Abs(dir)
		if err != nil {
			continue
		}
		if rel, err := filepath.Rel(root, abs); err == nil && filepath.IsLocal(rel) {
			o.files[filepath.ToSlash(rel)] = b
		}
	}
	return o
}

// overlay is a folder with some files in other versions; a nil content is a
// file that is not there. A file that only the overlay has is opened, and not
// listed with its folder.
type overlay struct {
	disk  fs.FS
	files map[string][]byte
}

// Open implements fs.FS.
func (o overlay) Open(name string) (fs.File, error) {
	b, ok := o.files[name]
	switch {
	case !ok:
		return o.disk.Open(name)
	case b == nil:
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &version{Reader: bytes.NewReader(b), name: name, size: int64(len(b))}, nil
}

// Stat implements fs.StatFS: a pipe on the disk is described, and not waited for.
func (o overlay) Stat(name string) (fs.FileInfo, error) {
	b, ok := o.files[name]
	switch {
	case !ok:
		return fs.Stat(o.disk, name)
	case b == nil:
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	}
	return &version{Reader: bytes.NewReader(b), name: name, size: int64(len(b))}, nil
}

// version is an open file of an overlay, and its own description.
type version struct {
	*bytes.Reader
	name string
	size int64
}

func (v *version) Stat() (fs.FileInfo, error) { return v, nil }
func (v *version) Close() error               { return nil }
func (v *version) Name() string               { return filepath.Base(v.name) }
func (v *version) Size() int64                { return v.size }
func (v *version) Mode() fs.FileMode          { return 0o644 }
func (v *version) ModTime() time.Time         { return time.Time{} }
func (v *version) IsDir() bool                { return false }
func (v *version) Sys() any                   { return nil }
