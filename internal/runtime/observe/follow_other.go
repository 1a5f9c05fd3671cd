//go:build !linux

package observe

import (
	"context"
	"errors"
)

// Follower watches containers that are started as they are: on Linux only.
type Follower struct{}

// Follow is an error: only Linux has what it needs.
func Follow() (*Follower, error) {
	return nil, errors.New("containers can be watched on Linux only")
}

// Close does nothing.
func (*Follower) Close() error { return nil }

// Expect does nothing.
func (*Follower) Expect(string) error { return nil }

// Held does nothing.
func (*Follower) Held(context.Context, int) error { return nil }

// Release does nothing.
func (*Follower) Release(int) error { return nil }

// Serving does nothing.
func (*Follower) Serving() error { return nil }

// Refused is nothing.
func (*Follower) Refused() []Refusal { return nil }

// Seen is nothing.
func (*Follower) Seen() (*Observation, error) {
	return nil, errors.New("containers can be watched on Linux only")
}

// DefaultOf is an error: only Linux has what it needs.
func DefaultOf(int) (Default, error) {
	return Default{}, errors.New("a filter can be read on Linux only")
}
