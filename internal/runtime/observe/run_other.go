//go:build !linux

package observe

import (
	"context"
	"errors"
)

func run(context.Context, Options) (*Observation, error) {
	return nil, &Error{
		Err: errors.New("system calls can be seen on the Engine's own machine only, and that runs Linux"),
		Way: "run drydock observe on the Linux machine where the Engine runs",
	}
}
