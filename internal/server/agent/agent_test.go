package agent_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/moby/api/types/container"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/runtime"
	"github.com/drydock-dev/drydock/internal/server/agent"
	"github.com/drydock-dev/drydock/internal/server/api"
	"github.com/drydock-dev/drydock/internal/server/client"
	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/store"
	"github.com/drydock-dev/drydock/internal/server/stream"
	"github.com/drydock-dev/drydock/internal/vuln/db"
)

const token = "a-token-of-the-test"

// engine is an Engine whose containers and images a test sets.
type engine struct {
	mu         sync.Mutex
	id         string
	down       bool
	containers map[string]*container.InspectResponse
	images     []runtime.Held
	watchers   map[int]watcher
	asked      int
}

type watcher struct {
	changed func()
	end     chan error
}

var errDown = errors.New("cannot connect to the Docker daemon")

func newEngine(id string) *engine {
	return &engine{id: id, containers: map[string]*container.InspectResponse{}, watchers: map[int]watcher{}}
}

func (e *engine) dial(context.Context) (agent.Engine, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.down {
		return nil, errDown
	}
	return e, nil
}

func (e *engine) Machine(context.Context) (id, name string, err error) {
	return e.id, "host-" + e.id, nil
}
func (e *engine) Name() string { return "29.0" }
func (e *engine) Close() error { return nil }

func (e *engine) Running(context.Context) ([]container.InspectResponse, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked++
	if e.down {
		return nil, errDown
	}
	var out []container.InspectResponse
	for _, c := range e.containers {
		out = append(out, *c)
	}
	return out, nil
}

func (e *engine) Images(context.Context) ([]runtime.Held, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.down {
		return nil, errDown
	}
	return slices.Clone(e.images), nil
}

func (e *engine) Watch(ctx context.Context, ready, changed func()) error {
	e.mu.Lock()
	w := watcher{changed, make(chan error, 1)}
	k := len(e.watchers)
	e.watchers[k] = w
	e.mu.Unlock()
	ready()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case err := <-w.end:
		return err
	}
}

// change changes the Engine; loud tells whoever watches.
func (e *engine) change(loud bool, do func()) {
	e.mu.Lock()
	do()
	list := e.watchers
	e.mu.Unlock()
	for _, w := range list {
		if loud {
			w.changed()
		}
	}
}

// stop ends the Engine's connections, as a restart does.
func (e *engine) stop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.down = true
	for k, w := range e.watchers {
		w.end <- io.EOF
		delete(e.watchers, k)
	}
}

func digest(s string) finding.Digest { return finding.DigestOf([]byte(s)) }

func (e *engine) start(id, name, ref, image string) {
	c := &container.InspectResponse{
		ID: id, Name: "/" + name, Image: string(digest(image)), State: &container.State{Running: true, StartedAt: "2026-11-30T10:00:00.5Z"},
		Config: &container.Config{Image: ref, User: "app", Env: []string{"PASSWORD=hunter2"}}, HostConfig: &container.HostConfig{},
	}
	c.HostConfig.Privileged = name == "mighty"
	e.containers[id] = c
}

func (e *engine) tag(ref, image string) {
	for i := range e.images {
		e.images[i].Refs = slices.DeleteFunc(e.images[i].Refs, func(r string) bool { return r == ref })
	}
	for i := range e.images {
		if e.images[i].ID == digest(image) {
			e.images[i].Refs = append(e.images[i].Refs, ref)
			return
		}
	}
	e.images = append(e.images, runtime.Held{ID: digest(image), Refs: []string{ref}})
}

// service is one that can go away.
type service struct {
	t    *testing.T
	svc  *stream.Service
	srv  *httptest.Server
	api  *api.API
	mu   sync.Mutex
	down bool
}

func serve(t *testing.T) *service {
	t.Helper()
	st, err := store.Open(t.Context(), store.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	s := &service{t: t, svc: &stream.Service{Store: st, Index: index.New(db.NewStack(), time.Now), Log: log, Poll: 5 * time.Millisecond}}
	s.api = &api.API{Service: s.svc, Guard: &api.Guard{Token: token}, Log: log}
	h := s.api.Handler(nil)
	s.srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		down := s.down
		s.mu.Unlock()
		if down {
			http.Error(w, `{"error":"away"}`, http.StatusServiceUnavailable)
			return
		}
		h.ServeHTTP(w, r)
	}))
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.svc.Work(ctx) })
	t.Cleanup(func() { s.srv.Close(); cancel(); wg.Wait(); _ = st.Close() })
	return s
}

func (s *service) away(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// runs are the containers that the service shows: "name ref digest", with what moved.
func (s *service) runs() []string {
	out := []string{}
	for _, c := range s.svc.Index.Running(index.Query{Limit: 1000}).Items {
		line := c.Name + " " + c.Ref + " " + c.Host
		if c.Image == nil {
			line += " unknown"
		}
		if c.Moved != "" || c.Newest != "" {
			line += " moved"
		}
		out = append(out, line)
	}
	slices.Sort(out)
	return out
}

func (s *service) want(lines ...string) {
	s.t.Helper()
	var got []string
	for range 500 {
		if got = s.runs(); slices.Equal(got, lines) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.t.Errorf("the service shows (-want +got)\n%s", cmp.Diff(lines, got))
}

func (s *service) host(name string) store.Host {
	s.t.Helper()
	all, err := s.svc.Store.Hosts(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, h := range all {
		if h.Name == name {
			return h
		}
	}
	s.t.Fatalf("no host %s", name)
	return store.Host{}
}

// beside runs an agent beside an Engine until stop is called or the test ends.
func (s *service) beside(e *engine) (a *agent.Agent, stop func()) {
	s.t.Helper()
	a = s.agent(e)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := a.Run(ctx); err != nil {
			s.t.Errorf("the agent ended: %v", err)
		}
	})
	stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	s.t.Cleanup(stop)
	return a, stop
}

func (s *service) agent(e *engine) *agent.Agent {
	s.t.Helper()
	c, err := client.New(s.srv.URL, token, s.srv.Client())
	if err != nil {
		s.t.Fatal(err)
	}
	return &agent.Agent{
		Dial: e.dial, Service: c, Env: "prod", Every: time.Hour, Pause: 5 * time.Millisecond, Settle: 5 * time.Millisecond, Log: slog.New(slog.DiscardHandler),
		Scan: func(_ context.Context, id finding.Digest) ([]byte, url.Values, error) {
			if id == digest("broken") {
				return nil, nil, errors.New("a layer cannot be read")
			}
			doc := fmt.Sprintf(`{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"library","name":"lodash","version":"4.17.20","purl":"pkg:npm/lodash@4.17.20?of=%s"}]}`, id.Short())
			return []byte(doc), url.Values{"platform": {"linux/amd64"}}, nil
		},
	}
}

func TestWhatRunsIsShown(t *testing.T) {
	s, e := serve(t), newEngine("e1")
	e.tag("acme/web:1", "one")
	e.tag("acme/idle:1", "idle")
	e.start("c1", "web", "acme/web:1", "one")
	s.beside(e)
	s.want("web acme/web:1 host-e1")
	e.change(true, func() { e.start("c2", "mighty", "acme/web:1", "one") })
	s.want("mighty acme/web:1 host-e1", "web acme/web:1 host-e1")
	e.change(true, func() { e.containers["c1"].Name = "/front" })
	s.want("front acme/web:1 host-e1", "mighty acme/web:1 host-e1")
	e.change(true, func() { delete(e.containers, "c2") })
	s.want("front acme/web:1 host-e1")
	// The tag means another image from now on; what runs stays what it is.
	e.change(true, func() { e.tag("acme/web:1", "two") })
	s.want("front acme/web:1 host-e1 moved")
	var names []string
	for range 500 {
		names = nil
		for _, i := range s.svc.Index.Images(index.Query{}).Items {
			names = append(names, i.Ref+" "+i.Env+" "+i.Digest.Short())
		}
		if slices.Sort(names); len(names) == 3 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if want := []string{"acme/idle:1 prod " + digest("idle").Short(), "acme/web:1 prod " + digest("one").Short(), "acme/web:1 prod " + digest("two").Short()}; !cmp.Equal(want, names, cmp.Transformer("sorted", func(l []string) []string { l = slices.Clone(l); slices.Sort(l); return l })) {
		t.Errorf("images: %q, want %q", names, want)
	}
	for _, c := range s.svc.Index.Running(index.Query{}).Items {
		if c.Declared == nil || c.Declared.User != "app" || strings.Contains(fmt.Sprint(c), "hunter2") {
			t.Errorf("%+v", c)
		}
	}
	// An image that never had a name here, and one that cannot be read.
	e.change(true, func() { e.start("c3", "odd", string(digest("nameless")), "nameless") })
	s.want("front acme/web:1 host-e1 moved", "odd "+string(digest("nameless"))+" host-e1")
	e.change(true, func() { e.tag("acme/broken:1", "broken"); e.start("c4", "sick", "acme/broken:1", "broken") })
	s.want("front acme/web:1 host-e1 moved", "odd "+string(digest("nameless"))+" host-e1", "sick acme/broken:1 host-e1 unknown")
	for range 500 {
		if p := s.host("host-e1").Problems; len(p) == 1 && strings.Contains(p[0], "acme/broken:1: a layer cannot be read") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("problems %q", s.host("host-e1").Problems)
}

// TestNothingIsLost: whoever goes away, the service shows what there is when he is back,
// and how much had changed that nobody told of.
func TestNothingIsLost(t *testing.T) {
	s, e := serve(t), newEngine("e1")
	e.tag("acme/web:1", "one")
	e.start("c1", "web", "acme/web:1", "one")
	e.start("c2", "db", "acme/web:1", "one")
	_, stop := s.beside(e)
	s.want("db acme/web:1 host-e1", "web acme/web:1 host-e1")
	if d := s.host("host-e1").Drift; !d.None() {
		t.Errorf("the first list is no drift: %+v", d)
	}
	churn := func() { // more than an Engine keeps
		for i := range 600 {
			e.start(fmt.Sprint("x", i), fmt.Sprint("x", i), "acme/web:1", "one")
			delete(e.containers, fmt.Sprint("x", i))
		}
	}

	t.Run("Engine", func(t *testing.T) {
		e.stop()
		e.change(false, func() {
			churn()
			delete(e.containers, "c1")
			e.start("c3", "cache", "acme/web:1", "one")
			e.down = false
		})
		s.want("cache acme/web:1 host-e1", "db acme/web:1 host-e1")
		if d := s.host("host-e1").Drift; d.Added != 1 || d.Removed != 1 || d.Changed != 0 || d.Cause != "connect" {
			t.Errorf("drift %+v", d)
		}
	})
	t.Run("service", func(t *testing.T) {
		s.away(true)
		e.change(true, func() { delete(e.containers, "c3") })
		time.Sleep(50 * time.Millisecond)
		e.change(true, func() { churn(); e.containers["c2"].Name = "/database" })
		s.away(false)
		s.want("database acme/web:1 host-e1")
	})
	t.Run("agent", func(t *testing.T) {
		stop()
		e.change(true, func() { churn(); e.start("c4", "new", "acme/web:2", "two"); e.tag("acme/web:2", "two") })
		_, stop = s.beside(e)
		s.want("database acme/web:1 host-e1", "new acme/web:2 host-e1")
		if d := s.host("host-e1").Drift; d.Added != 1 || d.Cause != "connect" {
			t.Errorf("drift %+v", d)
		}
	})
	t.Run("an event", func(t *testing.T) {
		stop()
		a := s.agent(e)
		a.Every = 20 * time.Millisecond // a second is the least that is promised
		ctx, cancel := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		wg.Go(func() { _ = a.Run(ctx) })
		defer wg.Wait()
		defer cancel()
		for was := s.host("host-e1").Connected; s.host("host-e1").Connected.Equal(was); {
			time.Sleep(5 * time.Millisecond)
		}
		s.want("database acme/web:1 host-e1", "new acme/web:2 host-e1")
		e.change(false, func() { delete(e.containers, "c4") })
		s.want("database acme/web:1 host-e1")
		if d := s.host("host-e1").Drift; d.Removed != 1 || d.Cause != "listing" {
			t.Errorf("drift %+v", d)
		}
	})
}

// TestTheSameTwiceChangesNothing: an agent that tells again and again makes no event.
func TestTheSameTwiceChangesNothing(t *testing.T) {
	s, e := serve(t), newEngine("e1")
	e.tag("acme/web:1", "one")
	e.start("c1", "web", "acme/web:1", "one")
	a := s.agent(e)
	for range 3 {
		if err := a.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	events, err := s.svc.Store.Events(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, ev := range events {
		if ev.Kind == store.RunningChanged || ev.Kind == store.ImageAdded {
			n++
		}
	}
	if n != 2 {
		t.Errorf("%d events of one container and one image: %+v", n, events)
	}
	if done, err := s.svc.Store.Audits(t.Context(), 100); err != nil || len(done) != 2 {
		t.Errorf("%d changes are written down, want the first report and the SBOM: %v", len(done), err)
	}
}

func TestTwoEnginesOfOneName(t *testing.T) {
	s, one, two := serve(t), newEngine("e1"), newEngine("e2")
	a, b := s.agent(one), s.agent(two)
	a.Host, b.Host = "web", "web"
	one.tag("acme/web:1", "one")
	one.start("c1", "web", "acme/web:1", "one")
	if err := a.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "another Engine is called web") || finding.HintOf(err) == "" {
		t.Errorf("%v", err)
	}
	s.want("web acme/web:1 web")
	bad, err := client.New(s.srv.URL, "wrong", s.srv.Client())
	if err != nil {
		t.Fatal(err)
	}
	a.Service = bad
	if err := a.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "needs the token") {
		t.Errorf("with a wrong token: %v", err)
	}
}

// TestOnlyWhatRuns: where only what runs is asked for, no other image is looked into.
func TestOnlyWhatRuns(t *testing.T) {
	s, e := serve(t), newEngine("e1")
	e.tag("acme/web:1", "one")
	e.tag("acme/idle:1", "idle")
	e.start("c1", "web", "acme/web:1", "one")
	a := s.agent(e)
	a.Which = agent.Runs
	if err := a.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.want("web acme/web:1 host-e1")
	if l := s.svc.Index.Images(index.Query{}); l.Total != 1 || l.Items[0].Ref != "acme/web:1" {
		t.Errorf("%+v", l)
	}
}
