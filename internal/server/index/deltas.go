package index

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/drydock-dev/drydock/internal/server/store"
)

// DeltaRow is a change of what is known of vulnerabilities, with what came of it.
type DeltaRow struct {
	Event   int64         `json:"event"`
	At      time.Time     `json:"at"`
	Kind    store.Kind    `json:"kind"`
	Subject string        `json:"subject"`
	Records int           `json:"records"` // 0: not told apart, or a document
	Opened  int           `json:"opened"`  // findings of packages
	Closed  int           `json:"closed"`
	Changed int           `json:"changed"`
	Images  uint64        `json:"images"` // of the finding that is in most of them
	Lag     time.Duration `json:"lag"`    // from the event to its last finding, in nanoseconds
}

// keptDeltas is how many deltas are remembered.
const keptDeltas = 50

// note takes an event in that is a delta, or comes of one.
func (x *Index) note(e *store.Event) {
	switch e.Kind {
	case store.AdvisoryChanged, store.FeedChanged, store.VEXChanged:
		var d store.Delta
		_ = json.Unmarshal(e.Body, &d) // a body that is none of a delta has no records
		x.deltas = append(x.deltas, DeltaRow{Event: e.N, At: e.At, Kind: e.Kind, Subject: e.Subject, Records: len(d.Records)})
		if n := len(x.deltas) - keptDeltas; n > 0 {
			x.deltas = slices.Clone(x.deltas[n:])
		}
	case store.FindingsChanged:
		f, err := ReadBody(e)
		if err != nil || f.Why == nil {
			return
		}
		i := slices.IndexFunc(x.deltas, func(d DeltaRow) bool { return d.Event == f.Why.Event })
		if i < 0 {
			return
		}
		d := &x.deltas[i]
		switch f.Change {
		case "opened":
			d.Opened++
		case "closed":
			d.Closed++
		default:
			d.Changed++
		}
		d.Images, d.Lag = max(d.Images, f.Hit), max(d.Lag, f.Why.After)
	}
}

// Deltas are the last changes of what is known of vulnerabilities, newest first.
func (x *Index) Deltas() []DeltaRow {
	x.mu.RLock()
	defer x.mu.RUnlock()
	out := slices.Clone(x.deltas)
	slices.Reverse(out)
	return out
}
