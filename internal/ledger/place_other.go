//go:build !unix

package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// folderName is the ledger's folder within the data folder, which is in the
// user's own profile.
func folderName() string { return "ledger" }

// prepare makes the ledger's folder.
func prepare(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return private(dir)
}

func private(dir string) error {
	info, err := os.Lstat(dir)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is not a folder", dir)
	}
	return err
}

// ownedAlone has nothing to look at: the profile's access list says it.
func ownedAlone(string, fs.FileInfo) error { return nil }

func mine(fs.FileInfo) bool { return true }

const openFlags = os.O_RDWR

func syncFolder(string) error { return nil }

// remove takes the file of a page away, which must be closed for it. Whoever
// locks it in between finds nothing on it that is not gone.
func remove(f *os.File, path string) error {
	err := f.Close()
	if rerr := os.Remove(path); !errors.Is(rerr, fs.ErrNotExist) {
		err = errors.Join(err, rerr)
	}
	return err
}
