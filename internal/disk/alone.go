package disk

import (
	"errors"
	"os"
	"path/filepath"
)

// Alone runs do while no other process is within Alone for the same file. It
// waits for its turn; where a system or a file system has no locks, it does not.
// The file beside it that is locked, path with ".lock", stays.
func Alone(path string, user User, do func() error) error {
	if err := user.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := user.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	lock(f)
	return errors.Join(do(), f.Close())
}
