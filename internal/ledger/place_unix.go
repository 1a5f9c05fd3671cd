//go:build unix

package ledger

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"syscall"
)

// folderName is the ledger's folder within the data folder. Root's own lies
// beside that of the user whose home it is, who could not write into it.
func folderName() string { return "ledger-" + strconv.Itoa(os.Geteuid()) }

// mine reports whether a folder or file may be removed by this user's sweep: it
// is his. The superuser writes files in the name of those whose they are.
func mine(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && (os.Geteuid() == 0 || int(st.Uid) == os.Geteuid())
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
