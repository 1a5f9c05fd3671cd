package stream_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/server/store"
	"github.com/drydock-dev/drydock/internal/server/stream"
)

// TestAFeedsDeltaIsComputed: what differs between two states of the advisories at
// rest is matched again and nothing else, findings are those of a scan, and name the
// record that they come of.
func TestAFeedsDeltaIsComputed(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 77))
			w := newWorld(t, r)
			now := rest(t, w.first...)
			s := service(t, sqlite(t), now)
			images := map[string]*sbom.Inventory{}
			for i := range 3 {
				inv := w.image(t)
				images[add(t, s, fmt.Sprintf("app:%d", i), inv).ID] = inv
			}
			settle(t, s)
			some := 0
			for round := range 6 {
				w.change(round + 1)
				next := rest(t, w.all()...)
				d, err := stream.Differences(t.Context(), s.Index, now, next)
				if err != nil || !d.Computed {
					t.Fatalf("%+v %v", d, err)
				}
				if same, err := stream.Differences(t.Context(), s.Index, next, next); err != nil || len(same.Records) != 0 || !same.Computed {
					t.Fatalf("from itself it differs by %+v %v", same, err)
				}
				names, also := d.Touches()
				if touched := s.Index.Touched(names, also); touched.GetCardinality() > s.Index.All().GetCardinality()/2 {
					t.Errorf("round %d: %d of %d parts are matched again", round, touched.GetCardinality(), s.Index.All().GetCardinality())
				}
				body, err := json.Marshal(d)
				if err != nil {
					t.Fatal(err)
				}
				s.Index.Replace(next)
				var event int64
				if err := s.Store.Change(t.Context(), func(tx *store.Tx) (err error) {
					event, err = tx.Emit(t.Context(), store.Event{Kind: store.FeedChanged, Subject: "x", Body: body}, store.Sweep)
					return err
				}); err != nil {
					t.Fatal(err)
				}
				settle(t, s)
				for id, inv := range images {
					if d := cmp.Diff(scan(t, inv, next), open(t, s, id)); d != "" {
						t.Fatalf("round %d (-scan +service):\n%s", round, d)
					}
					for _, f := range s.Index.Findings(id) {
						if f.WhyOpened.Event != event {
							continue
						}
						if some++; f.WhyOpened.Cause != store.CauseFeed || f.WhyOpened.Advisory == "" || f.WhyOpened.Change == "" {
							t.Errorf("%s: %+v", f.Key, f.WhyOpened)
						}
					}
				}
				row := s.Index.Deltas()[0]
				if row.Event != event || row.Records != len(d.Records) {
					t.Errorf("%+v, want event %d with %d records", row, event, len(d.Records))
				}
				now = next
			}
			if some == 0 {
				t.Error("nothing opened: the test says nothing")
			}
		})
	}
}
