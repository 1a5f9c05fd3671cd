package server

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/server/api"
	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/store"
	"github.com/drydock-dev/drydock/internal/server/stream"
	"github.com/drydock-dev/drydock/internal/vuln/db"
	"github.com/drydock-dev/drydock/internal/vuln/feed"
)

// look is how often the folder of advisories is looked at: "drydock db update"
// beside the service is enough.
const look = 2 * time.Second

// feeds keeps the advisories at rest: it fetches them where it is to, and opens
// them again when they are others.
type feeds struct {
	updater *feed.Updater
	user    disk.User
	every   time.Duration
	store   *store.Store
	index   *index.Index
	log     *slog.Logger
	now     func() time.Time

	mu      sync.Mutex
	rest    *db.Stack
	last    *db.Stack // the one before, which a page may still read
	problem string
}

// restFact names the advisories at rest that everything was matched with last.
const restFact = "advisories at rest"

// watch looks at the folder until ctx ends. speaks is of a process that tells the
// workers.
func (f *feeds) watch(ctx context.Context, speaks bool) error {
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, s := range []*db.Stack{f.last, f.rest} {
			if s != nil {
				_ = s.Close() // read only
			}
		}
	}()
	stamp, fetched := f.stamp(), time.Time{}
	if speaks {
		f.tell(ctx, store.Delta{})
	}
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		if f.every > 0 && speaks && f.now().Sub(fetched) >= f.every {
			fetched = f.now()
			_, err := f.updater.Update(ctx, nil, true)
			f.mu.Lock()
			f.problem = ""
			if err != nil && ctx.Err() == nil {
				f.problem = err.Error()
				f.log.Warn("advisories are not fetched", "reason", err)
			}
			f.mu.Unlock()
		}
		if now := f.stamp(); now != stamp {
			stamp = now
			if d, ok := f.reopen(ctx); ok && speaks {
				f.tell(ctx, d)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// stamp tells a database file from the one that it replaces.
func (f *feeds) stamp() string {
	info, err := os.Stat(filepath.Join(f.updater.Dir, "db"))
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%d %s", info.Size(), info.ModTime().Format(time.RFC3339Nano))
}

// reopen opens other advisories, and computes how they differ from those before.
func (f *feeds) reopen(ctx context.Context) (d store.Delta, ok bool) {
	rest, err := feed.Open(f.updater.Dir, f.user)
	if err != nil {
		f.log.Error("new advisories cannot be opened; those from before are used", "reason", err)
		if rest != nil {
			_ = rest.Close() // read only
		}
		return d, false
	}
	f.mu.Lock()
	before := f.rest
	f.mu.Unlock()
	if d, err = stream.Differences(ctx, f.index, before, rest); err != nil {
		f.log.Warn("how new advisories differ is not known; everything is matched again", "reason", err)
	}
	f.index.Replace(rest)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.last != nil {
		_ = f.last.Close() // read only, and nobody's for long
	}
	f.last, f.rest = f.rest, rest
	return d, true
}

// tell has matched again what the advisories say otherwise of, if they are not those
// that it was matched with last. While the service was down they may have changed:
// then nobody has compared them, and it is everything.
func (f *feeds) tell(ctx context.Context, d store.Delta) {
	f.mu.Lock()
	name := finding.DigestOf(fmt.Append(nil, f.rest.Sources()))
	f.mu.Unlock()
	err := f.store.Change(ctx, func(tx *store.Tx) error {
		had, err := tx.Fact(ctx, restFact)
		if err != nil || had == string(name) {
			return err
		}
		if err := tx.PutFact(ctx, restFact, string(name)); err != nil || had == "" {
			return err // of a new service: nothing was matched with others
		}
		e := store.Event{Kind: store.FeedChanged, Subject: name.Short()}
		if d.Computed {
			if e.Body, err = json.Marshal(d); err != nil {
				return err
			}
			e.Subject = finding.Count(len(d.Records), "record")
		}
		_, err = tx.Emit(ctx, e, store.Sweep)
		return err
	})
	if err != nil && ctx.Err() == nil {
		f.log.Error("new advisories are not told of", "reason", err)
	}
}

// list is what there is at rest.
func (f *feeds) list() []api.Feed {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []api.Feed
	for _, s := range f.rest.Sources() {
		out = append(out, api.Feed{Name: s.Name, Newest: s.Newest, Fetched: s.Fetched, Records: s.Records, License: s.Licence, Problem: f.problem})
	}
	return out
}
