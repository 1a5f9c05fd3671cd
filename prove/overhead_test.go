package prove_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/cli"
	"github.com/drydock-dev/drydock/internal/runtime/observe"
)

// The load, and how often it is put on nginx with and without an observer, in turn.
const (
	rounds   = 7
	requests = 3000 // a connection each
	clients  = 4
	mostSlow = 1.3
)

// TestEngineOverhead measures what watching costs nginx under load: the time of the same
// requests, watched by BPF, beside that without.
func TestEngineOverhead(t *testing.T) {
	if os.Getenv("DRYDOCK_CONFINE") == "" {
		t.Skip("it takes a minute on a machine with nothing else to do: make confine")
	}
	docker := engine(t)
	on := engineOf(t, docker)
	if out, err := exec.Command("./images", "nginx").CombinedOutput(); err != nil {
		t.Fatalf("prove/images nginx: %v\n%s", err, out)
	}
	said := func(args ...string) string {
		t.Helper()
		out, err := exec.Command(docker, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("docker %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	id := said("run", "-d", "-p", "127.0.0.1::80", "nginx:1.30")
	t.Cleanup(func() { _ = exec.Command(docker, "rm", "-f", "-v", id).Run() })
	url := "http://" + said("port", id, "80/tcp") + "/"
	requested(t, url) // it is up, and warm

	var alone, watched []time.Duration
	var calls uint64
	for range rounds {
		alone = append(alone, requested(t, url))
		file := filepath.Join(t.TempDir(), "seen.json")
		end := watching(t, id, file)
		watched = append(watched, requested(t, url))
		end()
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		o, err := observe.Read(b)
		if err != nil || o.Way != "bpf" || o.Status == observe.Truncated {
			t.Fatalf("%v: %+v", err, o)
		}
		for _, c := range o.Calls {
			if calls += c.Count; c.Name == "accept4" && c.Count < requests {
				t.Errorf("it was not watched all the time: %d connections", c.Count)
			}
		}
	}
	slices.Sort(alone)
	slices.Sort(watched)
	a, w := alone[rounds/2], watched[rounds/2]
	ratio := w.Seconds() / a.Seconds()
	line := fmt.Sprintf("%d requests take %.2f s, and %.2f s while nginx is watched by BPF (%d calls each): a ratio of %.2f (medians of %d rounds)",
		requests, a.Seconds(), w.Seconds(), calls/rounds, ratio, rounds)
	t.Logf("OVERHEAD on %s: %s", on.name, line)
	if ratio > mostSlow {
		t.Errorf("the ratio is %.2f, and %.1f is the most", ratio, mostSlow)
	}
	if *update && !t.Failed() {
		const intro = "# What watching costs\n\nWritten by `make confine`: requests to nginx, a connection each, by four clients on the same machine.\n"
		section("../docs/overhead.md", intro, on.kind, "## "+on.name+"\n\n"+line+".\n", t)
	}
}

// watching observes a container, once it has begun, until end is called.
func watching(t *testing.T, id, file string) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan string, 1)
	go func() {
		var said strings.Builder
		env := cli.Env{Stdout: io.Discard, Stderr: &said, Now: time.Now, Version: "prove", Getenv: os.Getenv}
		if code := cli.Main(ctx, env, "drydock", "observe", "--via", "bpf", "--container", id, "-o", file); code != 0 {
			done <- said.String()
		}
		close(done)
	}()
	time.Sleep(2 * time.Second)
	return func() {
		t.Helper()
		cancel()
		if said := <-done; said != "" {
			t.Fatal(said)
		}
	}
}

// requested makes the requests, and tells how long all of them took.
func requested(t *testing.T, url string) time.Duration {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	next := make(chan struct{}, requests)
	for range requests {
		next <- struct{}{}
	}
	close(next)
	began := time.Now()
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for range next {
				res, err := client.Get(url)
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
			}
		})
	}
	all.Wait()
	return time.Since(began)
}
