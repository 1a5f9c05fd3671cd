package cli

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/server/store"
)

func newServeBackup(f *flags) *cobra.Command {
	var data string
	c := &cobra.Command{
		Use:   "backup FILE",
		Short: "Write a service's state to a file, while it runs",
		Long: `Write the whole state of a service as of one moment, while it runs and is changed.
The token is not in it. A state in PostgreSQL is pg_dump's to back up.`,
		Example: "  drydock serve backup drydock-backup.sqlite",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := f.dataOf(data)
			if err != nil {
				return err
			}
			if _, err := os.Stat(dir); err != nil {
				return fmt.Errorf("back up: %w", err)
			}
			s, err := store.Open(cmd.Context(), store.Options{Dir: dir, User: disk.Caller(f.env.Getenv), Now: f.env.Now})
			if err != nil {
				return err
			}
			defer s.Close() //nolint:errcheck // it was only read
			return disk.Write(args[0], disk.Options{Mode: 0o600, User: disk.Caller(f.env.Getenv)}, func(w io.Writer) error {
				return s.Backup(cmd.Context(), dir, w)
			})
		},
	}
	c.Flags().StringVar(&data, "data", "", "the service's `DIR` (default server in the folder of the database)")
	return c
}

func newServeRestore(f *flags) *cobra.Command {
	var data string
	c := &cobra.Command{
		Use:   "restore FILE",
		Short: "Put a backup into a folder that has no state yet",
		Long: `Put a backup of a service into a data folder that has no state yet. It is checked
first; one that is damaged, or that a newer drydock wrote, changes nothing.`,
		Example: "  drydock serve restore --data /srv/drydock drydock-backup.sqlite",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := f.dataOf(data)
			if err != nil {
				return err
			}
			in, err := os.Open(args[0])
			if err != nil {
				return err
			}
			defer in.Close() //nolint:errcheck // read only
			return store.Restore(cmd.Context(), store.Options{Dir: dir, User: disk.Caller(f.env.Getenv), Now: f.env.Now}, in)
		},
	}
	c.Flags().StringVar(&data, "data", "", "the `DIR` that the service will use (default server in the folder of the database)")
	return c
}

// dataOf is a service's data folder.
func (f *flags) dataOf(said string) (string, error) {
	if said != "" {
		return said, nil
	}
	if dir := f.serverDir(); dir != "" {
		return dir, nil
	}
	return "", errNowhere("the service's state")
}
