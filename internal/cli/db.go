package cli

import (
	"cmp"
	"errors"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/report"
	"github.com/drydock-dev/drydock/internal/vuln/feed"
)

func newDB(f *flags) *cobra.Command {
	c := &cobra.Command{
		Use:   "db",
		Short: "The advisory database: update, status, import, export, verify",
		Long: `The program has a snapshot of advisories inside, with its date in every report.
"db update" fetches newer ones from the upstreams into a database beside it; for
each ecosystem the newer of the two answers. "db export" and "db import" carry
the database to machines without a network.`,
	}
	c.AddCommand(newDBUpdate(f), newDBStatus(f), newDBImport(f), newDBExport(f), newDBVerify(f))
	return c
}

func (f *flags) updater() (*feed.Updater, error) {
	if f.database() == "" {
		return nil, errNowhere("advisories")
	}
	bar := f.progress()
	return &feed.Updater{
		Dir: f.database(), User: disk.Caller(f.env.Getenv), Now: f.env.Now, Client: feed.Outgoing(f.outgoing()), UserAgent: "drydock/" + f.env.Version, Log: f.logger(),
		Progress: func(source string, done, total int64) { bar.update(done, total, source) },
	}, nil
}

func newDBStatus(f *flags) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Each source: its newest record, when it was fetched, how many records",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			stack, err := feed.Open(f.database(), disk.Caller(f.env.Getenv))
			if err != nil {
				return errors.Join(err, stack.Close())
			}
			defer stack.Close() //nolint:errcheck // read only
			return f.printSources(report.Sources(stack.Sources()))
		},
	}
}

func (f *flags) printSources(rows []report.SourceRow) error {
	return f.write(func(to sink) error {
		return report.Database(to, to.format, rows, report.Options{
			Tool: f.env.Version, Now: f.env.Now(), Width: cmp.Or(f.env.Width, 120), Color: to.color,
		})
	})
}
