//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package feed

import (
	"errors"
	"os"
	"syscall"

	"github.com/drydock-dev/drydock/internal/disk"
)

// tryLock locks a file for this process; nil without an error: another has it.
// The system takes the lock back when the process ends, however it ends.
func tryLock(user disk.User, path string) (*os.File, error) {
	f, err := user.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return f, nil
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = nil
	}
	return nil, errors.Join(err, f.Close())
}
