package cli

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	goruntime "runtime"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/server/bus"
	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/simulate"
	"github.com/drydock-dev/drydock/internal/server/store"
	"github.com/drydock-dev/drydock/internal/server/stream"
)

// crew makes the workers of a simulation, the first one on the store that is open
// already. On an error it returns those that it made.
func (f *flags) crew(ctx context.Context, s *simulation, first *store.Store, rest index.Rest, work *errgroup.Group) (crew simulate.Crew, err error) {
	log := slog.New(slog.NewTextHandler(f.env.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	for i := range s.workers {
		st := first
		if i > 0 {
			if st, err = store.Open(ctx, store.Options{URL: s.db, User: disk.Caller(f.env.Getenv), Now: time.Now}); err != nil {
				return crew, err
			}
		}
		w := &stream.Service{Store: st, Index: index.New(rest, time.Now), Log: log, Worker: fmt.Sprintf("worker %d", i+1)}
		crew = append(crew, w)
		if s.nats == "" {
			continue
		}
		if w.Bus, err = bus.Open(ctx, bus.Options{URL: s.nats, Store: st, Log: log}); err != nil {
			return crew, err
		}
		work.Go(func() error { return w.Bus.Run(ctx) })
		for end := time.Now().Add(10 * time.Second); !w.Bus.Up(); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) || ctx.Err() != nil {
				return crew, fmt.Errorf("NATS does not answer: %s", w.Bus.State().Problem)
			}
		}
	}
	return crew, nil
}

// memory is what the program holds and the most that it held, in MB; 0: not known.
func memory() (heap, peak uint64) {
	var m goruntime.MemStats
	goruntime.GC()
	goruntime.ReadMemStats(&m)
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return m.HeapAlloc >> 20, 0
	}
	for line := range strings.Lines(string(b)) {
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &peak); err == nil {
			return m.HeapAlloc >> 20, peak >> 10
		}
	}
	return m.HeapAlloc >> 20, 0
}
