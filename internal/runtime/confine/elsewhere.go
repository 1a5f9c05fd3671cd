package confine

import (
	"context"
	"fmt"

	"github.com/drydock-dev/drydock/internal/runtime"
)

// OtherRuntime is a profile that was observed on another runtime than the one here,
// which calls other things once the filter is loaded.
type OtherRuntime struct{ Observed, Here string }

func (e *OtherRuntime) Error() string {
	return fmt.Sprintf("the workload was observed on %s, and this Engine starts containers with %s", e.Observed, e.Here)
}

// Hint says what to do.
func (e *OtherRuntime) Hint() string {
	return "observe it here, or confine with --portable --force"
}

// SameRuntime is an *[OtherRuntime] unless the Engine starts containers with what
// the workload was observed on, or the user insists.
func SameRuntime(ctx context.Context, e *runtime.Engine, p *Profile, force bool) error {
	on, err := e.Runtime(ctx)
	if err != nil || force {
		return err
	}
	if on.Name != p.Runtime.Name || on.Version != p.Runtime.Version {
		return &OtherRuntime{p.Runtime.Name + " " + p.Runtime.Version, on.Name + " " + on.Version}
	}
	return nil
}
