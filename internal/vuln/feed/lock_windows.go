package feed

import (
	"errors"
	"os"
	"syscall"

	"github.com/drydock-dev/drydock/internal/disk"
)

// errSharing is ERROR_SHARING_VIOLATION: someone else has the file open.
const errSharing = syscall.Errno(32)

// tryLock opens a file that nobody else may open meanwhile; nil without an
// error: another has it. The system closes it when the process ends.
func tryLock(_ disk.User, path string) (*os.File, error) {
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, err
	}
	h, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, 0, nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if errors.Is(err, errSharing) {
		return nil, nil
	}
	if err != nil {
		return nil, &os.PathError{Op: "lock", Path: path, Err: err}
	}
	return os.NewFile(uintptr(h), path), nil
}
