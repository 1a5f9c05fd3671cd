package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/server/store"
)

// postgres makes a database of its own for a test, in the server that
// DRYDOCK_POSTGRES names.
func postgres(t *testing.T) string {
	t.Helper()
	server := os.Getenv("DRYDOCK_POSTGRES")
	if server == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("DRYDOCK_POSTGRES names no PostgreSQL server")
		}
		t.Skip("DRYDOCK_POSTGRES names no PostgreSQL server (postgres://user@host:5432/postgres)")
	}
	db, err := sql.Open("pgx", server)
	if err != nil {
		t.Fatal(err)
	}
	name := "drydock_" + disk.Random()
	if _, err := db.ExecContext(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := db.ExecContext(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
		_ = db.Close()
	})
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

// onBoth runs a test on either database.
func onBoth(t *testing.T, f func(t *testing.T, opt store.Options)) {
	t.Run("sqlite", func(t *testing.T) { f(t, store.Options{Dir: filepath.Join(t.TempDir(), "data")}) })
	t.Run("postgres", func(t *testing.T) { f(t, store.Options{URL: postgres(t)}) })
}

func open(t *testing.T, opt store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func inventory(names ...string) *sbom.Inventory {
	inv := &sbom.Inventory{Distro: &sbom.Distro{ID: "debian", VersionID: "12"}}
	for _, n := range names {
		name, version, _ := strings.Cut(n, " ")
		inv.Packages = append(inv.Packages, sbom.Package{Type: "deb", Namespace: "debian", Name: name, Version: version, Source: name, Cataloger: "dpkg", Layer: "sha256:aa", LayerIndex: 0})
	}
	return inv
}

func put(t *testing.T, s *store.Store, ref string, inv *sbom.Inventory) (img store.Image, fresh bool) {
	t.Helper()
	err := s.Change(t.Context(), func(tx *store.Tx) (err error) {
		img, fresh, err = tx.PutImage(t.Context(), store.NewImage{Ref: ref, Inventory: inv})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return img, fresh
}

func count(t *testing.T, each func(func() error) error) int {
	t.Helper()
	n := 0
	if err := each(func() error { n++; return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestImagesShareTheirParts(t *testing.T) {
	onBoth(t, func(t *testing.T, opt store.Options) {
		s := open(t, opt)
		ctx := t.Context()
		a, fresh := put(t, s, "a:1", inventory("openssl 1", "zlib 1"))
		if !fresh || a.N == 0 || len(a.ID) != 32 {
			t.Errorf("%+v, fresh %t", a, fresh)
		}
		if again, fresh := put(t, s, "a:1", inventory("openssl 1", "zlib 1")); fresh || again.ID != a.ID || again.N != a.N {
			t.Errorf("the same image twice is two: %+v", again)
		}
		b, _ := put(t, s, "b:1", inventory("openssl 1", "zlib 1"))
		c, _ := put(t, s, "a:1", inventory("openssl 2", "zlib 1"))
		if b.ID == a.ID || c.ID == a.ID || b.Inventory != a.Inventory || c.Inventory == a.Inventory {
			t.Errorf("%+v\n%+v\n%+v", a, b, c)
		}
		images := count(t, func(f func() error) error { return s.Images(ctx, func(store.Image) error { return f() }) })
		invs := count(t, func(f func() error) error { return s.Inventories(ctx, 0, func(store.Inventory) error { return f() }) })
		parts := count(t, func(f func() error) error { return s.Parts(ctx, 0, func(store.Part) error { return f() }) })
		if images != 3 || invs != 2 || parts != 3 {
			t.Errorf("%d images, %d inventories and %d parts are stored, want 3, 2 and 3", images, invs, parts)
		}
	})
}

func TestAChangeIsWholeOrNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, opt store.Options) {
		s := open(t, opt)
		ctx := t.Context()
		oops := errors.New("oops")
		err := s.Change(ctx, func(tx *store.Tx) error {
			if _, _, err := tx.PutImage(ctx, store.NewImage{Ref: "a", Inventory: inventory("x 1")}); err != nil {
				return err
			}
			if _, err := tx.Emit(ctx, store.Event{Kind: store.ImageAdded}, store.Prompt); err != nil {
				return err
			}
			return oops
		})
		if !errors.Is(err, oops) {
			t.Fatal(err)
		}
		events, err := s.Events(ctx, 0, 10)
		if err != nil || len(events) != 0 {
			t.Errorf("%v %v", events, err)
		}
		if task, err := s.Claim(ctx, "w", time.Minute); task != nil || err != nil {
			t.Errorf("%v %v", task, err)
		}
		if n := count(t, func(f func() error) error { return s.Images(ctx, func(store.Image) error { return f() }) }); n != 0 {
			t.Errorf("%d images", n)
		}
	})
}

// TestEventsAreSeenInOrder: who has read event n never meets a smaller number that
// was committed later.
func TestEventsAreSeenInOrder(t *testing.T) {
	onBoth(t, func(t *testing.T, opt store.Options) {
		s := open(t, opt)
		const writers, each = 8, 25
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for i := range each {
					err := s.Change(t.Context(), func(tx *store.Tx) error {
						_, err := tx.Emit(t.Context(), store.Event{Kind: store.FeedChanged, Subject: fmt.Sprint(w, i)}, store.None)
						time.Sleep(time.Duration(w) * time.Millisecond / 4)
						return err
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		var at int64
		seen := 0
		for deadline := time.Now().Add(time.Minute); seen < writers*each && time.Now().Before(deadline); {
			events, err := s.Events(t.Context(), at, 1000)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events {
				if e.N != at+1 {
					t.Fatalf("after event %d comes %d", at, e.N)
				}
				at = e.N
				seen++
			}
		}
		wg.Wait()
		if seen != writers*each {
			t.Errorf("%d of %d events", seen, writers*each)
		}
	})
}

func TestTasksAreDoneOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, opt store.Options) {
		now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
		var mu sync.Mutex
		opt.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
		pass := func(d time.Duration) { mu.Lock(); defer mu.Unlock(); now = now.Add(d) }
		s := open(t, opt)
		ctx := t.Context()
		emit := func(subject string, lane store.Lane) {
			if err := s.Change(ctx, func(tx *store.Tx) error {
				_, err := tx.Emit(ctx, store.Event{Kind: store.ImageAdded, Subject: subject}, lane)
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		claim := func(who string) *store.Task {
			task, err := s.Claim(ctx, who, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			return task
		}
		done := func(task *store.Task) error {
			return s.Change(ctx, func(tx *store.Tx) error { return tx.Done(ctx, task) })
		}
		emit("sweep", store.Sweep)
		emit("prompt", store.Prompt)
		first, second := claim("a"), claim("b")
		if first == nil || first.Subject != "prompt" || second == nil || second.Subject != "sweep" || claim("c") != nil {
			t.Fatalf("claimed %+v and %+v", first, second)
		}
		// a is killed: its lease ends, and another does its task.
		pass(2 * time.Minute)
		again := claim("c")
		if again == nil || again.Subject != "prompt" || again.Tries != 2 {
			t.Fatalf("claimed %+v", again)
		}
		if err := done(again); err != nil {
			t.Error(err)
		}
		if err := done(first); !errors.Is(err, store.ErrDone) {
			t.Errorf("done a second time: %v", err)
		}
		// What fails every time is set aside, and shown.
		if err := done(second); err != nil {
			t.Error(err)
		}
		emit("poison", store.Prompt)
		for range store.MaxTries {
			task := claim("a")
			if task == nil {
				t.Fatal("it is set aside too early")
			}
			if err := s.Release(ctx, task, errors.New("bad bytes"), time.Second); err != nil {
				t.Fatal(err)
			}
			pass(2 * time.Second)
		}
		if task := claim("a"); task != nil {
			t.Errorf("claimed once more: %+v", task)
		}
		aside, err := s.SetAside(ctx)
		if err != nil || len(aside) != 1 || aside[0].Subject != "poison" || aside[0].Problem != "bad bytes" {
			t.Errorf("%+v %v", aside, err)
		}
	})
}

// TestAClockThatIsSetBackHoldsNoTask: a lease that ends in a day was given before the
// clock was set back, and whoever had it may be gone.
func TestAClockThatIsSetBackHoldsNoTask(t *testing.T) {
	onBoth(t, func(t *testing.T, opt store.Options) {
		now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
		opt.Now = func() time.Time { return now }
		s := open(t, opt)
		if err := s.Change(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Emit(t.Context(), store.Event{Kind: store.ImageAdded, Subject: "x"}, store.Prompt)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		claim := func() bool {
			task, err := s.Claim(t.Context(), "w", time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			return task != nil
		}
		if !claim() || claim() {
			t.Fatal("it is not claimed once")
		}
		now = now.AddDate(0, 0, -1)
		if !claim() {
			t.Error("set back by a day, the clock holds the task for a day")
		}
		now = now.AddDate(0, 0, 2)
		if !claim() {
			t.Error("set forward, the clock holds the task")
		}
	})
}

func TestJudgementsOfSlowWorkersDoNotCount(t *testing.T) {
	onBoth(t, func(t *testing.T, opt store.Options) {
		s := open(t, opt)
		ctx := t.Context()
		put(t, s, "a", inventory("openssl 1"))
		f := finding.Finding{Rule: "vuln/os-package", Key: "CVE-1 pkg", Severity: finding.High, Vuln: &finding.Vuln{ID: "CVE-1"}}
		judge := func(upTo int64, found ...finding.Finding) (out []store.Change) {
			err := s.Change(ctx, func(tx *store.Tx) (err error) {
				out, err = tx.Judge(ctx, upTo, []store.Judgement{{Part: 1, Found: found, Why: func(*finding.Finding) store.Why { return store.Why{Event: upTo} }}})
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		if c := judge(5, f); len(c) != 1 || !c[0].Now || c[0].Was != nil || c[0].WhyOpened.Event != 5 {
			t.Errorf("opened: %+v", c)
		}
		if c := judge(5, f); len(c) != 0 {
			t.Errorf("the same again: %+v", c)
		}
		if c := judge(4); len(c) != 0 {
			t.Errorf("an older word closes: %+v", c)
		}
		worse := f
		worse.Severity = finding.Critical
		if c := judge(6, worse); len(c) != 1 || c[0].Was == nil || !c[0].Now || c[0].Was.Severity != finding.High {
			t.Errorf("changed: %+v", c)
		}
		if c := judge(7); len(c) != 1 || c[0].Now || c[0].WhyClosed.Event != 7 || c[0].WhyOpened.Event != 5 {
			t.Errorf("closed: %+v", c)
		}
		if c := judge(8, f); len(c) != 1 || !c[0].Now {
			t.Errorf("opened again: %+v", c)
		}
		if c := judge(9); len(c) != 1 {
			t.Errorf("closed again: %+v", c)
		}
		n := count(t, func(f func() error) error {
			return s.Closed(ctx, time.Time{}, func(store.Finding) error { return f() })
		})
		if n != 2 {
			t.Errorf("%d closed findings are kept, want 2", n)
		}
	})
}

func TestASchemaOfTomorrowIsRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, opt store.Options) {
		if err := open(t, opt).Close(); err != nil {
			t.Fatal(err)
		}
		driver, address := "pgx", opt.URL
		if address == "" {
			driver, address = "sqlite", filepath.Join(opt.Dir, "drydock.sqlite")
		}
		db, err := sql.Open(driver, address)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, true)"); err != nil {
			t.Fatal(err)
		}
		_, err = store.Open(t.Context(), opt)
		if err == nil || !strings.Contains(err.Error(), "version 99") || finding.HintOf(err) == "" {
			t.Errorf("opened: %v", err)
		}
	})
}
