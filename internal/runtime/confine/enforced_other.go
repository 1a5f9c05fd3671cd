//go:build !linux

package confine

import (
	"context"

	"github.com/drydock-dev/drydock/internal/runtime"
)

func (s *search) enforced(context.Context, *runtime.Container, *Profile) error {
	s.note("everything", "what the kernel enforces can be read on Linux only")
	return nil
}

func (s *search) here(context.Context, *runtime.Container) (runtime.State, bool, error) {
	s.note("everything", "what the kernel enforces can be read on Linux only")
	return runtime.State{}, false, nil
}

func (s *search) note(what, why string) {
	s.proof.NotEnforced = append(s.proof.NotEnforced, NotEnforced{what, why})
}
