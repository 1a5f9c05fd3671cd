package ledger

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Temp is a temporary folder or file.
type Temp struct {
	Path string
	mark *Mark // nil: nothing could be written down
}

// Folder makes an empty folder among the system's temporary files, for a
// purpose: one word in small letters. Where nothing can be written down, it is
// made all the same, and only a kill of the process leaves it behind.
func (l *Ledger) Folder(purpose string) (*Temp, error) {
	above, err := filepath.Abs(os.TempDir())
	if err != nil {
		return nil, err
	}
	t := &Temp{Path: filepath.Join(above, Name(purpose))}
	if t.mark, err = l.add(Entry{Kind: Folder, Name: t.Path}); err != nil {
		return nil, err
	}
	if err := os.Mkdir(t.Path, 0o700); err != nil {
		return nil, errors.Join(err, t.forget())
	}
	return t, nil
}

// File makes an empty file in a folder that is not Drydock's: one that is to
// take another's place by a rename. The caller closes it.
func (l *Ledger) File(dir string) (*os.File, *Temp, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, nil, err
	}
	t := &Temp{Path: filepath.Join(dir, ".drydock-"+random())}
	if t.mark, err = l.add(Entry{Kind: File, Name: t.Path}); err != nil {
		return nil, nil, err
	}
	f, err := os.OpenFile(t.Path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, nil, errors.Join(err, t.forget())
	}
	return f, t, nil
}

// add is Add where a ledger that cannot be written is none.
func (l *Ledger) add(e Entry) (*Mark, error) {
	m, err := l.Add(e)
	var no *UnwritableError
	if errors.As(err, &no) {
		return nil, nil
	}
	return m, err
}

func (t *Temp) forget() error {
	if t.mark == nil {
		return nil
	}
	return t.mark.Gone()
}

// Remove takes it away with all that is in it. What was renamed or removed
// already is no error.
func (t *Temp) Remove() error {
	if err := os.RemoveAll(t.Path); err != nil {
		return err
	}
	return t.forget()
}

// Unnamed makes an empty file in a folder; an empty name stands for the
// system's temporary files. It is gone when it is closed or the process ends,
// however it ends: it never has a name where the system knows such files, and
// loses it at once elsewhere.
func Unnamed(dir string) (*os.File, error) {
	if dir == "" {
		dir = os.TempDir()
	}
	return unnamed(dir)
}

// unlinked is a file whose name is taken away as soon as it has been made.
func unlinked(dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, "drydock-spool-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
