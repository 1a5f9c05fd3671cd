//go:build !linux

package cli

import (
	"errors"
	"io"
)

func openKernelLog() (io.ReadCloser, error) {
	return nil, errors.New("this machine's kernel has no log that can be read")
}
