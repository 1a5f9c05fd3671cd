//go:build !linux

package confine

import (
	"context"
	"errors"

	"github.com/drydock-dev/drydock/internal/runtime"
)

func (s *search) enforced(context.Context, *runtime.Container, *Profile) error {
	return errors.New("what the kernel enforces can be read on Linux only")
}

func (s *search) note(what, why string) {
	s.proof.NotEnforced = append(s.proof.NotEnforced, NotEnforced{what, why})
}
