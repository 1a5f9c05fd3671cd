package confine

import (
	"cmp"
	"context"
	"fmt"

	"github.com/drydock-dev/drydock/internal/runtime"
)

// OtherRuntime is a profile that was made on another runtime than the one here, which
// calls other things once the filter is loaded.
type OtherRuntime struct{ Made, Here string }

func (e *OtherRuntime) Error() string {
	return fmt.Sprintf("the profile is for %s, and this Engine starts containers with %s", e.Made, e.Here)
}

// Hint says what to do.
func (e *OtherRuntime) Hint() string {
	return "observe the workload here, make the profile with --portable, or insist with --force"
}

// OtherMachine is a profile that was made on a machine of another architecture than the
// Engine's, which has other system calls.
type OtherMachine struct{ Made, Here string }

func (e *OtherMachine) Error() string {
	return fmt.Sprintf("the profile is of a machine of %s, and this Engine's is of %s", e.Made, e.Here)
}

// Hint says what to do.
func (e *OtherMachine) Hint() string { return "observe the workload on a machine of this architecture" }

// SameRuntime is an *[OtherMachine] or an *[OtherRuntime] unless the Engine starts containers with what the
// profile was made on, or the profile is portable.
func SameRuntime(ctx context.Context, e *runtime.Engine, p *Profile) error {
	if made, here := p.Image.Machine(), e.Architecture(); p.Image.ABI != "" && here != "" && made != here {
		return &OtherMachine{cmp.Or(made, p.Image.ABI), here}
	}
	on, err := e.Runtime(ctx)
	if err != nil || p.Portable || on.Name == p.Runtime.Name && on.Version == p.Runtime.Version {
		return err
	}
	return &OtherRuntime{p.Runtime.Name + " " + p.Runtime.Version, on.Name + " " + on.Version}
}
