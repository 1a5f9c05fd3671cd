package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/server/simulate"
	"github.com/drydock-dev/drydock/internal/server/store"
	"github.com/drydock-dev/drydock/internal/vuln/feed"
)

// simulation is what a simulation is asked for.
type simulation struct {
	images           int
	seed             uint64
	data, db, deltas string
	since, until     string
	nats             string
	workers          int
	every            bool
	from, to         time.Time
}

func newSimulate(f *flags) *cobra.Command {
	var s simulation
	c := &cobra.Command{
		Use:   "simulate",
		Short: "Measure a service: a drawn fleet of images, and a month of advisories by their dates",
		Long: `Draw a fleet of images as fleets are (on the official bases and with the libraries
that most use, by Zipf's law; the same seed draws the same), store it as "drydock
serve" does, and give the service what a folder of OSV records (*.jsonl, *.jsonl.xz)
says was published in a month, by its dates. Before the month the service knows nothing
of those records. Printed is how long it took from each delta to all of its findings.

One process does everything, with one worker; --workers says how many share the work
on PostgreSQL, each with connections and an index of its own, and --nats that a stream
brings it to them. Nothing else should use the machine. With --data the fleet stays, and
"drydock serve --data DIR" shows it.`,
		Example: `  drydock simulate --images 10000 --deltas advisories
  drydock simulate --images 100000 --deltas advisories --since 2026-11-01 --until 2026-12-01 --every-delta
  drydock simulate --images 2000 --data fleet
  drydock simulate --db postgres://127.0.0.1/empty --nats nats://127.0.0.1 --workers 4 --deltas advisories`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := s.judge(); err != nil {
				return err
			}
			return f.simulate(cmd.Context(), &s)
		},
	}
	fs := c.Flags()
	fs.IntVar(&s.images, "images", 10_000, "how `MANY` images")
	fs.Uint64Var(&s.seed, "seed", 1, "`NUMBER` that the fleet is drawn from")
	fs.StringVar(&s.data, "data", "", "keep the state in `DIR`, which must be empty (default a folder that is removed at the end)")
	fs.StringVar(&s.db, "db", "", "keep the state in an empty PostgreSQL database at `URL`")
	fs.StringVar(&s.nats, "nats", "", "bring tasks to the workers by the stream of NATS at `URL`")
	fs.IntVar(&s.workers, "workers", 1, "how `MANY` workers share the work; more than one need --db")
	fs.StringVar(&s.deltas, "deltas", "", "`DIR` of OSV records that are replayed (default none)")
	fs.StringVar(&s.since, "since", "", "first `DATE` of the records (default a month before the newest)")
	fs.StringVar(&s.until, "until", "", "the `DATE` before which they end (default after the newest)")
	fs.BoolVar(&s.every, "every-delta", false, "print a line for each delta, too")
	return c
}

// maxImages limits the images that a simulation draws.
const maxImages = 10_000_000

func (s *simulation) judge() error {
	if s.images < 1 || s.images > maxImages {
		return usageError{fmt.Errorf("--images %d is not from 1 to %d", s.images, maxImages), ""}
	}
	if s.workers < 1 || s.workers > 64 || s.workers > 1 && s.db == "" {
		return usageError{fmt.Errorf("--workers %d is not from 1 to 64, or is more than one on SQLite", s.workers), "--db postgres://…"}
	}
	for _, d := range []struct {
		name, text string
		to         *time.Time
	}{{"since", s.since, &s.from}, {"until", s.until, &s.to}} {
		if d.text == "" {
			continue
		}
		t, err := time.Parse(time.DateOnly, d.text)
		if err != nil {
			return usageError{fmt.Errorf("--%s %s is no date", d.name, d.text), "--" + d.name + " 2026-11-01"}
		}
		*d.to = t
	}
	return nil
}

func (f *flags) simulate(ctx context.Context, s *simulation) (err error) {
	deltas, err := s.deltasOf(f.env.Now())
	if err != nil {
		return err
	}
	if s.data == "" {
		if s.data, err = os.MkdirTemp("", "drydock-simulate-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(s.data)) }()
	}
	st, err := store.Open(ctx, store.Options{Dir: s.data, URL: s.db, User: disk.Caller(f.env.Getenv), Now: time.Now})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	if n, err := st.Last(ctx); err != nil || n > 0 {
		return errors.Join(err, usageError{errors.New("there is a fleet already, and its figures would be of both"), "an empty --data or --db"})
	}
	stack, err := feed.Open(f.database(), disk.Caller(f.env.Getenv))
	if err != nil {
		return err
	}
	defer stack.Close() //nolint:errcheck // read only
	rest, err := simulate.Before(stack, deltas)
	if err != nil {
		return err
	}
	var crew simulate.Crew
	defer func() { // the first one's store is closed above
		for _, w := range crew[min(1, len(crew)):] {
			err = errors.Join(err, w.Store.Close())
		}
	}()
	ctx, stop := context.WithCancel(ctx)
	work, ctx := errgroup.WithContext(ctx)
	defer func() { stop(); err = errors.Join(err, work.Wait()) }()
	if crew, err = f.crew(ctx, s, st, rest, work); err != nil {
		return err
	}
	if err := f.fill(ctx, s, crew); err != nil || len(deltas) == 0 {
		return err
	}
	return f.replay(ctx, s, crew, deltas)
}
