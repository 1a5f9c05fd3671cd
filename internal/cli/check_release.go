package cli

import (
	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/report"
)

// release checks a target beside an earlier one and prints what changed. The gate counts
// only what the earlier one did not have, and policies judge the later one.
func (f *flags) release(cmd *cobra.Command, args []string, ask check.Ask, earlier string) error {
	on, err := target(args)
	if err != nil {
		return err
	}
	if err := notEmpty([]string{earlier}); err != nil {
		return err
	}
	then := ask
	then.Policy = nil
	before, err := f.look(cmd.Context(), earlier, then)
	if err != nil {
		return err
	}
	after, err := f.look(cmd.Context(), on, ask)
	if err != nil {
		return err
	}
	d := check.Compare(before, after)
	err = f.write(func(to sink) error {
		if to.format == "markdown" {
			return report.Release(to, before, after, d)
		}
		return report.Compare(to, to.format, d, f.options(to, ""))
	})
	if err != nil {
		return err
	}
	if ask.Policy != nil {
		if err := f.judgePolicy(after); err != nil {
			return err
		}
	}
	return f.judge(check.News(before, after), false)
}
