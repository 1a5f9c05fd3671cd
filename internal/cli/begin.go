package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/ledger"
	"github.com/drydock-dev/drydock/internal/runtime"
)

// begin is what comes before every verb: the flags of the environment, and the
// removal of what runs that were killed left behind. The shell's completion and
// Docker's hook do not wait for that.
func (f *flags) begin(cmd *cobra.Command, _ []string) error {
	f.running, f.inherited = cmd, map[string]bool{}
	if err := f.fromEnvironment(cmd); err != nil {
		return err
	}
	f.ledger = ledger.Open(f.database(), disk.Caller(f.env.Getenv), func(what string) { fmt.Fprintf(f.env.Stderr, "note: %s\n", foreign(what)) })
	if !cmd.Hidden {
		runtime.Sweep(cmd.Context(), runtime.Options{Getenv: f.env.Getenv, Ledger: f.ledger})
	}
	return nil
}

// fromEnvironment gives each flag that was not typed its environment variable.
func (f *flags) fromEnvironment(cmd *cobra.Command) error {
	var err error
	cmd.Flags().VisitAll(func(fl *pflag.Flag) {
		name := "DRYDOCK_" + strings.ToUpper(strings.ReplaceAll(fl.Name, "-", "_"))
		if v := f.env.Getenv(name); v != "" && !fl.Changed && err == nil {
			if e := cmd.Flags().Set(fl.Name, v); e != nil {
				err = usageError{fmt.Errorf("%s=%q: %w", name, v, e), ""}
			}
			f.inherited[fl.Name] = true
		}
	})
	return err
}
