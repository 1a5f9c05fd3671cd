package cli

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

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

func newDBUpdate(f *flags) *cobra.Command {
	var mirror string
	var force bool
	var upstreams map[string]string
	c := &cobra.Command{
		Use:   "update [ECOSYSTEM…]",
		Short: "Fetch newer advisories, and CVSS, EPSS and KEV",
		Long: `Fetch the advisories of the named ecosystems (Debian, Ubuntu, Alpine, Wolfi,
npm, PyPI, Go, Maven …), without names those of the database and of the last
scan; and what NVD, FIRST and CISA say of vulnerabilities. What cannot be fetched
whole replaces nothing, and a source that lost more than a tenth of its records is
refused.`,
		Example: `  drydock db update
  drydock db update Debian npm
  drydock db update --mirror https://mirror.example/advisories Alpine`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.offline {
				return usageError{errors.New("db update needs the network, and --offline or DRYDOCK_OFFLINE forbids it"), "drydock db import FILE takes a database that another machine exported"}
			}
			u, err := f.updater()
			if err != nil {
				return err
			}
			u.Force = force
			if mirror != "" {
				u.Bases = feed.Mirror(mirror)
			}
			if err := setBases(&u.Bases, upstreams); err != nil {
				return err
			}
			if len(args) == 0 {
				met, err := f.met(u)
				if err != nil {
					return err
				}
				args = met
			}
			rep, err := u.Update(cmd.Context(), args, true)
			f.warnOlder(rep)
			return errors.Join(err, f.printSources(report.FeedReport(rep)))
		},
	}
	c.Flags().BoolVar(&force, "force", false, forceHelp)
	c.Flags().StringVar(&mirror, "mirror", "", "fetch everything below this `URL` instead of the upstreams")
	c.Flags().StringToStringVar(&upstreams, "upstream", nil, "fetch one upstream elsewhere, as `NAME=URL`: osv, alpine, wolfi, chainguard, nvd, kev, epss")
	return c
}

// met is what to fetch when nothing is named: what the database has, and the
// ecosystems of the last scan.
func (f *flags) met(u *feed.Updater) ([]string, error) {
	p, err := f.pipeline()
	if err != nil {
		return nil, err
	}
	met := p.Met()
	stored, err := u.Status()
	if err != nil {
		return nil, err
	}
	for _, s := range stored {
		met = append(met, s.Ecosystems...)
	}
	if len(met) == 0 {
		return nil, usageError{errors.New("no ecosystem named, and none met yet"), "drydock db update " + strings.Join(feed.Ecosystems(), " ")}
	}
	return met, nil
}

func setBases(b *feed.Bases, upstreams map[string]string) error {
	fields := map[string]*string{
		"osv": &b.OSV, "alpine": &b.AlpineSec, "wolfi": &b.Wolfi, "chainguard": &b.Chainguard,
		"nvd": &b.NVD, "kev": &b.KEV, "epss": &b.EPSS,
	}
	for name, url := range upstreams {
		at, ok := fields[strings.ToLower(name)]
		if !ok {
			return usageError{fmt.Errorf("--upstream %s: no such upstream", name), "one of osv, alpine, wolfi, chainguard, nvd, kev, epss"}
		}
		*at = url
	}
	return nil
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
