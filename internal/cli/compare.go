package cli

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/compare"
	"github.com/drydock-dev/drydock/internal/report"
)

func newCompare(f *flags) *cobra.Command {
	var to string
	c := &cobra.Command{
		Use:     "compare A [--to] B",
		Aliases: []string{"diff"},
		Short:   "Two targets side by side: packages, vulnerabilities, sizes",
		Example: `  drydock compare nginx:1.24 nginx:1.25
  drydock compare app:new --to app:old --format markdown`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if to != "" {
				args = append(args, to)
			}
			if len(args) != 2 {
				return usageError{errors.New("compare needs two targets"), "drydock compare A B"}
			}
			var sides [2]compare.Side
			for i, target := range args {
				s, err := f.side(cmd.Context(), target)
				if err != nil {
					return err
				}
				sides[i] = s
			}
			return f.write(func(w io.Writer) error {
				return report.Compare(w, f.format, compare.Sides(sides[0], sides[1]), report.Options{
					Tool: f.env.Version, Now: f.env.Now(), Width: f.env.Width, Color: f.color(),
				})
			})
		},
	}
	c.Flags().StringVar(&to, "to", "", "the `TARGET` to compare with")
	f.vulnerabilities(c.Flags())
	return c
}

// side is one target, looked at and made comparable.
func (f *flags) side(ctx context.Context, target string) (compare.Side, error) {
	res, err := f.look(ctx, []string{target}, check.Ask{Vulnerabilities: true, Layers: true})
	if err != nil {
		return compare.Side{}, err
	}
	return check.Side(res), nil
}
