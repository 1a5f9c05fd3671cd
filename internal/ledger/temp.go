package ledger

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Temp is a temporary folder.
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

// Record writes down a file in the making that lies in a folder of the user's,
// as a [disk.Recorder] does. Where nothing can be written down, only a kill of
// the process leaves it behind.
func (l *Ledger) Record(path string) (gone func()) {
	if abs, err := filepath.Abs(path); err == nil {
		if m, err := l.add(Entry{Kind: File, Name: abs}); err == nil && m != nil {
			return func() { _ = m.Gone() } // else a sweep looks for it, and finds nothing
		}
	}
	return func() {}
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

// Remove takes it away with all that is in it. It may be called again.
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
