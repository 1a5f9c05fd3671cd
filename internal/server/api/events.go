package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/store"
)

// Told is an event as the stream tells it: what it says for people and programs,
// without the sets that only the index reads.
type Told struct {
	ID       int64      `json:"id"`
	At       time.Time  `json:"at"`
	Kind     store.Kind `json:"kind"`
	Subject  string     `json:"subject,omitempty"`
	Vuln     string     `json:"vulnerability,omitempty"`
	Package  string     `json:"package,omitempty"`
	Severity string     `json:"severity,omitempty"`
	FixedIn  string     `json:"fixedIn,omitempty"`
	Change   string     `json:"change,omitempty"`
	Images   uint64     `json:"images,omitempty"` // how many
	Opened   int        `json:"opened,omitempty"`
	Why      *store.Why `json:"why,omitempty"`
}

// Tell is an event for people and programs.
func Tell(e *store.Event) Told {
	t := Told{ID: e.N, At: e.At, Kind: e.Kind, Subject: e.Subject}
	if e.Kind != store.FindingsChanged && e.Kind != store.ImageJudged {
		return t
	}
	if f, err := index.ReadBody(e); err == nil {
		t.Vuln, t.Package, t.Severity, t.FixedIn, t.Change, t.Images, t.Opened, t.Why = f.Vuln, f.Package, f.Severity, f.FixedIn, f.Change, f.Hit, f.Opened, f.Why
	}
	return t
}

// events is the stream of what happens, by server-sent events. Last-Event-ID, or
// ?after=, is where it goes on; without either it begins with what comes.
func (a *API) events(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	after, err := a.Service.Store.Last(ctx)
	if err != nil {
		return err
	}
	from := r.Header.Get("Last-Event-ID")
	if from == "" {
		from = r.URL.Query().Get("after")
	}
	if from != "" {
		if after, err = strconv.ParseInt(from, 10, 64); err != nil || after < 0 {
			return bad("Last-Event-ID is not the id of an event", "")
		}
	}
	out := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	w.Header().Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	if _, err := fmt.Fprint(w, "retry: 2000\n\n"); err != nil {
		return nil //nolint:nilerr // whoever listened has gone
	}
	beat := time.NewTicker(15 * time.Second)
	defer beat.Stop()
	for {
		changed := a.Service.Store.Changed()
		// What is told of can be seen: the index holds it.
		shown := a.Service.Index.At()
		events, err := a.Service.Store.Events(ctx, after, 500)
		if err != nil {
			return nil //nolint:nilerr // the listener comes again, with its last id
		}
		for i := range events {
			e := &events[i]
			if e.N > shown {
				break
			}
			after = e.N
			b, err := json.Marshal(Tell(e))
			if err != nil {
				continue
			}
			if _, err := fmt.Fprintf(w, "id: %d\nevent: %s\ndata: %s\n\n", e.N, e.Kind, b); err != nil {
				return nil //nolint:nilerr // whoever listened has gone
			}
		}
		if err := out.Flush(); err != nil {
			return nil //nolint:nilerr // the same
		}
		wait := 500 * time.Millisecond
		if len(events) > 0 && events[len(events)-1].N > after {
			wait = 20 * time.Millisecond
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-time.After(wait):
		case <-beat.C:
			if _, err := fmt.Fprint(w, ": still here\n\n"); err != nil {
				return nil //nolint:nilerr // the same
			}
		}
	}
}
