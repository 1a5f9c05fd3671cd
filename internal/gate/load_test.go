package gate

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
)

// BenchmarkLoad sends 500 requests a second over the plugin's protocol, and reports the
// 99th percentile of the answers.
func BenchmarkLoad(b *testing.B) {
	g, e, _ := newGate(b, policyText)
	g.Log = slog.New(slog.DiscardHandler)
	e.slow = time.Millisecond
	e.containers["a"] = container.InspectResponse{ID: "0a", Name: "/a", Image: string(id("good")), Config: &container.Config{Image: "r.io/good:1"}, HostConfig: &container.HostConfig{}}
	s := httptest.NewServer(g.Handler())
	defer s.Close()
	body, err := json.Marshal(post("/containers/a/start", ""))
	if err != nil {
		b.Fatal(err)
	}
	ask := func(call string) string {
		resp, err := s.Client().Post(s.URL+"/AuthZPlugin."+call, "application/json", bytes.NewReader(body))
		if err != nil {
			return err.Error()
		}
		text, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return resp.Status
		}
		return string(text)
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	var took []time.Duration
	tick := time.NewTicker(time.Second / 500)
	defer tick.Stop()
	for b.Loop() {
		<-tick.C
		wg.Go(func() {
			begun := time.Now()
			answer := ask("AuthZReq")
			d := time.Since(begun)
			ask("AuthZRes")
			mu.Lock()
			defer mu.Unlock()
			if took = append(took, d); answer != "{\"Allow\":true}\n" {
				b.Error(answer)
			}
		})
	}
	wg.Wait()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}

// TestRecent: what the Engine said is forgotten when a name moves.
func TestRecent(t *testing.T) {
	g, e, _ := newGate(t, policyText)
	of := func(image, ref string) container.InspectResponse {
		return container.InspectResponse{ID: "0a", Name: "/a", Image: string(id(image)), Config: &container.Config{Image: ref}, HostConfig: &container.HostConfig{}}
	}
	e.containers["a"] = of("good", "r.io/good:1")
	g.try(t, "a start", post("/containers/a/start", ""), "")
	e.containers["a"] = of("evil", "r.io/evil:1")
	g.try(t, "a rename", post("/containers/b/rename?name=a", ""), "")
	g.try(t, "another of that name", post("/containers/a/start", ""), "default is deny")
	g.try(t, "a create", createOf("r.io/good:1", container.HostConfig{}), "")
	e.images["r.io/good:1"] = Image{ID: id("x"), Tags: []string{"r.io/good:1"}}
	e.containers["0b"] = container.InspectResponse{ID: "0bcd", Name: "/b", Image: string(id("good")), Config: &container.Config{Image: "r.io/good:1"}, HostConfig: &container.HostConfig{}}
	g.try(t, "the beginning of an id", post("/containers/0b/start", ""), "")
	e.containers["0b"] = of("evil", "r.io/evil:1")
	g.try(t, "which is not remembered", post("/containers/0b/start", ""), "default is deny")
}
