package web_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/server/simulate"
	"github.com/drydock-dev/drydock/internal/vuln/feed"
)

// real is a drawn fleet with the advisories that come with the program.
func real(t testing.TB, images int) (w *world, paths []string) {
	t.Helper()
	rest, err := feed.Open("", disk.User{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rest.Close() })
	w = startWith(t, rest)
	at := time.Now()
	img, err := simulate.Fill(context.Background(), w.svc, images, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d images stored in %.1f s", images, time.Since(at).Seconds())
	at = time.Now()
	w.settle()
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	o := w.svc.Index.Overview("")
	t.Logf("matched in %.1f s: %d vulnerabilities, %d packages, grades %v; heap %d MB", time.Since(at).Seconds(), o.Vulns, o.Packages, o.Grades, m.HeapAlloc>>20)
	if o.Images != images || o.Vulns == 0 {
		t.Fatalf("%+v", o)
	}
	return w, simulate.Paths(w.svc.Index, img)
}

// TestPagesAfterAChange holds every page to its time, right after a delta that
// touches most images: 200 ms to the last byte and 100 ms to the first at 10,000
// images. It is run on a quiet machine alone, with DRYDOCK_SCALE=10000.
func TestPagesAfterAChange(t *testing.T) {
	images, err := strconv.Atoi(os.Getenv("DRYDOCK_SCALE"))
	if err != nil {
		t.Skip("DRYDOCK_SCALE says no number of images")
	}
	w, paths := real(t, images)
	deltas, waited := 0, time.Duration(0)
	delta := func() error {
		deltas++
		began := time.Now()
		defer func() { waited += time.Since(began) }()
		var in []string
		for release := 10; release < 14; release++ {
			in = append(in, fmt.Sprintf(`{"package":{"ecosystem":"Debian:%d","name":"glibc"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]}`, release))
		}
		w.advise(fmt.Sprintf(`{"id":"CVE-2027-%d","modified":"2027-01-01T00:00:00Z","affected":[%s]}`+"\n", 1000+deltas, strings.Join(in, ",")))
		w.settle()
		return nil
	}
	for _, path := range paths {
		pages, err := simulate.Pages(context.Background(), w.handler, []string{path}, 20, delta)
		if err != nil {
			t.Fatal(err)
		}
		p := pages[0]
		t.Logf("%-45.45s first %6.1f ms  last %6.1f ms  median %6.1f ms  %4d kB", p.Path, ms(p.First), ms(p.Last), ms(p.Median), p.Bytes>>10)
		if p.First > 100*time.Millisecond || p.Last > 200*time.Millisecond {
			t.Errorf("%s: %.1f ms to the first byte, %.1f to the last", p.Path, ms(p.First), ms(p.Last))
		}
	}
	if v, ok := w.svc.Index.Vuln("CVE-2027-1001", 1); !ok || v.Images == 0 {
		t.Error("the deltas change nothing")
	} else {
		t.Logf("a delta changes %d images, and is shown after %.0f ms on average", v.Images, ms(waited)/float64(deltas))
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
