//go:build !linux

package seccomp

import "errors"

// Loaded reads the seccomp filters of a process: only Linux has any.
func Loaded(int) ([]Filter, error) {
	return nil, errors.New("seccomp filters can be read on Linux only")
}
