package store_test

import (
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/server/store"
)

// TestJobs: a job is there once, is taken by one process at a time, and is kept for a
// while when it is done.
func TestJobs(t *testing.T) {
	onBoth(t, func(t *testing.T, opt store.Options) {
		now := time.Date(2026, 11, 5, 0, 0, 0, 0, time.UTC)
		opt.Now = func() time.Time { return now }
		s := open(t, opt)
		add := func(id string) (fresh bool) {
			t.Helper()
			err := s.Change(t.Context(), func(tx *store.Tx) (err error) {
				fresh, err = tx.AddJob(t.Context(), store.JobPull, id, id)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return fresh
		}
		claim := func() *store.Job {
			t.Helper()
			j, err := s.ClaimJob(t.Context(), store.JobPull, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			return j
		}
		if !add("a") || add("a") || !add("b") {
			t.Error("a job is there twice")
		}
		a, b := claim(), claim()
		if a == nil || b == nil || a.ID != "a" || b.ID != "b" || string(a.Body) != `"a"` || claim() != nil {
			t.Fatalf("%+v %+v", a, b)
		}
		now = now.Add(2 * time.Minute)
		again := claim() // the lease of a is over
		if again == nil || again.ID != "a" || again.Tries != 2 {
			t.Fatalf("%+v", again)
		}
		if err := s.EndJob(t.Context(), a, store.JobDone, now, ""); err != store.ErrDone { //nolint:errorlint // as it is
			t.Errorf("the slow one ends it: %v", err)
		}
		if err := s.EndJob(t.Context(), again, store.JobDead, now, "why"); err != nil {
			t.Fatal(err)
		}
		if n, err := s.CountJobs(t.Context(), store.JobPull); err != nil || n[store.JobDead] != 1 || n[store.JobWaiting] != 1 {
			t.Errorf("%v %v", n, err)
		}
		if j := claim(); j == nil || j.ID != "b" {
			t.Errorf("%+v", j)
		} else if err := s.EndJob(t.Context(), j, store.JobDone, now, ""); err != nil {
			t.Fatal(err)
		}
		if !add("a") || !add("b") {
			t.Error("what is over does not begin again")
		}
		for i := range 250 {
			add(string(rune('a'+i%26)) + string(rune('a'+i/26)))
		}
		for j := claim(); j != nil; j = claim() {
			if err := s.EndJob(t.Context(), j, store.JobDone, now, ""); err != nil {
				t.Fatal(err)
			}
		}
		if n, err := s.CountJobs(t.Context(), store.JobPull); err != nil || n[store.JobDone] != 200 {
			t.Errorf("%v %v", n, err)
		}
		from, err := s.Mark(t.Context(), "m", 7)
		if err != nil || from != 7 {
			t.Fatalf("%d %v", from, err)
		}
		for i, want := range []bool{true, false} { // the second comes too late
			err := s.Change(t.Context(), func(tx *store.Tx) error {
				ok, err := tx.Advance(t.Context(), "m", 7, 9)
				if ok != want {
					t.Errorf("%d: %t", i, ok)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if at, err := s.Mark(t.Context(), "m", 1); err != nil || at != 9 {
			t.Errorf("%d %v", at, err)
		}
	})
}
