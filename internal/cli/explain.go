package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/report"
)

func newExplain(f *flags) *cobra.Command {
	var why string
	c := &cobra.Command{
		Use:   "explain RULE|CVE | --why PACKAGE [TARGET]",
		Short: "Why a rule matters, what is known of a vulnerability, or what brings a package",
		Long: `Explain a rule, with a bad and a good example; what is known of a vulnerability; or,
with --why, how a package comes into a target: the shortest ways to it from each
project, one for each direct dependency that brings it. The package is named as its
ecosystem names it, with or without its version, or by its package URL.`,
		Example: `  drydock explain image/root-user
  drydock explain CVE-2022-0778
  drydock explain --why qs examples/react-app
  drydock explain --why qs@6.7.0 sbom://app.cdx.json`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("why") {
				return f.why(cmd.Context(), why, args)
			}
			if err := cobra.ExactArgs(1)(cmd, args); err != nil {
				return err
			}
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
	c.Flags().StringVar(&why, "why", "", "tell what brings this `PACKAGE` into TARGET")
	return c
}

// why tells what brings a package into a target.
func (f *flags) why(ctx context.Context, name string, args []string) error {
	if err := f.formatOnly("explain --why", []string{"text", "json"}); err != nil {
		return err
	}
	on, err := target(args)
	if err != nil {
		return err
	}
	res, err := f.look(ctx, on, check.Ask{Inventory: true})
	if err != nil {
		return err
	}
	reasons := check.Why(res, name)
	if len(reasons) == 0 {
		list := f.env.Name + " sbom " + on
		return usageError{fmt.Errorf("%s: no package of this name is known in %s", name, res.Title(res.Subjects[0])), list + " lists what there is"}
	}
	if err := f.write(func(to sink) error { return report.Why(to, to.format, reasons, f.options(to, on)) }); err != nil {
		return err
	}
	return f.judge(res, false)
}
