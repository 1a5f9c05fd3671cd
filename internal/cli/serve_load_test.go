package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/disk"
)

// The load of the issue: so many uploads at once, so many browsers, a delta now and then,
// and a process killed every second.
const (
	loadUploads  = 200
	loadBrowsers = 50
	loadLibs     = 40
	loadDelta    = 400 * time.Millisecond
	loadKill     = time.Second
	loadDrain    = 3 * time.Minute // leases of a minute end first
)

// TestServeLoad: nothing that was answered with 2xx is lost, every effect comes once, and
// every browser is told everything in order. It takes minutes; DRYDOCK_LOAD=1m is how
// long the load lasts.
func TestServeLoad(t *testing.T) {
	long, err := time.ParseDuration(os.Getenv("DRYDOCK_LOAD"))
	if err != nil {
		t.Skip("DRYDOCK_LOAD does not say how long (1m)")
	}
	nats := func(t *testing.T) string { return loadNATS(t) }
	for _, k := range []struct {
		name    string
		db      func(*testing.T) string
		nats    func(*testing.T) string
		workers int
	}{
		{"SQLite, one process that is killed", nil, nil, 0},
		{"PostgreSQL, two workers of which one is killed", loadPostgres, nil, 2},
		{"PostgreSQL and NATS, two workers of which one is killed", loadPostgres, nats, 2},
	} {
		t.Run(k.name, func(t *testing.T) {
			l := &load{t: t, until: time.Now().Add(long), client: &http.Transport{MaxIdleConnsPerHost: 300, ResponseHeaderTimeout: 30 * time.Second}}
			_, l.home = process(t)
			l.address = "127.0.0.1:" + freePort(t)
			if l.log, err = os.Create(filepath.Join(l.home, "log")); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				b, err := os.ReadFile(l.log.Name())
				if t.Failed() {
					t.Logf("%s %v", b[max(0, len(b)-8<<10):], err)
				}
				_ = l.log.Close()
			})
			args := []string{"serve", "--listen", l.address}
			shared := []string(nil)
			if k.db != nil {
				shared = []string{"--db", k.db(t)}
			}
			if k.nats != nil {
				shared = append(shared, "--nats", k.nats(t))
			}
			if k.workers > 0 {
				args = append(args, "--role", "web")
			}
			first := l.start(append(args, shared...)...)
			l.await("it answers", func() bool { _, err := l.ask(http.MethodGet, "/readyz", nil); return err == nil })
			var killed []*loadProcess
			for i := range k.workers {
				killed = append(killed, l.start(append([]string{"serve", "--role", "worker", "--data", filepath.Join(l.home, "w"+strconv.Itoa(i))}, shared...)...))
			}
			if k.workers == 0 {
				killed = []*loadProcess{first}
			}
			l.run(killed)
		})
	}
}

func loadPostgres(t *testing.T) string {
	t.Helper()
	server := os.Getenv("DRYDOCK_POSTGRES")
	if server == "" {
		t.Skip("DRYDOCK_POSTGRES names no PostgreSQL server")
	}
	d, err := sql.Open("pgx", server)
	if err != nil {
		t.Fatal(err)
	}
	name := "drydock_" + disk.Random()
	if _, err := d.ExecContext(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = d.ExecContext(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)")
		_ = d.Close()
	})
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

func loadNATS(t *testing.T) string {
	t.Helper()
	program := os.Getenv("DRYDOCK_NATS_SERVER")
	if program == "" {
		var err error
		if program, err = exec.LookPath("nats-server"); err != nil {
			t.Skip("there is no nats-server (Debian: nats-server)")
		}
	}
	port := freePort(t)
	c := exec.Command(program, "-a", "127.0.0.1", "-p", port, "-js", "-sd", t.TempDir())
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	return "nats://127.0.0.1:" + port
}

func freePort(t *testing.T) string {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// load is one service under load, and what it said to have taken.
type load struct {
	t             *testing.T
	home, address string
	until         time.Time
	client        *http.Transport

	mu     sync.Mutex
	images map[string]int // that were taken, by id: with their number
	deltas []int
	took   []time.Duration // of uploads, with every try
	tries  atomic.Int64
	log    *os.File // of all processes
}

// loadProcess is a process that is killed and started again.
type loadProcess struct {
	args []string
	run  *exec.Cmd
}

func (l *load) start(args ...string) *loadProcess {
	l.t.Helper()
	p := &loadProcess{args: args}
	l.again(p)
	l.t.Cleanup(func() { _ = p.run.Process.Kill(); _ = p.run.Wait() })
	return p
}

func (l *load) again(p *loadProcess) {
	c := exec.Command(filepath.Join(l.home, "drydock"), p.args...)
	c.Env = append(os.Environ(), "HOME="+l.home, "XDG_CACHE_HOME="+l.home+"/cache", "XDG_DATA_HOME="+l.home+"/data", "TMPDIR="+l.home+"/tmp", "DOCKER_HOST=unix:///nonexistent.sock", "TEST_CLOCK=real")
	c.Stderr = l.log
	if err := c.Start(); err != nil {
		l.t.Error(err)
	}
	p.run = c
}

func (l *load) await(what string, ok func() bool) {
	l.t.Helper()
	for end := time.Now().Add(loadDrain); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			b, err := l.ask(http.MethodGet, "/readyz", nil)
			l.t.Fatalf("it takes too long until %s: %s %v", what, b, err)
		}
	}
}

// ask asks once, and is an error unless the answer is 2xx.
func (l *load) ask(method, path string, body []byte) ([]byte, error) {
	req, err := http.NewRequest(method, "http://"+l.address+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if token, err := os.ReadFile(filepath.Join(l.home, "data/drydock/server/token")); err == nil {
		req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	}
	res, err := l.client.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %d %s", method, path, res.StatusCode, b)
	}
	return b, err
}

// insist asks until it is answered with 2xx.
func (l *load) insist(method, path string, body []byte) (b []byte, ok bool) {
	for end := time.Now().Add(loadDrain); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		l.tries.Add(1)
		if b, err := l.ask(method, path, body); err == nil {
			return b, true
		}
	}
	l.t.Errorf("%s %s is not answered", method, path)
	return nil, false
}

// libsOf are the libraries of an image by its number.
func libsOf(n int) []int {
	var out []int
	for i := range 12 {
		out = append(out, (n+7*i)%loadLibs)
	}
	return out
}

func (l *load) upload(n int) {
	var parts []string
	for _, lib := range libsOf(n) {
		parts = append(parts, fmt.Sprintf(`{"type":"library","name":"load-lib-%d","version":"1.0.%d","purl":"pkg:npm/load-lib-%d@1.0.%d"}`, lib, n%3, lib, n%3))
	}
	parts = append(parts, fmt.Sprintf(`{"type":"library","name":"load-own","version":"1.0.%d","purl":"pkg:npm/load-own@1.0.%d"}`, n, n))
	began := time.Now()
	b, ok := l.insist("POST", "/api/v1/images?ref=load/app:"+strconv.Itoa(n), []byte(`{"bomFormat":"CycloneDX","specVersion":"1.6","components":[`+strings.Join(parts, ",")+`]}`))
	var img struct{ ID string }
	if !ok || json.Unmarshal(b, &img) != nil || img.ID == "" {
		l.t.Errorf("image %d: %s", n, b)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.images[img.ID] = n
	l.took = append(l.took, time.Since(began))
}

func (l *load) advise(d int) {
	if _, ok := l.insist("POST", "/api/v1/advisories", fmt.Appendf(nil, `{"id":"GHSA-load-%04d-aaaa","modified":"2026-11-01T00:00:00Z","affected":[{"package":{"ecosystem":"npm","name":"load-lib-%d"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"2.0.0"}]}]}]}`, d, d%loadLibs)); ok {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.deltas = append(l.deltas, d)
	}
}

// browser follows the events from the first one, as a page does: it comes again with
// the last id that it has.
func (l *load) browser(ctx context.Context, seen *[]int64) {
	for ctx.Err() == nil {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+l.address+"/api/v1/events?after=0", nil)
		if err != nil {
			l.t.Error(err)
			return
		}
		if n := len(*seen); n > 0 {
			req.Header.Set("Last-Event-ID", strconv.FormatInt((*seen)[n-1], 10))
		}
		res, err := l.client.RoundTrip(req)
		if err != nil {
			time.Sleep(100 * time.Millisecond)
			continue
		}
		in := bufio.NewScanner(res.Body)
		in.Buffer(nil, 1<<20)
		for id := int64(0); in.Scan(); {
			line := in.Text()
			if s, ok := strings.CutPrefix(line, "id: "); ok {
				id, _ = strconv.ParseInt(s, 10, 64)
			} else if line == "" && id > 0 { // told whole
				*seen = append(*seen, id)
				id = 0
			}
		}
		_ = res.Body.Close()
	}
}

func (l *load) run(killed []*loadProcess) {
	t := l.t
	l.images = map[string]int{}
	began := time.Now()
	watching, stop := context.WithCancel(t.Context())
	seen := make([][]int64, loadBrowsers)
	var browsers, work sync.WaitGroup
	defer browsers.Wait()
	defer stop()
	for i := range seen {
		browsers.Go(func() { l.browser(watching, &seen[i]) })
	}
	work.Go(func() {
		for n := 0; n == 0 || time.Now().Before(l.until); n += loadUploads {
			var wave sync.WaitGroup
			for i := range loadUploads {
				wave.Go(func() { l.upload(n + i) })
			}
			wave.Wait()
		}
	})
	work.Go(func() {
		for d := 0; d == 0 || time.Now().Before(l.until); d++ {
			l.advise(d)
			time.Sleep(loadDelta)
		}
	})
	kills := 0
	for ; time.Now().Before(l.until); kills++ {
		time.Sleep(loadKill)
		p := killed[kills%len(killed)]
		_ = p.run.Process.Kill()
		_ = p.run.Wait()
		l.again(p)
	}
	work.Wait()
	loaded := time.Since(began)
	var ready struct{ Waiting, Event, Shown int64 }
	l.await("everything is done", func() bool {
		b, err := l.ask(http.MethodGet, "/readyz", nil)
		return err == nil && json.Unmarshal(b, &ready) == nil && ready.Waiting == 0 && ready.Event == ready.Shown
	})
	drained := time.Since(began) - loaded
	l.holds()
	time.Sleep(2 * time.Second) // the last events reach everybody
	stop()
	browsers.Wait()
	for i, ids := range seen {
		if int64(len(ids)) != ready.Event || !slices.IsSorted(ids) || ids[0] != 1 || ids[len(ids)-1] != ready.Event {
			t.Errorf("browser %d was told %d of %d events", i, len(ids), ready.Event)
		}
	}
	slices.Sort(l.took)
	at := func(p int) time.Duration { return l.took[len(l.took)*p/100].Round(time.Millisecond) }
	t.Logf("%s: %d images taken in %s (%.0f a second; an upload, with all its tries, p50 %s, p95 %s, worst %s; %d requests), %d deltas, %d kills, %d events told to each of %d browsers; then %s until everything is done",
		t.Name(), len(l.images), loaded.Round(time.Second), float64(len(l.images))/loaded.Seconds(), at(50), at(95), l.took[len(l.took)-1].Round(time.Millisecond), l.tries.Load(), len(l.deltas), kills, ready.Event, loadBrowsers, drained.Round(time.Second))
}

// holds holds what there is to what was taken: each image, with each finding once.
func (l *load) holds() {
	t := l.t
	b, err := l.ask(http.MethodGet, "/api/v1/export", nil)
	if err != nil {
		t.Fatal(err)
	}
	ofLib := map[int][]string{}
	for _, d := range l.deltas {
		ofLib[d%loadLibs] = append(ofLib[d%loadLibs], fmt.Sprintf("GHSA-load-%04d-aaaa", d))
	}
	there, found := map[string]bool{}, 0
	for d := json.NewDecoder(bytes.NewReader(b)); ; {
		var img struct {
			ID       string
			Judged   bool
			Findings []struct{ ID, Advisory string }
		}
		if err := d.Decode(&img); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		n, ok := l.images[img.ID]
		if !ok || there[img.ID] || !img.Judged {
			t.Errorf("%s: taken %t, twice %t, matched %t", img.ID, ok, there[img.ID], img.Judged)
		}
		there[img.ID] = true
		var want, got []string
		for _, lib := range libsOf(n) {
			want = append(want, ofLib[lib]...)
		}
		for _, f := range img.Findings {
			got = append(got, f.ID)
		}
		slices.Sort(want)
		slices.Sort(got)
		if found += len(got); !slices.Equal(want, got) {
			t.Errorf("image %d: %d findings, want %d", n, len(got), len(want))
		}
	}
	if len(there) != len(l.images) || found == 0 {
		t.Errorf("%d images are there of %d, with %d findings", len(there), len(l.images), found)
	}
	if b, err := l.ask(http.MethodGet, "/metrics", nil); err != nil || !strings.Contains(string(b), "\ndrydock_tasks_aside 0\n") {
		t.Errorf("tasks are set aside: %v", err)
	}
}
