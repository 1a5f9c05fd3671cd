package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/report"
)

func newCompare(f *flags) *cobra.Command {
	var to string
	c := &cobra.Command{
		Use:     "compare A [--to] B",
		Aliases: []string{"diff"},
		Short:   "Two targets side by side: packages, vulnerabilities, sizes",
		Long: `Show what came, went and changed from A to B: packages, vulnerabilities, sizes.
With --to, what follows it is the past, as in Docker Scout: "compare new --to old".
A gate looks at what is new in the later one only.`,
		Example: `  drydock compare nginx:1.24 nginx:1.25
  drydock compare app:new --to app:old --format markdown`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if to != "" {
				args = append([]string{to}, args...) // what is compared to comes first: it is the past
			}
			if len(args) != 2 {
				return usageError{errors.New("compare needs two targets"), "drydock compare A B"}
			}
			if err := notEmpty(args); err != nil {
				return err
			}
			var res [2]*check.Result
			for i, on := range args {
				r, err := f.look(cmd.Context(), on, check.Ask{Vulnerabilities: true, Layers: true})
				if err != nil {
					return err
				}
				res[i] = r
			}
			d := check.Compare(res[0], res[1])
			err := f.write(func(to sink) error {
				return report.Compare(to, to.format, d, f.options(to, ""))
			})
			if err != nil {
				return err
			}
			return f.judge(check.News(res[0], res[1]), false)
		},
	}
	c.Flags().StringVar(&to, "to", "", "the `TARGET` to compare with")
	f.vulnerabilities(c.Flags())
	f.asksServer(c.Flags())
	return c
}
