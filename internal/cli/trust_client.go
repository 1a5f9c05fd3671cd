package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/egress"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/store"
)

// tufFlags are the command line that the TUF conformance suite gives a client.
type tufFlags struct {
	metadataDir, metadataURL, targetName, targetBase, targetDir string
}

// newTUFClient is the client workflow alone, for any TUF repository: what the
// conformance suite of TUF drives.
func newTUFClient(t *trustFlags) *cobra.Command {
	var o tufFlags
	c := &cobra.Command{Use: "tuf-client", Short: "A client of any TUF repository, as the TUF conformance suite drives it", Hidden: true}
	s := c.PersistentFlags()
	s.StringVar(&o.metadataDir, "metadata-dir", "", "`FOLDER` of trusted metadata")
	s.StringVar(&o.metadataURL, "metadata-url", "", "`URL` of the repository's metadata")
	s.StringVar(&o.targetName, "target-name", "", "`PATH` of the target")
	s.StringVar(&o.targetBase, "target-base-url", "", "`URL` of the repository's targets")
	s.StringVar(&o.targetDir, "target-dir", "", "`FOLDER` for targets")
	c.AddCommand(
		&cobra.Command{Use: "init ROOT", Args: cobra.ExactArgs(1), RunE: func(_ *cobra.Command, args []string) error {
			b, err := readSmall(args[0], trust.MaxRoot)
			if err != nil {
				return err
			}
			if _, err := trust.NewClient(b, nil, t.tufNow()); err != nil {
				return err
			}
			if err := os.MkdirAll(o.metadataDir, 0o755); err != nil {
				return err
			}
			return store.KeepIn(o.metadataDir)(trust.Root, b)
		}},
		&cobra.Command{Use: "refresh", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := t.tufRefresh(cmd.Context(), o)
			return err
		}},
		&cobra.Command{Use: "download", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := t.tufRefresh(cmd.Context(), o)
			if err != nil {
				return err
			}
			target, err := client.Find(cmd.Context(), o.targetName)
			if err != nil {
				return err
			}
			if err := os.MkdirAll(o.targetDir, 0o755); err != nil {
				return err
			}
			return t.web(o).Target(cmd.Context(), o.targetName, target, client.Consistent(), o.targetDir)
		}},
	)
	return c
}

func (t *trustFlags) web(o tufFlags) store.Web {
	out := t.outgoing()
	out.Notice = nil // the suite's own server
	return store.Web{Metadata: o.metadataURL, Targets: o.targetBase, Client: egress.New(out).Client()}
}

func (t *trustFlags) tufRefresh(ctx context.Context, o tufFlags) (*trust.Client, error) {
	if o.metadataDir == "" || o.metadataURL == "" {
		return nil, usageError{errors.New("--metadata-dir and --metadata-url are needed"), ""}
	}
	st, err := store.LoadState(o.metadataDir)
	if err != nil {
		return nil, err
	}
	c := &trust.Client{State: st, Source: t.web(o), Now: t.tufNow(), Keep: store.KeepIn(o.metadataDir)}
	return c, c.Refresh(ctx)
}

// tufNow is the clock, moved as the program faketime says: the suite moves the
// clock of a client with it, and its library does not reach a static program.
func (t *trustFlags) tufNow() time.Time {
	now := t.env.Now()
	said := t.env.Getenv("FAKETIME")
	if m := regexp.MustCompile(`^([+-][0-9]+(?:\.[0-9]+)?)([smhdy]?)$`).FindStringSubmatch(said); m != nil {
		n, err := strconv.ParseFloat(m[1], 64)
		unit := map[string]time.Duration{"m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "y": 365 * 24 * time.Hour}[m[2]]
		if unit == 0 {
			unit = time.Second
		}
		if err == nil {
			return now.Add(time.Duration(n * float64(unit)))
		}
	}
	for _, form := range []string{"@2006-01-02 15:04:05", "2006-01-02 15:04:05"} {
		if at, err := time.ParseInLocation(form, said, time.Local); err == nil {
			return at
		}
	}
	if said != "" {
		fmt.Fprintf(t.env.Stderr, "warning: FAKETIME=%s is not understood\n", foreign(said))
	}
	return now
}
