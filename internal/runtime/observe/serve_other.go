//go:build !linux

package observe

import (
	"context"
	"errors"
	"io"
)

var errNotHere = errors.New("an observer runs on Linux only")

// Serve is an observer in a container: on Linux only.
func Serve(context.Context, io.Reader, io.Writer, string) error { return errNotHere }

// Dial connects within a container: on Linux only.
func Dial(context.Context, int, int, io.Reader, io.Writer) error { return errNotHere }
