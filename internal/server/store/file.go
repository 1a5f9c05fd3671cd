package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// databaseAt is a file that is open: where it was, and which one it is.
type databaseAt struct {
	path string
	info fs.FileInfo
}

func databaseIn(dir string) (*databaseAt, error) {
	path, err := filepath.Abs(filepath.Join(dir, databaseFile))
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	return &databaseAt{path, info}, err
}

// there is an error where the file was removed, moved or replaced: what is written to
// one that has no name any more is written, and gone with the process.
func (d *databaseAt) there() error {
	if d == nil {
		return nil
	}
	now, err := os.Stat(d.path)
	switch {
	case err == nil && os.SameFile(d.info, now):
		return nil
	case err == nil:
		err = errors.New(d.path + " is another file than the one that is open")
	}
	return &Error{Op: "write", Err: err, hint: "put the database back where it was, or start the service again"}
}
