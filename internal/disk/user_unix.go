//go:build unix

package disk

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// take gives u what the superuser has just made in a folder of u's. Not every
// file system has owners to give; then it stays as it is.
func (u User) take(f *os.File) {
	if !u.sudo {
		return
	}
	up, err := os.Stat(filepath.Dir(f.Name()))
	if err != nil {
		return
	}
	if uid, ok := ownerOf(up); ok && uid == u.uid {
		_ = f.Chown(u.uid, u.gid)
	}
}

func ownerOf(info fs.FileInfo) (int, bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(st.Uid), true
}

// keepOwner gives a new file the owner of the one that it replaces, where that
// is allowed: only the superuser may, and nobody else needs it.
func keepOwner(f *os.File, old fs.FileInfo) {
	if st, ok := old.Sys().(*syscall.Stat_t); ok {
		_ = f.Chown(int(st.Uid), int(st.Gid))
	}
}

func openFolder(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
}

// syncDir puts a rename on the disk. Some file systems cannot, and say so.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return nil //nolint:nilerr // a folder that may be written and not read
	}
	defer f.Close() //nolint:errcheck // nothing was written
	if err := f.Sync(); err != nil && !unsupported(err) {
		return err
	}
	return nil
}
