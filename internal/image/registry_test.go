package image

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	ggcr "github.com/google/go-containerregistry/pkg/registry"

	"github.com/drydock-dev/drydock/internal/cache"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/layer"
)

// server is a registry on the loopback with one repository, whose answers a
// test can spoil.
type server struct {
	host  string
	spoil atomic.Pointer[func(w http.ResponseWriter, r *http.Request) bool] // true: it has answered
	mu    sync.Mutex
	asked []string
}

func serve(t testing.TB) *server {
	t.Helper()
	// No credentials of the machine's owner are used, whatever is configured.
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	s := &server{}
	inner := ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0)))
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, r.Method+" "+r.URL.Path)
		s.mu.Unlock()
		if f := s.spoil.Load(); f != nil && (*f)(w, r) {
			return
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	s.host = strings.TrimPrefix(srv.URL, "http://")
	return s
}

func (s *server) put(t testing.TB, path, mediaType, body string) {
	t.Helper()
	url := "http://" + s.host + path
	method := http.MethodPut
	if strings.Contains(path, "uploads") {
		method = http.MethodPost
	}
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", mediaType)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil || resp.StatusCode >= 300 {
		t.Fatalf("%s: %s %v", path, resp.Status, err)
	}
}

// push puts all blobs of a layout into the repository "app", and the last of
// the manifests at tag 1.
func (s *server) push(t testing.TB, l *layoutOf, top obj) {
	t.Helper()
	for _, b := range l.blobs {
		d := finding.DigestOf([]byte(b.text))
		if strings.Contains(b.text, `"schemaVersion"`) {
			kind := "application/vnd.oci.image.manifest.v1+json"
			if strings.Contains(b.text, `"manifests"`) {
				kind = "application/vnd.oci.image.index.v1+json"
			}
			s.put(t, "/v2/app/manifests/"+string(d), kind, b.text)
			if top["digest"] == d {
				s.put(t, "/v2/app/manifests/1", kind, b.text)
			}
			continue
		}
		s.put(t, "/v2/app/blobs/uploads/?digest="+string(d), "application/octet-stream", b.text)
	}
	s.forget()
}

func (s *server) forget() { s.mu.Lock(); s.asked = nil; s.mu.Unlock() }

func (s *server) blobsAsked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, a := range s.asked {
		if strings.Contains(a, "/blobs/") {
			n++
		}
	}
	return n
}

// big is a layer that does not compress.
func big(t testing.TB, n int) []byte {
	b := make([]byte, n)
	x := uint32(1)
	for i := range b {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		b[i] = byte(x)
	}
	return tarOf(t, part{name: "big", text: string(b)})
}

func TestRegistry(t *testing.T) {
	s := serve(t)
	l := &layoutOf{t: t}
	m := makeImage(t, "amd64", tarOf(t, part{name: "etc/os-release", text: "x"}), big(t, 1<<20))
	d := l.manifest(m)
	s.push(t, l, d)
	opt := Options{Cache: &cache.Cache{Dir: t.TempDir()}, Backoff: time.Millisecond}
	for _, ref := range []string{"registry://" + s.host + "/app:1", "registry://" + s.host + "/app@" + string(d["digest"].(finding.Digest))} {
		im, scan := scanOf(t, ref, opt)
		if im.Kind != "registry" || im.Digest != d["digest"] || im.ID != finding.DigestOf([]byte(m.config)) || scan.Tree.Len() != 2 || im.Layers[1].Step != 1 {
			t.Errorf("%+v", im)
		}
		if im.Layers[0].MediaType != "application/vnd.oci.image.layer.v1.tar+gzip" || im.Layers[0].Size != scan.Records[0].Compressed {
			t.Errorf("%+v", im.Layers[0])
		}
	}
	// The second time only the configuration was fetched: 3 blobs, then 1.
	if n := s.blobsAsked(); n != 4 {
		t.Errorf("%d blobs were fetched: %v", n, s.asked)
	}
	if _, err := Open(context.Background(), "registry://"+s.host+"/app@sha256:"+strings.Repeat("0", 64), opt); err == nil {
		t.Error("an image of another digest")
	}
}

func TestRegistryPlatforms(t *testing.T) {
	s := serve(t)
	l := &layoutOf{t: t}
	amd, arm := app(t, "amd64", "amd"), app(t, "arm64", "arm")
	a, b := with(l.manifest(amd), platform("amd64")), with(l.manifest(arm), platform("arm64"))
	s.push(t, l, l.index(a, b, attestation(l, a)))
	ref := "registry://" + s.host + "/app:1"
	for arch, m := range map[string]made{"amd64": amd, "arm64": arm} {
		im, _ := scanOf(t, ref, Options{Platform: "linux/" + arch})
		if im.ID != finding.DigestOf([]byte(m.config)) || im.Attested != (arch == "amd64") {
			t.Errorf("%s: %s, attested %v", arch, im.ID, im.Attested)
		}
	}
	if im, _ := scanOf(t, ref, Options{}); im.Platform != "linux/"+runtime.GOARCH && (runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64") {
		t.Errorf("default is %s", im.Platform)
	}
	var pe *PlatformError
	if _, err := Open(context.Background(), ref, Options{Platform: "linux/s390x"}); !errors.As(err, &pe) || len(pe.Found) != 2 {
		t.Errorf("%v", err)
	}
}

// TestRegistryRefuses: each answer of a registry is an error that says what to
// do, after as many tries as make sense.
func TestRegistryRefuses(t *testing.T) {
	s := serve(t)
	l := &layoutOf{t: t}
	s.push(t, l, l.manifest(app(t, "amd64", "x")))
	for _, c := range []struct {
		status int
		hint   string
		tries  int
	}{
		{401, "docker login " + s.host, 1}, {403, "docker login", 1}, {404, "check the name", 1}, {429, "wait", 4}, {500, "try again", 4}, {503, "try again", 4},
	} {
		f := func(w http.ResponseWriter, r *http.Request) bool {
			if strings.Contains(r.URL.Path, "/manifests/") {
				w.WriteHeader(c.status)
				return true
			}
			return false
		}
		s.spoil.Store(&f)
		s.forget()
		_, err := Open(context.Background(), "registry://"+s.host+"/app:1", Options{Backoff: time.Millisecond})
		var h finding.Hinter
		if !errors.As(err, &h) || !strings.Contains(h.Hint(), c.hint) {
			t.Errorf("%d: %v", c.status, err)
		}
		tries := 0
		for _, a := range s.asked {
			if strings.Contains(a, "/manifests/") {
				tries++
			}
		}
		if tries != c.tries {
			t.Errorf("%d: asked %d times, not %d", c.status, tries, c.tries)
		}
	}
	// A registry in passing trouble is asked again.
	var n atomic.Int32
	f := func(w http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "/manifests/") && n.Add(1) < 4 {
			w.WriteHeader(http.StatusTooManyRequests)
			return true
		}
		return false
	}
	s.spoil.Store(&f)
	if _, err := Open(context.Background(), "registry://"+s.host+"/app:1", Options{Backoff: time.Millisecond}); err != nil {
		t.Errorf("patience: %v", err)
	}
}

// cut answers a blob with only part of its bytes, once for every offset.
func cut(t *testing.T, l *layoutOf, most int, always bool) func(w http.ResponseWriter, r *http.Request) bool {
	body := map[string]string{}
	for _, b := range l.blobs {
		body["/v2/app/blobs/"+string(finding.DigestOf([]byte(b.text)))] = b.text
	}
	return func(w http.ResponseWriter, r *http.Request) bool {
		text, ok := body[r.URL.Path]
		if !ok || len(text) < most {
			return false
		}
		from := 0
		if h := r.Header.Get("Range"); h != "" {
			n, err := parseRange(h)
			if err != nil {
				t.Error(err)
			}
			from = n
			if always {
				from = len(text)
			}
		}
		conn, buf, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return true
		}
		end := min(len(text), from+most)
		status := "200 OK"
		if from > 0 {
			status = "206 Partial Content"
		}
		_, _ = buf.WriteString("HTTP/1.1 " + status + "\r\nContent-Length: " + itoa(len(text)-from) + "\r\n\r\n" + text[from:end])
		_ = buf.Flush()
		_ = conn.Close()
		return true
	}
}

// TestRegistryCutsOff: a proxy that cuts the connection is gone on with from
// where it cut; one that never lets through is an error with a hint.
func TestRegistryCutsOff(t *testing.T) {
	s := serve(t)
	l := &layoutOf{t: t}
	s.push(t, l, l.manifest(makeImage(t, "amd64", big(t, 2<<20))))
	f := cut(t, l, 600<<10, false)
	s.spoil.Store(&f)
	opt := Options{Backoff: time.Millisecond}
	if _, scan := scanOf(t, "registry://"+s.host+"/app:1", opt); scan.Tree.Len() != 1 {
		t.Error("no file")
	}
	g := cut(t, l, 600<<10, true)
	s.spoil.Store(&g)
	im, err := Open(context.Background(), "registry://"+s.host+"/app:1", opt)
	if err != nil {
		t.Fatal(err)
	}
	_, err = im.Scan(context.Background(), ScanOptions{})
	var h finding.Hinter
	if err == nil || !strings.Contains(err.Error(), "broke off after") || !errors.As(err, &h) {
		t.Errorf("%v", err)
	}
	if err := im.Close(); err != nil {
		t.Error(err)
	}
}

// TestRegistryLies: a blob with other bytes than its digest says is caught.
func TestRegistryLies(t *testing.T) {
	s := serve(t)
	l := &layoutOf{t: t}
	m := app(t, "amd64", "good")
	s.push(t, l, l.manifest(m))
	evil := gz(t, tarOf(t, part{name: "app", text: "evil"}))
	want := finding.DigestOf(gz(t, m.layers[0]))
	f := func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, string(want)) {
			return false
		}
		_, _ = w.Write(evil)
		return true
	}
	s.spoil.Store(&f)
	opt := Options{Cache: &cache.Cache{Dir: t.TempDir()}, Backoff: time.Millisecond}
	var mis *layer.MismatchError
	if _, err := tryScan("registry://"+s.host+"/app:1", opt); !errors.As(err, &mis) && (err == nil || !strings.Contains(err.Error(), "broke off") && !strings.Contains(err.Error(), "more than")) {
		t.Errorf("%v", err)
	}
}

func TestRegistryUnreachable(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	srv := httptest.NewServer(nil)
	host := strings.TrimPrefix(srv.URL, "http://")
	srv.Close()
	for ref, say := range map[string]string{
		"registry://" + host + "/app:1": "answers at",
		"registry://UPPER/case:1":       "spelling",
	} {
		_, err := Open(context.Background(), ref, Options{Backoff: time.Millisecond})
		var h finding.Hinter
		if !errors.As(err, &h) || !strings.Contains(h.Hint(), say) {
			t.Errorf("%s: %v", ref, err)
		}
	}
	if _, err := Open(context.Background(), "registry://"+host+"/app:1", Options{Offline: true}); err == nil || !strings.Contains(err.Error(), "not allowed") {
		t.Errorf("offline: %v", err)
	}
}

// TestInsecureRegistry: a certificate that nobody knows is taken only where the
// user said so.
func TestInsecureRegistry(t *testing.T) {
	plain := serve(t)
	l := &layoutOf{t: t}
	plain.push(t, l, l.manifest(app(t, "amd64", "x")))
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		resp, err := http.Get("http://" + plain.host + r.URL.Path) //nolint:gosec // the test's own
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		w.Header().Set("Content-Type", resp.Header.Get("Content-Type"))
		w.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(w, resp.Body)
		_ = resp.Body.Close()
	}))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	host := strings.TrimPrefix(srv.URL, "https://")
	if _, err := Open(context.Background(), "registry://"+host+"/app:1", Options{Backoff: time.Millisecond}); err == nil {
		t.Error("an unknown certificate was taken")
	}
	if _, scan := scanOf(t, "registry://"+host+"/app:1", Options{Backoff: time.Millisecond, InsecureRegistries: []string{host}}); scan.Tree.Len() != 1 {
		t.Error("no file")
	}
}
