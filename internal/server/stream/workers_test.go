package stream_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/store"
	"github.com/drydock-dev/drydock/internal/server/stream"
)

// TestWorkersShareTheWork runs three workers, each with an index of its own, on one
// database while images and advisories come in: what they come to is what one would.
func TestWorkersShareTheWork(t *testing.T) {
	opt := postgres(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	var workers []*stream.Service
	for i := range 3 {
		s := service(t, opt, rest(t, killedRest()...))
		s.Worker, s.Poll = fmt.Sprintf("w%d", i), 20*time.Millisecond
		workers = append(workers, s)
		wg.Go(func() { _ = s.Work(ctx) })
	}
	var asking sync.WaitGroup
	for i, s := range workers {
		asking.Go(func() {
			for n := i; n < 3*deeds; n += len(workers) {
				do(t, s.AddImage, func(text string) error { _, err := s.Advise(ctx, strings.NewReader(text)); return err }, n)
			}
		})
	}
	asking.Wait()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		n, err := workers[0].Store.Waiting(ctx)
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("%d tasks wait, %v", n, err)
		}
		if n == 0 {
			break
		}
	}
	calm := service(t, sqlite(t), rest(t, killedRest()...))
	for n := range 3 * deeds {
		do(t, calm.AddImage, func(text string) error { _, err := calm.Advise(ctx, strings.NewReader(text)); return err }, n)
	}
	settle(t, calm)
	some := 0
	if err := calm.Store.Images(ctx, func(img store.Image) error {
		want := open(t, calm, img.ID)
		some += len(want)
		for _, s := range workers {
			if d := cmp.Diff(want, open(t, s, img.ID)); d != "" {
				t.Errorf("%s as %s sees it (-one +three workers):\n%s", img.Ref, s.Worker, d)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if some == 0 {
		t.Error("nothing is found: the test says nothing")
	}
	// A finding is opened once, whoever opened it.
	seen := map[string]bool{}
	if err := workers[0].Store.Open(ctx, nil, func(f store.Finding) error {
		key := fmt.Sprint(f.Part, " ", f.Key)
		if seen[key] {
			t.Errorf("open twice: %s", key)
		}
		seen[key] = true
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	again := &stream.Service{Store: workers[0].Store, Index: index.New(rest(t, killedRest()...), time.Now), Log: workers[0].Log}
	if err := again.Index.Follow(ctx, again.Store); err != nil {
		t.Fatal(err)
	}
}

// TestWritersMeet: processes that store images with the same parts at once, some of them
// the same image, all succeed, and what they have in common is there once.
func TestWritersMeet(t *testing.T) {
	opt := postgres(t)
	var writers []*stream.Service
	for range 4 { // each with what it knows to be stored
		writers = append(writers, service(t, opt, rest(t, killedRest()...)))
	}
	var all sync.WaitGroup
	for i := range 64 {
		all.Go(func() {
			ps := []sbom.Package{deb("openssl", "3.0."+strconv.Itoa(i%8))}
			for n := range 10 {
				ps = append(ps, npm(fmt.Sprintf("lib-%d", (i+n)%16), "1.0.0"))
			}
			if _, err := writers[i%4].AddImage(t.Context(), store.NewImage{Ref: fmt.Sprintf("app:%d", i%32), Inventory: bookworm(ps...)}); err != nil {
				t.Errorf("image %d: %v", i%32, err)
			}
		})
	}
	all.Wait()
	n := 0
	if err := writers[0].Store.Images(t.Context(), func(store.Image) error { n++; return nil }); err != nil || n != 32 {
		t.Errorf("%d images of 32, %v", n, err)
	}
	seen := map[string]bool{}
	if err := writers[0].Store.Parts(t.Context(), 0, func(p store.Part) error {
		key := fmt.Sprintf("%+v", p.Part)
		if seen[key] {
			t.Errorf("twice: %s", key)
		}
		seen[key] = true
		return nil
	}); err != nil || len(seen) == 0 {
		t.Errorf("%d parts, %v", len(seen), err)
	}
	settle(t, writers[0])
}
