package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/explore"
	"github.com/drydock-dev/drydock/internal/report"
)

func newLayers(f *flags) *cobra.Command {
	var interactive bool
	c := &cobra.Command{
		Use:   "layers [IMAGE]",
		Short: "What each layer adds, changes, removes and wastes; secrets in any of them",
		Long: `Show for each layer the instruction that made it, its size, the files it adds,
changes and removes, and the bytes it stores for nothing; how much of the image
could be saved, and beside it the efficiency and waste by dive's count, which is
what gates and .dive-ci files limit; and what the image rules find, secrets in
deleted files included.`,
		Example: `  drydock layers app:dev
  drydock layers --dockerfile Dockerfile app:dev
  drydock layers --fail-on efficiency:0.95,waste:20MB app.tar
  drydock layers -i app:dev`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !interactive {
				return f.scan(cmd, args, check.Ask{Rules: true, Layers: true}, report.Layers)
			}
			if !f.env.Terminal {
				return usageError{errors.New("-i needs a terminal"), "drydock layers --format json for a program"}
			}
			on, err := target(args)
			if err != nil {
				return err
			}
			res, err := f.look(cmd.Context(), on, check.Ask{Layers: true})
			if err != nil {
				return err
			}
			return explore.Run(cmd.Context(), f.env.Stdin, f.env.Stdout, res.Targets[0])
		},
	}
	c.Flags().BoolVarP(&interactive, "interactive", "i", false, "explore the layers in the terminal")
	return c
}
