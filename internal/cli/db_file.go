package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/report"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/keyring"
	"github.com/drydock-dev/drydock/internal/vuln/feed"
)

// forceHelp is of the flag that db update and db import share.
const forceHelp = "take a source that has less than nine tenths of the records it had"

func newDBImport(f *flags) *cobra.Command {
	var force bool
	var keys []string
	var unsigned string
	c := &cobra.Command{
		Long: `Take advisories into the database. An exported database must be signed, by a key of
--key or a signer's key that is here: FILE` + besideFile + ` lies beside it. Files of the
upstreams are signed by nobody. --unsafe-unsigned REASON takes any.`,
		Use:   "import DIR|FILE",
		Short: "Take advisories from files: an export, a mirror of the upstreams, one of their files",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			u, err := f.updater()
			if err != nil {
				return err
			}
			u.Force = force
			u.Signed = func(path string) error {
				_, err := f.trusting().verifyFile(path, keys)
				if _, refused := trust.Refused(err); refused && unsigned != "" {
					f.warn(err.Error()+"; it is taken all the same: "+unsigned, nil)
					return nil
				}
				if err != nil {
					return finding.WithHint(err, "--key FILE names the public key of who exported it; --unsafe-unsigned REASON takes it all the same")
				}
				return nil
			}
			rep, err := u.Import(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			f.warnOlder(rep)
			for _, s := range rep.Skipped {
				fmt.Fprintf(f.env.Stderr, "skipped %s: no advisories in it\n", foreign(s))
			}
			return f.printSources(report.FeedReport(rep))
		},
	}
	c.Flags().BoolVar(&force, "force", false, forceHelp)
	c.Flags().StringArrayVar(&keys, "key", nil, "`FILE` with the public key of who may export a database; several times for several")
	c.Flags().StringVar(&unsigned, "unsafe-unsigned", "", "take an exported database that nobody signed, for this `REASON`")
	return c
}

// trusting is these flags with what trust takes beside them.
func (f *flags) trusting() *trustFlags { return &trustFlags{flags: f, words: passphrases{fd: -1}} }

// warnOlder says which stored advisories are left out.
func (f *flags) warnOlder(rep feed.Report) {
	for _, w := range rep.Warnings() {
		fmt.Fprintf(f.env.Stderr, "warning: %s\n", foreign(w))
	}
}

func newDBExport(f *flags) *cobra.Command {
	var signer string
	c := &cobra.Command{
		Use:     "export FILE",
		Short:   "Write the database as one file, for a machine without a network",
		Example: "  drydock db export advisories.db",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			u, err := f.updater()
			if err != nil {
				return err
			}
			if err := f.writeTo(args[0], func(w io.Writer) error { return u.Export(cmd.Context(), w) }); err != nil {
				return err
			}
			if info, err := os.Stat(args[0]); err != nil || !info.Mode().IsRegular() {
				return err // a pipe has nothing beside it
			}
			e, err := f.trusting().signFile(args[0], signer)
			if signer == "" && errors.As(err, new(*keyring.AbsentError)) {
				f.warn("the exported database is not signed: no signer's key is here", nil)
				return nil
			}
			if err == nil {
				fmt.Fprintf(f.env.Stdout, "%s is signed by %s: %s\n", args[0], e.Name, args[0]+besideFile)
			}
			return err
		},
	}
	c.Flags().StringVar(&signer, "signer", "", "sign with the key called `NAME` (default: the only signer's key that is here)")
	return c
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
		fmt.Fprintf(f.env.Stdout, "  %s  %s  %s\n", foreign(a.Ecosystem), foreign(a.Package), foreign(a.ID))
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
