package stream_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/store"
	"github.com/drydock-dev/drydock/internal/server/stream"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// lists is everything that an index counts, as pages and the API show it.
func lists(t *testing.T, x *index.Index, ids []string) map[string]string {
	t.Helper()
	out := map[string]string{}
	note := func(name string, v any) {
		b, err := json.MarshalIndent(v, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		out[name] = string(b)
	}
	all := index.Query{Limit: 1 << 30}
	for _, env := range []string{"", "prod", "staging"} {
		o := x.Overview(env)
		o.Lag, o.LagOf = 0, "" // of the process that saw the delta
		note("overview "+env, o)
		note("policies "+env, x.PolicyList(index.Query{Env: env, Limit: 1 << 30}))
	}
	note("images", x.Images(all))
	note("by grade", x.Images(index.Query{Sort: "-grade", Severity: "critical", Fixable: true, Limit: 1 << 30}))
	vulns := x.Vulns(all)
	note("vulnerabilities", vulns)
	for _, v := range vulns.Items {
		d, ok := x.Vuln(v.ID, 0)
		if !ok || len(d.On) != v.Images {
			t.Errorf("%s: %d images in the list, %d of its own", v.ID, v.Images, len(d.On))
		}
		note(v.ID, d)
	}
	packages := x.Packages(all)
	note("packages", packages)
	for _, k := range packages.Items {
		if _, l, ok := x.OfPackage(k.Type, k.Name, all); !ok || l.Total != k.Images {
			t.Errorf("%s: %d images in the list, %d of its own", k.Name, k.Images, l.Total)
		}
	}
	note("bases", x.Bases(all))
	note("running", x.Running(all))
	note("exceptions", x.Exceptions(all))
	for _, id := range ids {
		d, _ := x.Image(id)
		note(id, d)
		counts := index.Counts{}
		for _, f := range x.Findings(id) {
			if f.Live() {
				*counts.Of(f.Severity)++
			}
		}
		if counts != d.Counts {
			t.Errorf("%s: %+v in its row, %+v by its findings", d.Ref, d.Counts, counts)
		}
	}
	return out
}

// TestCountsAreThoseOfANewProcess draws changes of every kind, and holds what was
// counted along with them to what an index counts that reads it all at once.
func TestCountsAreThoseOfANewProcess(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 41))
			w := newWorld(t, r)
			clock := time.Now()
			now := func() time.Time { return clock }
			at := rest(t, w.first...)
			s := service(t, sqlite(t), at)
			s.Index = index.New(at, now)
			var ids, refs []string
			some := func() string {
				l := s.Index.Vulns(index.Query{Limit: 1 << 30})
				if l.Total == 0 {
					return "CVE-2026-1001"
				}
				d, _ := s.Index.Vuln(l.Items[r.IntN(l.Total)].ID, 1)
				if len(d.Aliases) > 0 && r.IntN(2) == 0 {
					return d.Aliases[r.IntN(len(d.Aliases))]
				}
				return d.ID
			}
			image := func(ref string) {
				inv := w.image(t)
				inv.Subject.Digest = finding.DigestOf([]byte(ref)) // the same one again where the name is
				img, err := s.AddImage(t.Context(), store.NewImage{Ref: ref, Inventory: inv, Facts: store.Facts{Env: []string{"", "prod", "staging"}[r.IntN(3)]}})
				if err != nil {
					t.Fatal(err)
				}
				ids, refs = append(ids, img.ID), append(refs, ref)
			}
			image("acme/app-0:1")
			settle(t, s)
			lists(t, s.Index, nil) // counted once: from here on, by what changes
			change := func(kind store.Kind, id string, do func(*store.Tx, int64) error) {
				t.Helper()
				if err := s.Store.Change(t.Context(), func(tx *store.Tx) error {
					n, err := tx.Emit(t.Context(), store.Event{Kind: kind, Subject: id}, store.None)
					if err != nil {
						return err
					}
					return do(tx, n)
				}); err != nil {
					t.Fatal(err)
				}
			}
			for round := range 40 {
				switch r.IntN(8) {
				case 0:
					image(fmt.Sprintf("acme/app-%d:1", round))
				case 1:
					image(refs[r.IntN(len(refs))])
				case 2, 3:
					advise(t, s, lines(t, w.change(round+1)...))
				case 4:
					e := store.Exception{ID: fmt.Sprintf("e%d", r.IntN(6)), Vuln: some(), State: "accepted", Reason: "x", Made: clock}
					e.Image = []string{"", "", "acme/app-0", "acme/*:1", refs[r.IntN(len(refs))]}[r.IntN(5)]
					if r.IntN(3) == 0 {
						e.Until = clock.Add(time.Duration(r.IntN(5)) * time.Hour)
					}
					change(store.ExceptionChanged, e.ID, func(tx *store.Tx, n int64) error { return tx.PutException(t.Context(), e, n) })
				case 5:
					id := fmt.Sprintf("c%d", r.IntN(5))
					if r.IntN(3) == 0 {
						change(store.RunningChanged, id, func(tx *store.Tx, _ int64) error { _, err := tx.DropContainer(t.Context(), id); return err })
						break
					}
					c := store.Container{ID: id, Name: id, Ref: refs[r.IntN(len(refs))], Env: "prod"}
					change(store.RunningChanged, id, func(tx *store.Tx, n int64) error { return tx.PutContainer(t.Context(), c, n) })
				case 7:
					st := vuln.Statement{VulnIDs: []string{some()}, Status: []vuln.Status{vuln.NotAffected, vuln.Fixed, vuln.Affected}[r.IntN(3)], Timestamp: clock, Products: []vuln.Product{{}}}
					d, _ := s.Index.Vuln(st.VulnIDs[0], 1)
					of := "pkg:npm/lib-1"
					if len(d.In) > 0 {
						of = d.In[0].PURL
					}
					switch r.IntN(3) {
					case 0:
						st.Products[0].IDs = []string{of}
					case 1:
						st.Products[0].IDs = []string{refs[r.IntN(len(refs))]}
					case 2:
						st.Products[0] = vuln.Product{IDs: []string{refs[r.IntN(len(refs))]}, Subcomponents: []string{of}}
					}
					doc := store.VEX{ID: fmt.Sprintf("v%d", r.IntN(4)), Statements: []vuln.Statement{st}}
					if r.IntN(4) == 0 {
						doc.Statements = nil
					}
					if _, err := s.TakeVEX(t.Context(), doc); err != nil {
						t.Fatal(err)
					}
				case 6:
					clock = clock.Add(time.Duration(r.IntN(4)) * time.Hour)
					id := fmt.Sprintf("e%d", r.IntN(6))
					change(store.ExceptionChanged, id, func(tx *store.Tx, _ int64) error { _, err := tx.DropException(t.Context(), id); return err })
				}
				if r.IntN(2) == 0 {
					continue // several changes are counted at once
				}
				settle(t, s)
				again := &stream.Service{Store: s.Store, Index: index.New(at, now), Log: s.Log}
				if err := again.Index.Follow(t.Context(), s.Store); err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(lists(t, again.Index, ids), lists(t, s.Index, ids)); d != "" {
					t.Fatalf("round %d (-of a new process +counted along):\n%s", round, d)
				}
			}
			if n := s.Index.Vulns(index.Query{}).Total; n < 10 {
				t.Errorf("%d vulnerabilities: the test says little", n)
			}
		})
	}
}
