package stream_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/store"
	"github.com/drydock-dev/drydock/internal/server/stream"
)

// line is a way to a server that can be cut.
type line struct {
	to, at string
	mu     sync.Mutex
	ln     net.Listener
	open   []net.Conn
}

func (l *line) mend(t *testing.T) {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", l.at)
	if err != nil {
		t.Fatal(err)
	}
	l.mu.Lock()
	l.ln, l.at = ln, ln.Addr().String()
	l.mu.Unlock()
	go func() {
		for {
			in, err := ln.Accept()
			if err != nil {
				return
			}
			out, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", l.to)
			if err != nil {
				_ = in.Close()
				continue
			}
			l.mu.Lock()
			l.open = append(l.open, in, out)
			l.mu.Unlock()
			for _, way := range [][2]net.Conn{{in, out}, {out, in}} {
				go func() {
					_, _ = io.Copy(way[0], way[1])
					_ = way[0].Close()
				}()
			}
		}
	}()
}

func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.ln.Close()
	for _, c := range l.open {
		_ = c.Close()
	}
	l.open = nil
}

// TestADatabaseThatGoesAwayComesBack cuts the way to PostgreSQL while a service works:
// changes are refused with what to look at, what is known is still shown, and when the
// way is back the service goes on by itself.
func TestADatabaseThatGoesAwayComesBack(t *testing.T) {
	opt := postgres(t)
	u, err := url.Parse(opt.URL)
	if err != nil {
		t.Fatal(err)
	}
	l := &line{to: u.Host, at: "127.0.0.1:0"}
	l.mend(t)
	u.Host = l.at
	s := service(t, store.Options{URL: u.String()}, rest(t, killedRest()...))
	s.Poll = 20 * time.Millisecond
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.Work(ctx) })
	t.Cleanup(func() { stop(); l.cut(); wg.Wait() })
	first := add(t, s, "app:1", bookworm(deb("openssl", "3.0.5")))
	shows := func(id string) func() bool { return func() bool { return len(s.Index.Findings(id)) == 1 } }
	within(t, "the first image is judged", shows(first.ID))
	for round := range 3 {
		l.cut()
		in := store.NewImage{Ref: fmt.Sprintf("app:%d", 2+round), Inventory: bookworm(deb("openssl", fmt.Sprintf("3.0.%d", 6-round)))}
		if _, err := s.AddImage(t.Context(), in); err == nil || finding.HintOf(err) == "" {
			t.Errorf("an image is taken without a database: %v, %q", err, finding.HintOf(err))
		}
		if !shows(first.ID)() {
			t.Error("what is known is not shown")
		}
		time.Sleep(100 * time.Millisecond)
		l.mend(t)
		var img store.Image
		within(t, "the database is back", func() bool { img, err = s.AddImage(t.Context(), in); return err == nil })
		within(t, "the image is judged", shows(img.ID))
	}
}

func within(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it takes too long until %s", what)
		}
	}
}

// TestAClockThatSteps: whatever the clock does between an event and what follows from
// it, nothing is lost, and no finding comes before its advisory.
func TestAClockThatSteps(t *testing.T) {
	now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	opt := sqlite(t)
	opt.Now = func() time.Time { return now }
	at := rest(t, killedRest()...)
	s := service(t, opt, at)
	s.Index = index.New(at, opt.Now)
	for i, step := range []time.Duration{0, -24 * time.Hour, 48 * time.Hour, -time.Hour} {
		img := add(t, s, fmt.Sprintf("app:%d", i), bookworm(deb("openssl", "3.0.5"), deb("zlib", "1.2")))
		if _, err := s.Advise(t.Context(), strings.NewReader(lines(t, advisory(fmt.Sprintf("DEBIAN-CVE-2026-%d", i), "Debian:12", "zlib", "1.3", i)))); err != nil {
			t.Fatal(err)
		}
		now = now.Add(step)
		settle(t, s)
		if found := open(t, s, img.ID); len(found) != i+2 {
			t.Errorf("after a step of %s: %q", step, found)
		}
		for _, f := range s.Index.Findings(img.ID) {
			if f.WhyOpened.After < 0 {
				t.Errorf("%s comes %s before its advisory", f.Key, -f.WhyOpened.After)
			}
		}
	}
	again := &stream.Service{Store: s.Store, Index: index.New(at, opt.Now), Log: s.Log}
	settle(t, again)
}
