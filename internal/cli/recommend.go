package cli

import (
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/report"
)

func newRecommend(f *flags) *cobra.Command {
	var asOf, catalogue string
	var publishers []string
	c := &cobra.Command{
		Use:     "recommend [IMAGE|FILE]",
		Aliases: []string{"recommendations"},
		Short:   "Which base would do better: the same built anew, a newer release, a smaller image",
		Long: `Show what could stand in place of the base of an image, or of the bases that a
Dockerfile names: the same tag built anew (refresh), a newer supported release of
the same channel (update), a smaller image of the same software (slim). Each with
its size, packages and vulnerabilities beside today's, what to check before it is
used, and the edit of the Dockerfile. What is newer and worse is said to be so.

What is known comes from the embedded catalogue of official images, images that
were learned (--learn), local images, and registries unless --offline.`,
		Example: `  drydock recommend nginx:1.20
  drydock recommend Dockerfile
  drydock recommend --offline --as-of 2024-03-31 nginx:1.20
  drydock recommend --learn registry.example.com/base/node:22 registry.example.com/base/node:22-slim`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			on, err := target(args)
			if err != nil {
				return err
			}
			p, err := f.pipeline()
			if err != nil {
				return err
			}
			wish := check.Wish{Catalogue: catalogue, Publishers: publishers}
			if wish.Catalogue == "" {
				wish.Catalogue = filepath.Join(f.database(), check.CatalogueName)
			}
			if asOf != "" {
				if wish.AsOf, err = time.Parse(time.DateOnly, asOf); err != nil {
					return usageError{fmt.Errorf("--as-of %s is no date", asOf), "--as-of 2024-03-31"}
				}
			}
			bar := f.progress()
			p.Progress = bar.update
			rec, err := p.Recommend(cmd.Context(), on, wish)
			bar.done()
			if err != nil {
				return err
			}
			err = f.write(func(w io.Writer) error {
				return report.Recommend(w, f.format, rec, report.Options{
					Tool: f.env.Version, Now: f.env.stamp(), Width: f.env.Width, Color: f.color(), Quiet: f.quiet, Program: f.env.Name, Target: on,
				})
			})
			if err != nil {
				return err
			}
			if rec.Nothing() {
				return exitError(1)
			}
			return f.judge(&rec.Result, false)
		},
	}
	c.Flags().StringVar(&asOf, "as-of", "", "judge by what was known on this `DATE`: nobody is asked, and later images are left out")
	c.Flags().StringVar(&catalogue, "catalogue", "", "`FILE` of learned images (default in the data folder)")
	c.Flags().StringSliceVar(&publishers, "publisher", nil, "trust images of these `PREFIXES`: registry.example.com/base/")
	return c
}
