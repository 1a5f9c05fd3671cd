package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/runtime"
	"github.com/drydock-dev/drydock/internal/runtime/confine"
)

// sameRuntime refuses a profile that was made on another runtime; with --force it
// warns.
func (x *confining) sameRuntime(cmd *cobra.Command, e *runtime.Engine, p *confine.Profile) error {
	err := confine.SameRuntime(cmd.Context(), e, p)
	var other *confine.OtherRuntime
	if x.force && errors.As(err, &other) {
		fmt.Fprintf(x.env.Stderr, "warning: %s\n", foreign(other.Error()))
		return nil
	}
	return err
}

// sameImage refuses a profile whose image this Engine does not have; with --force it
// takes the one of the same name.
func (x *confining) sameImage(cmd *cobra.Command, e *runtime.Engine, p *confine.Profile) error {
	if _, err := e.Inspect(cmd.Context(), p.Image.ID); err == nil || cmd.Context().Err() != nil {
		return cmd.Context().Err()
	}
	im, err := e.Inspect(cmd.Context(), p.Image.Name)
	if err != nil {
		return finding.WithHint(err, "docker pull "+p.Image.Name)
	}
	err = fmt.Errorf("the observation is of another image than the %s of this Engine (%s, not %s)", p.Image.Name, im.ID, p.Image.ID)
	if !x.force {
		return finding.WithHint(err, "observe it here, or insist with --force")
	}
	fmt.Fprintf(x.env.Stderr, "warning: %s\n", foreign(err.Error()))
	p.Image.ID = im.ID
	return nil
}
