package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/policy"
)

func newInit(f *flags) *cobra.Command {
	return &cobra.Command{
		Use:   "init",
		Short: "Write a commented .drydock.yaml",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			name := ".drydock.yaml"
			if f.output != "" {
				name = f.output
			}
			file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
			if errors.Is(err, fs.ErrExist) {
				return usageError{fmt.Errorf("%s exists already", name), "drydock init --output OTHER.yaml writes a fresh one beside it"}
			}
			if err != nil {
				return err
			}
			_, err = file.WriteString(policy.InitConfig())
			if err := errors.Join(err, file.Close()); err != nil {
				return err
			}
			fmt.Fprintf(f.env.Stdout, "%s written; its comments say what each line does\n", name)
			return nil
		},
	}
}
