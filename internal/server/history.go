package server

import (
	"context"
	"log/slog"
	"time"

	"github.com/drydock-dev/drydock/internal/server/index"
)

// recordEvery is how often the day's row of history is brought up to date.
const recordEvery = 5 * time.Minute

// record keeps the history of the fleet until ctx ends. Several processes write the same.
func record(ctx context.Context, r *index.Recorder, log *slog.Logger) error {
	pause := 10 * time.Second // the first images are being matched
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		pause = recordEvery
		if err := r.Record(ctx); err != nil && ctx.Err() == nil {
			log.Warn("the history of the fleet was not kept", "reason", err)
		}
	}
}
