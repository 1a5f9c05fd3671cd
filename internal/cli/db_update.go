package cli

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/report"
	"github.com/drydock-dev/drydock/internal/vuln/feed"
)

func newDBUpdate(f *flags) *cobra.Command {
	var mirror string
	var force bool
	var upstreams map[string]string
	var asked []string
	c := &cobra.Command{
		Use:   "update [ECOSYSTEM…]",
		Short: "Fetch newer advisories, and CVSS, EPSS and KEV",
		Long: "Fetch the advisories of the named ecosystems, without names those of the database\n" +
			"and of the last scan; and what NVD, FIRST and CISA say of vulnerabilities. What\n" +
			"cannot be fetched whole replaces nothing, and a source that lost more than a tenth\n" +
			"of its records is refused.\n\n" +
			"Embedded, and newer when fetched:\n" + listed(feed.Ecosystems()) + "\nFetched when asked for, or met in a scan:\n" + listed(feed.Others()),
		Example: `  drydock db update
  drydock db update Debian npm
  drydock db update "Red Hat" amzn openSUSE
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
			args = append(args, asked...)
			if len(args) == 0 {
				met, err := f.met(u)
				if err != nil {
					return err
				}
				args = met
			}
			defer sparing(f.env.Getenv)()
			rep, err := u.Update(cmd.Context(), args, true)
			f.warnOlder(rep)
			return errors.Join(err, f.printSources(report.FeedReport(rep)))
		},
	}
	c.Flags().BoolVar(&force, "force", false, forceHelp)
	c.Flags().StringSliceVar(&asked, "ecosystems", nil, "`NAMES` of ecosystems, comma-separated, beside the arguments")
	c.Flags().StringVar(&mirror, "mirror", "", "fetch everything below this `URL` instead of the upstreams")
	c.Flags().StringToStringVar(&upstreams, "upstream", nil, "fetch one upstream elsewhere, as `NAME=URL`: "+upstreamNames)
	return c
}

// listed is a list of names in lines that fit a terminal.
func listed(names []string) string {
	lines := []string{" "}
	for i, n := range names {
		if i+1 < len(names) {
			n += ","
		}
		last := &lines[len(lines)-1]
		if len(*last)+1+len(n) > 79 {
			lines = append(lines, " ")
			last = &lines[len(lines)-1]
		}
		*last += " " + n
	}
	return strings.Join(lines, "\n")
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

// upstreamNames are those that --upstream takes.
const upstreamNames = "osv, alpine, wolfi, chainguard, amazon, oracle, fedora, photon, nvd, kev, epss"

func setBases(b *feed.Bases, upstreams map[string]string) error {
	fields := map[string]*string{
		"osv": &b.OSV, "alpine": &b.AlpineSec, "wolfi": &b.Wolfi, "chainguard": &b.Chainguard,
		"nvd": &b.NVD, "kev": &b.KEV, "epss": &b.EPSS, "amazon": &b.Amazon, "oracle": &b.Oracle, "fedora": &b.Fedora, "photon": &b.Photon,
	}
	for name, url := range upstreams {
		at, ok := fields[strings.ToLower(name)]
		if !ok {
			return usageError{fmt.Errorf("--upstream %s: no such upstream", name), "one of " + upstreamNames}
		}
		*at = url
	}
	return nil
}

// updateMemory is what an update may take before garbage is collected more eagerly.
// What it holds at a time is less than half of it.
const updateMemory = 56 << 20

// sparing has garbage collected before a command takes much memory, until it is
// undone. Whoever sets GOMEMLIMIT is obeyed.
func sparing(getenv func(string) string) (undo func()) {
	if getenv("GOMEMLIMIT") != "" {
		return func() {}
	}
	usual := debug.SetMemoryLimit(updateMemory)
	return func() { debug.SetMemoryLimit(usual) }
}
