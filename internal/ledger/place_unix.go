//go:build unix

package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// folderName is the ledger's folder within the data folder. Root's own lies
// beside that of the user whose home it is, who could not write into it.
func folderName() string { return "ledger-" + strconv.Itoa(os.Geteuid()) }

// prepare makes the ledger's folder, and wants it to be this user's alone.
func prepare(dir string) error {
	if err := makeData(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return private(dir)
}

// private is nil if dir is a folder that only this user can write.
func private(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a folder", dir)
	}
	return ownedAlone(dir, info)
}

// ownedAlone is nil if what info tells of belongs to this user, and nobody else
// can write it.
func ownedAlone(name string, info fs.FileInfo) error {
	if st, ok := info.Sys().(*syscall.Stat_t); !ok || int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("%s belongs to another user", name)
	}
	if info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("%s can be written by other users (chmod go-w)", name)
	}
	return nil
}

// mine reports whether a folder or file may be removed by this user's sweep: it
// is his. The superuser writes files in the name of those whose they are.
func mine(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && (os.Geteuid() == 0 || int(st.Uid) == os.Geteuid())
}

// makeData makes the data folder and those above it. Under sudo the home is
// often the user's: what root makes there belongs to whom the folder above it
// does, or the user could not write into his own data folder afterwards.
func makeData(dir string) error {
	if _, err := os.Stat(dir); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	above := filepath.Dir(dir)
	if above == dir {
		return &fs.PathError{Op: "mkdir", Path: dir, Err: fs.ErrNotExist}
	}
	if err := makeData(above); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return nil // another process was as quick
		}
		return err
	}
	if info, err := os.Stat(above); err == nil && os.Geteuid() == 0 {
		if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Uid != 0 {
			return os.Lchown(dir, int(st.Uid), int(st.Gid))
		}
	}
	return nil
}

// openFlags keep a link in the ledger's folder from being followed, and a pipe
// from being waited for.
const openFlags = os.O_RDWR | syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// syncFolder puts a folder's new names on the disk. Some file systems cannot,
// and lose nothing by it.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = f.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	return errors.Join(err, f.Close())
}

// remove takes the file of a page away while it is locked.
func remove(f *os.File, path string) error {
	err := os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, f.Close())
}
