package cli

import (
	"cmp"
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/explore"
	"github.com/drydock-dev/drydock/internal/report"
)

func newLayers(f *flags) *cobra.Command {
	var interactive bool
	var changed []string
	var buildContext string
	c := &cobra.Command{
		Use:   "layers [IMAGE]",
		Short: "What each layer adds, changes, removes and wastes; secrets in any of them",
		Long: `Show for each layer the instruction that made it, its size, the files it adds,
changes and removes, and the bytes it stores for nothing; how much of the image
could be saved, and beside it the efficiency and waste by dive's count, which is
what gates and .dive-ci files limit; and what the image rules find, secrets in
deleted files included.

--changed tells instead which steps of a build are made anew after a change of files,
and their bytes: those of the image's layers where one is named, else those of what is
copied.`,
		Example: `  drydock layers app:dev
  drydock layers --dockerfile Dockerfile app:dev
  drydock layers --fail-on efficiency:0.95,waste:20MB app.tar
  drydock layers -i app:dev
  drydock layers --changed src/app.js --dockerfile Dockerfile
  drydock layers --changed package.json --dockerfile Dockerfile app:dev`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(changed) > 0 {
				return f.changed(cmd.Context(), changed, buildContext, args)
			}
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
	c.Flags().StringSliceVar(&changed, "changed", nil, "tell what a build makes anew after a change of these `PATHS`")
	c.Flags().StringVar(&buildContext, "context", "", "the build's `DIR`, for --changed (default: told from what the file copies)")
	return c
}

// changed tells what a build makes anew.
func (f *flags) changed(ctx context.Context, paths []string, buildContext string, args []string) error {
	if err := f.formatOnly("layers --changed", []string{"text", "json"}); err != nil {
		return err
	}
	p, err := f.pipeline()
	if err != nil {
		return err
	}
	f.dockerfile = cmp.Or(f.dockerfile, "Dockerfile")
	var res *check.Result
	if len(args) > 0 {
		on, err := target(args)
		if err != nil {
			return err
		}
		if res, err = f.look(ctx, on, check.Ask{Layers: true}); err != nil {
			return err
		}
	}
	got, err := p.Changed(f.dockerfile, paths, buildContext, res)
	if err != nil {
		return err
	}
	return f.write(func(to sink) error { return report.Changed(to, to.format, got, f.options(to, args...)) })
}
