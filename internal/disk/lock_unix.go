//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package disk

import (
	"errors"
	"os"
	"syscall"
)

// lock marks a file as one whose writer lives; the system takes the mark back
// when the process ends, however it ends. It waits for a Sweep that looks at the
// file. Where a file system has no locks, age decides.
func lock(f *os.File) {
	for errors.Is(syscall.Flock(int(f.Fd()), syscall.LOCK_EX), syscall.EINTR) {
		continue
	}
}

// orphan reports whether nobody holds the file's lock, and whether that is
// certain.
func orphan(f *os.File) (dead, certain bool) {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	return !errors.Is(err, syscall.EWOULDBLOCK), err == nil
}
