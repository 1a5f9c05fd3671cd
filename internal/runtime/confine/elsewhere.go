package confine

import (
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

// SameRuntime is an *[OtherRuntime] unless the Engine starts containers with what the
// profile was made on, or the profile is portable.
func SameRuntime(ctx context.Context, e *runtime.Engine, p *Profile) error {
	on, err := e.Runtime(ctx)
	if err != nil || p.Portable || on.Name == p.Runtime.Name && on.Version == p.Runtime.Version {
		return err
	}
	return &OtherRuntime{p.Runtime.Name + " " + p.Runtime.Version, on.Name + " " + on.Version}
}
