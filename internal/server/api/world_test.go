package api_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/report"
	"github.com/drydock-dev/drydock/internal/server/api"
	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/notify"
	"github.com/drydock-dev/drydock/internal/server/store"
	"github.com/drydock-dev/drydock/internal/server/stream"
	"github.com/drydock-dev/drydock/internal/vuln/db"
)

const token = "a-token-of-the-test"

// world is a service that answers.
type world struct {
	t   *testing.T
	url string
	svc *stream.Service
	api *api.API
	log *bytes.Buffer
	mu  *sync.Mutex
}

type lockedWriter struct {
	mu *sync.Mutex
	w  io.Writer
}

func (l lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

func start(t *testing.T) *world {
	w, _ := startIn(t)
	return w
}

// startIn also tells where the data are.
func startIn(t *testing.T) (w *world, dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "data")
	st, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	empty := db.NewStack()
	w = &world{t: t, log: &bytes.Buffer{}, mu: &sync.Mutex{}}
	log := slog.New(slog.NewTextHandler(lockedWriter{w.mu, w.log}, nil))
	w.svc = &stream.Service{Store: st, Index: index.New(empty, time.Now), Log: log, Poll: 20 * time.Millisecond}
	w.api = &api.API{Service: w.svc, Guard: &api.Guard{Token: token}, Log: log, Version: "test", Feeds: func() []api.Feed { return []api.Feed{{Name: "Debian", Records: 3}} }}
	w.api.Recommend = func(_ context.Context, base string) (report.DocRecommendation, error) {
		return report.DocRecommendation{Schema: "drydock/v1", Bases: []report.DocBase{{Ref: base}}}, nil
	}
	w.api.Registries = []string{"registry.example", "docker.io"}
	w.api.Notifier = &notify.Notifier{Store: st, Index: w.svc.Index, Log: log}
	srv := httptest.NewServer(w.api.Handler(nil))
	w.url = srv.URL
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = w.svc.Work(ctx) })
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close(); cancel(); wg.Wait(); _ = st.Close() })
	return w, dir
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

func (w *world) ask(method, path, body string, header ...string) answer {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if method != "GET" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		switch {
		case header[i] == "Host":
			req.Host = header[i+1]
		case header[i+1] == "":
			req.Header.Del(header[i])
		default:
			req.Header.Set(header[i], header[i+1])
		}
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, b}
}

// settle waits until every task is done and shown.
func (w *world) settle() {
	w.t.Helper()
	for range 500 {
		n, err := w.svc.Store.Waiting(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		last, err := w.svc.Store.Last(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		if n == 0 && w.svc.Index.At() >= last {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	w.t.Fatal("the tasks do not end")
}

func cdx(name string, purls ...string) string {
	var b strings.Builder
	for i, p := range purls {
		if i > 0 {
			b.WriteByte(',')
		}
		at, version := p, ""
		if j := strings.LastIndexByte(p, '@'); j > 4 {
			at, version = p[:j], p[j+1:]
		}
		version, _, _ = strings.Cut(version, "?")
		fmt.Fprintf(&b, `{"type":"library","name":%q,"version":%q,"purl":%q}`, at[strings.LastIndexByte(at, '/')+1:], version, p)
	}
	return fmt.Sprintf(`{"bomFormat":"CycloneDX","specVersion":"1.6","metadata":{"component":{"type":"container","name":%q}},"components":[%s]}`, name, b.String())
}
