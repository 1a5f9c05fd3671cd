//go:build !unix

package ledger

import (
	"errors"
	"io/fs"
	"os"
)

// folderName is the ledger's folder within the data folder, which is in the
// user's own profile.
func folderName() string { return "ledger" }

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
