package seccomp

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ptraceGetFilter is PTRACE_SECCOMP_GET_FILTER of linux/ptrace.h.
const ptraceGetFilter = 0x420c

// maxFilters is how many filters of one process are read; the kernel's own limit
// is on the sum of their instructions.
const maxFilters = 64

// Loaded reads the seccomp filters of a process, the newest first; none if it has
// none. It stops the process for the moment that this takes, and needs
// CAP_SYS_ADMIN.
func Loaded(pid int) (filters []Filter, err error) {
	runtime.LockOSThread() // a tracer is a thread
	defer runtime.UnlockOSThread()
	if err := unix.PtraceSeize(pid); err != nil {
		return nil, fmt.Errorf("trace process %d: %w", pid, err)
	}
	defer func() { err = errors.Join(err, detach(pid)) }()
	if err := unix.PtraceInterrupt(pid); err != nil {
		return nil, fmt.Errorf("stop process %d: %w", pid, err)
	}
	var status unix.WaitStatus
	for {
		if _, err := unix.Wait4(pid, &status, unix.WALL, nil); err == nil {
			break
		} else if !errors.Is(err, unix.EINTR) {
			return nil, fmt.Errorf("stop process %d: %w", pid, err)
		}
	}
	if !status.Stopped() {
		return nil, fmt.Errorf("process %d ended", pid)
	}
	return Traced(pid)
}

// Traced reads the seccomp filters of a process that the calling thread traces and has
// stopped, as [Loaded] does.
func Traced(pid int) (filters []Filter, err error) {
	for i := range maxFilters {
		f, err := filter(pid, i)
		if errors.Is(err, unix.ENOENT) {
			return filters, nil
		}
		if errors.Is(err, unix.EINVAL) && i == 0 {
			return nil, nil // no filter at all
		}
		if err != nil {
			return nil, fmt.Errorf("read seccomp filter of process %d: %w", pid, err)
		}
		filters = append(filters, f)
	}
	return nil, fmt.Errorf("process %d has more than %d seccomp filters", pid, maxFilters)
}

func detach(pid int) error {
	if err := unix.PtraceDetach(pid); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("let go of process %d: %w", pid, err)
	}
	return nil
}

// filter reads one filter, counted from the newest.
func filter(pid, index int) (Filter, error) {
	n, _, errno := unix.Syscall6(unix.SYS_PTRACE, ptraceGetFilter, uintptr(pid), uintptr(index), 0, 0, 0)
	if errno != 0 {
		return nil, errno
	}
	if n == 0 {
		return nil, errProgram
	}
	f := make(Filter, n)
	at := uintptr(unsafe.Pointer(&f[0])) //nolint:gosec // the kernel writes n instructions there, as it has just said
	_, _, errno = unix.Syscall6(unix.SYS_PTRACE, ptraceGetFilter, uintptr(pid), uintptr(index), at, 0, 0)
	runtime.KeepAlive(f)
	if errno != 0 {
		return nil, errno
	}
	return f, nil
}
