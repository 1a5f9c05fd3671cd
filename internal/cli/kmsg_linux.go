package cli

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// kmsg is the kernel's log. Each read gives one record, and the last one an end.
type kmsg struct{ fd int }

func openKernelLog() (io.ReadCloser, error) {
	fd, err := unix.Open("/dev/kmsg", unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: "/dev/kmsg", Err: err}
	}
	return kmsg{fd}, nil
}

func (k kmsg) Read(b []byte) (int, error) {
	for {
		n, err := unix.Read(k.fd, b)
		switch {
		case errors.Is(err, unix.EPIPE), errors.Is(err, unix.EINTR): // older records are gone
			continue
		case errors.Is(err, unix.EAGAIN):
			return 0, io.EOF
		case err != nil:
			return 0, err
		}
		return n, nil
	}
}

func (k kmsg) Close() error { return unix.Close(k.fd) }
