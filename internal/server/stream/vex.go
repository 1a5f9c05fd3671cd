package stream

import (
	"context"
	"maps"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/store"
)

// VEXReport is what became of a document.
type VEXReport struct {
	ID         string `json:"id"`
	Event      int64  `json:"event"`
	Statements int    `json:"statements"`
	Closed     int    `json:"closed"` // findings of images that count no more
	Opened     int    `json:"opened"` // that count again
}

// TakeVEX stores a document in the place of the one of its id; without statements it
// takes that one away. What it closes and opens again is told with its reason, in
// the transaction of the document.
func (s *Service) TakeVEX(ctx context.Context, doc store.VEX) (VEXReport, error) {
	if err := s.Index.Follow(ctx, s.Store); err != nil {
		return VEXReport{}, err
	}
	doc.Added = s.Store.Now()
	before := s.Index.VEX()
	after := slices.DeleteFunc(slices.Clone(before), func(d store.VEX) bool { return d.ID == doc.ID })
	if len(doc.Statements) > 0 {
		after = append(after, doc)
	}
	was, now := s.Index.Silences(before, after), s.Index.Silences(after, before)
	var rep VEXReport
	err := s.Store.Change(ctx, func(tx *store.Tx) error {
		rep = VEXReport{ID: doc.ID, Statements: len(doc.Statements)}
		var err error
		if rep.Event, err = tx.Emit(ctx, store.Event{Kind: store.VEXChanged, Subject: doc.ID}, store.None); err != nil {
			return err
		}
		if len(doc.Statements) == 0 {
			_, err = tx.DropVEX(ctx, doc.ID)
		} else {
			err = tx.PutVEX(ctx, doc, rep.Event)
		}
		if err != nil {
			return err
		}
		if err := s.tellVEX(ctx, tx, rep.Event, doc.ID, "closed", now, was, &rep.Closed); err != nil {
			return err
		}
		return s.tellVEX(ctx, tx, rep.Event, doc.ID, "opened", was, now, &rep.Opened)
	})
	if err != nil {
		return VEXReport{}, err
	}
	return rep, s.Index.Follow(ctx, s.Store)
}

// tellVEX tells of what is silenced in one state and not in another.
func (s *Service) tellVEX(ctx context.Context, tx *store.Tx, event int64, id, change string, in, not map[int64]index.Silenced, count *int) error {
	for _, n := range slices.Sorted(maps.Keys(in)) {
		x := in[n]
		images := x.Images.Clone()
		if o, ok := not[n]; ok {
			images = roaring.AndNot(images, o.Images)
		}
		if images.IsEmpty() {
			continue
		}
		*count += int(images.GetCardinality()) //nolint:gosec // as many as there are images
		f := &x.Finding
		why := store.Why{Event: event, Cause: store.CauseVEX, Advisory: id, Change: "stated"}
		if change == "closed" {
			why.Says = x.Reason
		}
		body := index.Findings{Vuln: f.Vuln.ID, Package: f.Vuln.Name, Severity: f.Severity.String(), FixedIn: f.Vuln.FixedIn, Change: change, Why: &why}
		if err := s.tellImages(ctx, tx, body, images); err != nil {
			return err
		}
	}
	return nil
}
