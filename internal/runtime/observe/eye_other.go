//go:build !linux

package observe

import "errors"

func newLocal(Options) (eye, error) {
	return nil, &Error{
		Err: errors.New("system calls can be seen on the Engine's own machine only, and that runs Linux"),
		Way: "--via container watches there",
	}
}
