package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/report"
)

func newExplain(f *flags) *cobra.Command {
	return &cobra.Command{
		Use:   "explain RULE|CVE",
		Short: "Why a rule matters, with a bad and a good example; or what is known of a vulnerability",
		Example: `  drydock explain image/root-user
  drydock explain DL3002
  drydock explain CVE-2022-0778`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if rules := check.FindRules(args[0]); len(rules) > 0 {
				return f.write(func(to sink) error { return report.Rules(to, to.format, rules, f.options(to, args[0])) })
			}
			p, err := f.pipeline()
			if err != nil {
				return err
			}
			known, err := p.Explain(cmd.Context(), args[0])
			if errors.Is(err, check.ErrNotKnown) {
				return usageError{fmt.Errorf("%s: neither a rule nor a vulnerability that the database knows", args[0]), f.env.Name + " db update brings today's advisories"}
			}
			if err != nil {
				return err
			}
			return f.write(func(to sink) error { return report.Vulnerability(to, to.format, known, f.options(to, args[0])) })
		},
	}
}
