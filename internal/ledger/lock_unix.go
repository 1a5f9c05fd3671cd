//go:build unix && !aix && !solaris

package ledger

import (
	"errors"
	"os"
	"syscall"
)

// lock locks an open file until it is closed or the process ends, and reports
// whether it could: another may hold it.
func lock(f *os.File) (bool, error) {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, nil
		case !errors.Is(err, syscall.EINTR):
			return false, os.NewSyscallError("flock", err)
		}
	}
}
