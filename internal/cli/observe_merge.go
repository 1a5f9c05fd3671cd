package cli

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/runtime/observe"
)

func newObserveMerge(f *flags) *cobra.Command {
	return &cobra.Command{
		Use:     "merge A B…",
		Short:   "Join observations of one image, made on one runtime",
		Example: "  drydock observe merge reads.json writes.json -o both.json",
		Args:    cobra.MinimumNArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			var all *observe.Observation
			for _, name := range args {
				o, err := readObservation(name)
				if err != nil {
					return err
				}
				if all != nil {
					if o, err = observe.Merge(all, o); err != nil {
						return fmt.Errorf("merge %s: %w", name, err)
					}
				}
				all = o
			}
			return f.observed(all)
		},
	}
}

func readObservation(name string) (*observe.Observation, error) {
	const hint = "drydock observe IMAGE -o NAME.json writes one"
	b, err := readSome(name, observe.MaxBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, finding.WithHint(err, hint)
	}
	if err != nil {
		return nil, err
	}
	o, err := observe.Read(b)
	if err != nil {
		return nil, finding.WithHint(fmt.Errorf("%s: %w", name, err), hint)
	}
	return o, nil
}
