package feed

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/vuln"
	"github.com/drydock-dev/drydock/internal/vuln/db"
)

// The real advisories, served as their upstreams serve them.
func TestRealMirror(t *testing.T) {
	if testing.Short() {
		t.Skip("lays out and reads real advisories")
	}
	script := shared(t, "bin", "advisory-mirror")
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3")
	}
	root := t.TempDir()
	lay := exec.Command(python, script, root, "npm", "Go", "Alpine", "Rocky Linux", "Drupal", "Julia", "Hackage")
	lay.Env = append(os.Environ(), "ADVISORIES=advisories-2026-11")
	if out, err := lay.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var sent atomic.Int64
	files := http.FileServer(http.Dir(root))
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		files.ServeHTTP(&counter{w, &sent}, r)
	}))
	defer srv.Close()
	ctx := context.Background()
	u := &Updater{Dir: t.TempDir(), Bases: Mirror(srv.URL), Backoff: time.Millisecond}
	start := time.Now()
	rep, err := u.Update(ctx, []string{"npm", "Go", "Alpine", "rocky linux", "Wolfi", "Drupal", "Julia", "hackage"}, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("updated in %v", time.Since(start))
	records := map[string]int{}
	for _, s := range rep.Sources {
		records[s.Name] = s.Records
	}
	for name, least := range map[string]int{"npm": 3905, "Drupal": 591, "Julia": 1703, "Hackage": 35, "Go": 6416, "Alpine": 3655, "Rocky Linux": 1491, "alpine-secdb": 80000, "wolfi": 30000, "kev": 1674, "epss": 360142, "nvd": 60000} {
		if records[name] < least {
			t.Errorf("%s has %d records", name, records[name])
		}
	}
	if err := u.Verify(ctx); err != nil {
		t.Error(err)
	}
	// What was fetched and what is embedded come from the same facts.
	own, err := db.Open(u.path("db"))
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	snapshot, err := db.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range [][2]string{{"npm", "lodash"}, {"Alpine:v3.18", "openssl"}, {"Alpine:edge", "curl"}, {"Rocky Linux:8", "kernel"}, {"Go", "golang.org/x/net"}, {"Go", "stdlib"}, {"Wolfi", "aactl"}} {
		a, err := own.Advisories(ctx, k[0], k[1])
		if err != nil {
			t.Fatal(err)
		}
		b, err := snapshot.Advisories(ctx, k[0], k[1])
		if err != nil || len(b) == 0 {
			t.Fatal(k, len(b), err)
		}
		if !slices.EqualFunc(a, b, func(x, y vuln.Advisory) bool { return x.ID == y.ID && slices.Equal(fixedVersions(x), fixedVersions(y)) }) {
			t.Errorf("%v: %d fetched, %d embedded, and not the same", k, len(a), len(b))
		}
	}
	// Again: next to nothing is sent.
	sent.Store(0)
	start = time.Now()
	if rep, err = u.Update(ctx, nil, true); err != nil {
		t.Fatal(err)
	}
	t.Logf("again in %v, %d bytes", time.Since(start), sent.Load())
	for _, s := range rep.Sources {
		if s.Changed {
			t.Errorf("%s changed", s.Name)
		}
	}
	if n := sent.Load(); n > 2<<20 {
		t.Errorf("%d bytes were sent again", n)
	}
}

func fixedVersions(a vuln.Advisory) []string {
	var out []string
	for _, r := range a.Ranges {
		for _, e := range r.Events {
			out = append(out, strings.Join([]string{e.Introduced, e.Fixed, e.LastAffected, e.Limit}, "|"))
		}
	}
	return out
}

type counter struct {
	http.ResponseWriter
	n *atomic.Int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.ResponseWriter.Write(b)
	c.n.Add(int64(n))
	return n, err
}
