package stream_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/store"
)

// deeds are what the service of the kill loop is asked to do, again and again until
// it has said that it did: images and deltas, by number.
const deeds = 24

// TestAKillLosesNothing kills a service at many instants: what it said that it has
// is there afterwards, and every effect once.
func TestAKillLosesNothing(t *testing.T) {
	if dir := os.Getenv("DRYDOCK_TEST_KILLED"); dir != "" {
		killed(t, dir)
		return
	}
	kinds := map[string]func(t *testing.T) store.Options{
		"sqlite":   func(t *testing.T) store.Options { return sqlite(t) },
		"postgres": postgres,
	}
	for name, where := range kinds {
		t.Run(name, func(t *testing.T) {
			opt := where(t)
			dir := t.TempDir()
			kills := 12
			if testing.Short() {
				kills = 4
			}
			r := rand.New(rand.NewPCG(7, 7))
			for i := range kills + 1 {
				ctx, cancel := context.WithCancel(t.Context())
				c := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestAKillLosesNothing$")
				c.Env = append(os.Environ(), "DRYDOCK_TEST_KILLED="+dir, "DRYDOCK_TEST_DATA="+opt.Dir, "DRYDOCK_TEST_DB="+opt.URL)
				if i < kills {
					// SIGKILL, at any instant.
					time.AfterFunc(time.Duration(80+r.IntN(700))*time.Millisecond, cancel)
					_ = c.Run()
				} else if out, err := c.CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				cancel()
			}
			afterKills(t, opt)
		})
	}
}

// afterKills compares what is there with what there would be without kills.
func afterKills(t *testing.T, opt store.Options) {
	s := service(t, opt, rest(t, killedRest()...))
	settle(t, s)
	calm := service(t, sqlite(t), rest(t, killedRest()...))
	for i := range deeds {
		do(t, calm.AddImage, func(text string) error { _, err := calm.Advise(t.Context(), strings.NewReader(text)); return err }, i)
		settle(t, calm)
	}
	images := 0
	if err := calm.Store.Images(t.Context(), func(img store.Image) error {
		images++
		if d := cmp.Diff(open(t, calm, img.ID), open(t, s, img.ID)); d != "" {
			t.Errorf("%s (-calm +killed):\n%s", img.Ref, d)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	n := 0
	if err := s.Store.Images(t.Context(), func(store.Image) error { n++; return nil }); err != nil || n != images || images == 0 {
		t.Errorf("%d images, want %d; %v", n, images, err)
	}
	if n, err := s.Store.Waiting(t.Context()); n != 0 || err != nil {
		t.Errorf("%d tasks wait, %v", n, err)
	}
	// Every effect once: an event of each delta, and no finding opened twice.
	events, err := s.Store.Events(t.Context(), 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, e := range events {
		key := string(e.Kind) + " " + e.Subject
		if e.Kind == store.FindingsChanged {
			f, err := index.ReadBody(&e)
			if err != nil {
				t.Fatal(err)
			}
			key += " " + f.Change + " " + f.Package
		}
		seen[key]++
	}
	for key, n := range seen {
		if n > 1 {
			t.Errorf("%d times: %s", n, key)
		}
	}
	if len(seen) < deeds {
		t.Errorf("only %d events", len(seen))
	}
}

func killedRest() []record {
	return []record{advisory("DEBIAN-CVE-2026-9000", "Debian:12", "openssl", "3.0.9", 0), advisory("GHSA-aaaa-bbbb-cccc", "npm", "lib-0", "2.0.0", 0)}
}

// do asks for one deed.
func do(t *testing.T, addImage func(context.Context, store.NewImage) (store.Image, error), advise func(string) error, i int) {
	t.Helper()
	var err error
	if i%2 == 0 {
		_, err = addImage(t.Context(), store.NewImage{
			Ref: fmt.Sprintf("app:%d", i), Inventory: bookworm(deb("openssl", "3.0."+strconv.Itoa(i%12)), deb("zlib", "1."+strconv.Itoa(i)), npm("lib-0", "1.0."+strconv.Itoa(i%3))),
		})
	} else {
		err = advise(lines(t, advisory(fmt.Sprintf("DEBIAN-CVE-2026-%d", i), "Debian:12", "zlib", "9."+strconv.Itoa(i), i)))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// killed is the service that is killed: it does what it has not said to have done.
func killed(t *testing.T, dir string) {
	opt := store.Options{Dir: os.Getenv("DRYDOCK_TEST_DATA"), URL: os.Getenv("DRYDOCK_TEST_DB")}
	s := service(t, opt, rest(t, killedRest()...))
	s.Lease = 300 * time.Millisecond
	said := filepath.Join(dir, "said")
	for i := range deeds {
		b, err := os.ReadFile(said)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if slices.Contains(strings.Fields(string(b)), strconv.Itoa(i)) {
			continue
		}
		do(t, s.AddImage, func(text string) error { _, err := s.Advise(t.Context(), strings.NewReader(text)); return err }, i)
		f, err := os.OpenFile(said, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprintln(f, i); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if _, err := s.Step(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		if _, err := s.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n, err := s.Store.Waiting(t.Context()); err != nil {
			t.Fatal(err)
		} else if n == 0 {
			return
		}
	}
	t.Fatal("tasks are left")
}
