package ledger

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// lock locks an open file until it is closed or the process ends, and reports
// whether it could: another may hold it. Windows keeps others from reading what
// is locked, so that it is a byte far behind the file's end.
func lock(f *os.File) (bool, error) {
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0,
		&windows.Overlapped{OffsetHigh: 1 << 30})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return false, nil
	}
	return err == nil, os.NewSyscallError("LockFileEx", err)
}
