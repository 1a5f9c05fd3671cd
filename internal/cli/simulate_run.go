package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/server/simulate"
	"github.com/drydock-dev/drydock/internal/server/stream"
)

// fill stores and matches the fleet.
func (f *flags) fill(ctx context.Context, s *simulation, crew simulate.Crew) error {
	out, svc := f.env.Stdout, crew[0]
	at := time.Now()
	if _, err := simulate.Fill(ctx, svc, s.images, s.seed); err != nil {
		return err
	}
	stored := time.Since(at)
	row(out, "images", "%d, drawn from seed %d, in %s", s.images, s.seed, svc.Store.Kind())
	row(out, "stored in", "%.1f s, %.0f images a second", stored.Seconds(), float64(s.images)/stored.Seconds())
	at = time.Now()
	if err := crew.Settle(ctx); err != nil {
		return err
	}
	matched := time.Since(at)
	last, err := svc.Store.Last(ctx)
	if err != nil {
		return err
	}
	row(out, "matched in", "%.1f s, %.0f images a second, by %s", matched.Seconds(), float64(s.images)/matched.Seconds(), finding.Count(len(crew), "worker"))
	if err := svc.Index.Follow(ctx, svc.Store); err != nil {
		return err
	}
	row(out, "events", "%d, %.0f a second", last, float64(last)/(stored+matched).Seconds())
	at = time.Now()
	o := svc.Index.Overview("")
	row(out, "counted in", "%.2f s: %d vulnerabilities, %d packages", time.Since(at).Seconds(), o.Vulns, o.Packages)
	return f.sizes(ctx, s, svc)
}

func (f *flags) sizes(ctx context.Context, s *simulation, svc *stream.Service) error {
	size, err := svc.Store.Size(ctx)
	if err != nil {
		return err
	}
	heap, peak := memory()
	row(f.env.Stdout, "database", "%d MB, %d bytes an image", size>>20, size/int64(s.images))
	row(f.env.Stdout, "memory", "%d MB in use, %d bytes an image; %d MB at most", heap, heap<<20/uint64(s.images), peak) //nolint:gosec // positive
	return nil
}

// replay gives the service the deltas, and prints how long each took.
func (f *flags) replay(ctx context.Context, s *simulation, crew simulate.Crew, deltas []simulate.Delta) error {
	out := f.env.Stdout
	if s.every {
		fmt.Fprintf(out, "\n%-20s %8s %8s %9s %9s %9s %9s\n", "delta", "records", "changed", "images", "findings", "seconds", "shown")
	}
	var all []simulate.Replayed
	if err := crew.Replay(ctx, deltas, func(r simulate.Replayed) {
		all = append(all, r)
		if s.every {
			fmt.Fprintf(out, "%-20s %8d %8d %9d %9d %9.3f %9.3f\n", r.At.UTC().Format("2006-01-02 15:04:05"), r.Records, r.Changed, r.Images, r.Findings, r.Stored.Seconds(), r.Shown.Seconds())
		}
	}); err != nil {
		return err
	}
	g := simulate.Sum(all)
	fmt.Fprintln(out)
	row(out, "deltas", "%d from %s to %s, %d with a finding of some image", g.Deltas, s.from.Format(time.DateOnly), s.to.Format(time.DateOnly), g.Hit)
	if g.Hit == 0 {
		return nil
	}
	row(out, "median by images", "%.3f s, %s", g.Median.Seconds(), finding.Count(g.MedianImages, "image"))
	row(out, "p95", "%.3f s; %.3f s to all counts of the pages", g.P95.Seconds(), g.ShownP95.Seconds())
	row(out, "worst", "%.3f s, %s, %s", g.Worst.Seconds(), finding.Count(g.WorstImages, "image"), finding.Count(g.RecordsOfTheWorst, "record"))
	row(out, "events", "%d, %.0f a second", g.Events, float64(g.Events)/g.Seconds)
	return f.sizes(ctx, s, crew[0])
}

// month is the length of what is replayed where nobody says more.
const month = 30 * 24 * time.Hour

// deltasOf reads the deltas, and sets from when to when they are.
func (s *simulation) deltasOf(now time.Time) ([]simulate.Delta, error) {
	if s.deltas == "" {
		return nil, nil
	}
	if at, err := os.Stat(s.deltas); err != nil || !at.IsDir() {
		return nil, usageError{fmt.Errorf("--deltas %s is no folder", s.deltas), "a folder with *.jsonl or *.jsonl.xz of OSV"}
	}
	dir := os.DirFS(s.deltas)
	if s.to.IsZero() {
		newest, err := simulate.Newest(dir, now.Add(24*time.Hour))
		if err != nil {
			return nil, err
		}
		s.to = newest.Add(time.Second)
	}
	if s.from.IsZero() {
		s.from = s.to.Add(-month)
	}
	all, err := simulate.Deltas(dir, s.from, s.to)
	if err == nil && len(all) == 0 {
		err = usageError{fmt.Errorf("%s has no record of that time", s.deltas), "--since and --until name another time; the folder holds *.jsonl or *.jsonl.xz of OSV"}
	}
	return all, err
}

func row(w io.Writer, name, format string, args ...any) {
	fmt.Fprintf(w, "%-28s %s\n", name, fmt.Sprintf(format, args...))
}
