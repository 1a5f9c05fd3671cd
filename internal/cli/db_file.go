package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/report"
	"github.com/drydock-dev/drydock/internal/vuln/feed"
)

// forceHelp is of the flag that db update and db import share.
const forceHelp = "take a source that has less than nine tenths of the records it had"

func newDBImport(f *flags) *cobra.Command {
	var force bool
	c := &cobra.Command{
		Use:   "import DIR|FILE",
		Short: "Take advisories from files: an export, a mirror of the upstreams, one of their files",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			u, err := f.updater()
			if err != nil {
				return err
			}
			u.Force = force
			rep, err := u.Import(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			f.warnOlder(rep)
			for _, s := range rep.Skipped {
				fmt.Fprintf(f.env.Stderr, "skipped %s: no advisories in it\n", s)
			}
			return f.printSources(report.FeedReport(rep))
		},
	}
	c.Flags().BoolVar(&force, "force", false, forceHelp)
	return c
}

// warnOlder says which stored advisories are left out.
func (f *flags) warnOlder(rep feed.Report) {
	for _, w := range rep.Warnings() {
		fmt.Fprintf(f.env.Stderr, "warning: %s\n", w)
	}
}

func newDBExport(f *flags) *cobra.Command {
	return &cobra.Command{
		Use:     "export FILE",
		Short:   "Write the database as one file, for a machine without a network",
		Example: "  drydock db export advisories.db",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			u, err := f.updater()
			if err != nil {
				return err
			}
			return f.writeTo(args[0], func(w io.Writer) error { return u.Export(cmd.Context(), w) })
		},
	}
}

// rangeless lists the advisories that name no range, each with its package.
func (f *flags) rangeless(ctx context.Context) error {
	stack, err := feed.Open(f.database(), disk.Caller(f.env.Getenv))
	if err != nil {
		return errors.Join(err, stack.Close())
	}
	defer stack.Close() //nolint:errcheck // read only
	all, err := stack.Rangeless(ctx)
	if err != nil || len(all) == 0 {
		return err
	}
	fmt.Fprintf(f.env.Stdout, "%s without a range: every version of the package counts, and a finding says so\n", finding.Count(len(all), "advisory"))
	for _, a := range all {
		fmt.Fprintf(f.env.Stdout, "  %s  %s  %s\n", a.Ecosystem, a.Package, a.ID)
	}
	return nil
}

func newDBVerify(f *flags) *cobra.Command {
	return &cobra.Command{
		Use:   "verify",
		Short: "Read the whole database and check every checksum",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			u, err := f.updater()
			if err != nil {
				return err
			}
			if err := u.Verify(cmd.Context()); err != nil {
				return err
			}
			fmt.Fprintln(f.env.Stdout, "the database is whole")
			return f.rangeless(cmd.Context())
		},
	}
}
