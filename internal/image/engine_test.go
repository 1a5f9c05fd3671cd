package image

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/moby/moby/client"

	"github.com/drydock-dev/drydock/internal/cache"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/ledger"
)

// fakeEngine answers as a Docker Engine with one image does.
type fakeEngine struct {
	image  made
	id     string
	layers []string // as inspect claims them
	saves  atomic.Int32
}

func (e *fakeEngine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Api-Version", "1.47")
	answer := func(v any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(v)
	}
	switch p := r.URL.Path; {
	case strings.HasSuffix(p, "/_ping"):
		answer("OK")
	case strings.HasSuffix(p, "/images/app:1/json"):
		answer(obj{"Id": e.id, "RepoTags": []string{"app:1"}, "Os": "linux", "Architecture": "amd64", "RootFS": obj{"Type": "layers", "Layers": e.layers}})
	case strings.HasSuffix(p, "/images/json"):
		answer([]obj{
			{"Id": "sha256:old", "Created": 100, "RepoTags": []string{"old:1"}},
			{"Id": "sha256:ours", "Created": 300, "RepoTags": []string{ledger.Name("proof") + ":latest"}},
			{"Id": e.id, "Created": 200, "RepoTags": []string{"<none>:<none>", "app:1"}},
		})
	case strings.HasSuffix(p, "/images/get"):
		e.saves.Add(1)
		t := &testing.T{}
		_, _ = w.Write(tarOf(t, e.image.save(t, "app:1")...))
	default:
		w.WriteHeader(http.StatusNotFound)
		answer(obj{"message": "no such image"})
	}
}

func engine(t *testing.T, e *fakeEngine) func(string) string {
	t.Helper()
	srv := httptest.NewServer(e)
	t.Cleanup(srv.Close)
	return env(map[string]string{"DOCKER_HOST": "tcp://" + strings.TrimPrefix(srv.URL, "http://")})
}

func env(m map[string]string) func(string) string { return func(k string) string { return m[k] } }

// TestEngine: the first scan has the Engine save the image; the second does
// not, and sees the same.
func TestEngine(t *testing.T) {
	m := makeImage(t, "amd64", tarOf(t, part{name: "a", text: "a"}), tarOf(t, part{name: "b", text: "b"}))
	e := &fakeEngine{image: m, id: string(finding.DigestOf([]byte(m.config)))}
	for _, l := range m.layers {
		e.layers = append(e.layers, string(finding.DigestOf(l)))
	}
	work := t.TempDir()
	opt := Options{Getenv: engine(t, e), Cache: &cache.Cache{Dir: t.TempDir()}, WorkDir: work}
	for _, target := range []string{"local://app:1", "docker-daemon:app:1", "app:1"} {
		im, err := Open(context.Background(), target, opt)
		if err != nil {
			t.Fatal(err)
		}
		s, err := im.Scan(context.Background(), ScanOptions{Analyzers: lister(), Cache: opt.Cache})
		if err != nil {
			t.Fatal(err)
		}
		if im.Kind != "engine" || string(im.ID) != e.id || s.Tree.Len() != 2 || im.Name != "app:1" || !slices.Equal(im.Tags, []string{"app:1"}) || im.Layers[1].Step != 1 {
			t.Errorf("%s: %+v", target, im)
		}
		if err := im.Close(); err != nil {
			t.Error(err)
		}
	}
	if n := e.saves.Load(); n != 1 {
		t.Errorf("saved %d times", n)
	}
	// New readers want the layers again.
	im, err := Open(context.Background(), "local://app:1", opt)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := im.Scan(context.Background(), ScanOptions{Cache: opt.Cache}); err != nil || e.saves.Load() != 2 {
		t.Errorf("saved %d times: %v", e.saves.Load(), err)
	}
	if err := im.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(work); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	if name, err := Latest(context.Background(), opt); err != nil || name != "app:1" {
		t.Errorf("latest: %s %v", name, err)
	}
	var pe *PlatformError
	opt.Platform = "linux/arm64"
	if _, err := Open(context.Background(), "local://app:1", opt); !errors.As(err, &pe) {
		t.Errorf("%v", err)
	}
}

// TestEngineLies: a daemon whose saved bytes are not what it names.
func TestEngineLies(t *testing.T) {
	m := makeImage(t, "amd64", tarOf(t, part{name: "a", text: "a"}))
	e := &fakeEngine{image: m, id: string(finding.DigestOf([]byte(m.config))), layers: []string{"sha256:" + strings.Repeat("1", 64)}}
	var mis *layer.MismatchError
	if _, err := tryScan("local://app:1", Options{Getenv: engine(t, e)}); !errors.As(err, &mis) {
		t.Errorf("%v", err)
	}
	e.layers = nil
	if _, err := tryScan("local://app:1", Options{Getenv: engine(t, e)}); err == nil || !strings.Contains(err.Error(), "names 0 layers") {
		t.Errorf("%v", err)
	}
}

func TestEngineIsNotThere(t *testing.T) {
	m := app(t, "amd64", "x")
	e := &fakeEngine{image: m}
	for name, c := range map[string]struct {
		env  func(string) string
		want string
	}{
		"no such image": {engine(t, e), "no image other"},
		"no socket":     {env(map[string]string{"DOCKER_HOST": "unix:///nowhere/docker.sock"}), "docker engine"},
		"refused":       {env(map[string]string{"DOCKER_HOST": "tcp://127.0.0.1:1"}), "docker engine"},
		"ssh":           {env(map[string]string{"DOCKER_HOST": "ssh://me@there"}), "SSH"},
		"nonsense":      {env(map[string]string{"DOCKER_HOST": "::"}), "docker engine"},
		"no context":    {env(map[string]string{"DOCKER_CONFIG": t.TempDir(), "DOCKER_CONTEXT": "none"}), "docker context none"},
	} {
		for _, target := range []string{"local://other", "other"} {
			_, err := Open(context.Background(), target, Options{Getenv: c.env, Offline: true})
			var h finding.Hinter
			if err == nil || !strings.Contains(err.Error(), c.want) || !errors.As(err, &h) {
				t.Errorf("%s: %s: %v", name, target, err)
			}
		}
	}
}

func TestEndpoint(t *testing.T) {
	dir := t.TempDir()
	id := finding.DigestOf([]byte("remote")).Hex()
	for name, text := range map[string]string{
		"config.json":                           `{"currentContext":"remote"}`,
		"contexts/meta/" + id + "/meta.json":    `{"Name":"remote","Endpoints":{"docker":{"Host":"tcp://there:2376"}}}`,
		"contexts/tls/" + id + "/docker/ca.pem": "x",
	} {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o700), os.WriteFile(p, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	certs := filepath.Join(dir, "contexts", "tls", id, "docker")
	for _, c := range []struct {
		env  map[string]string
		want engineEndpoint
	}{
		{map[string]string{"DOCKER_CONFIG": dir}, engineEndpoint{"tcp://there:2376", certs}},
		{map[string]string{"DOCKER_CONFIG": dir, "DOCKER_CONTEXT": "default"}, engineEndpoint{}},
		{map[string]string{"DOCKER_CONFIG": dir, "DOCKER_HOST": "unix:///x"}, engineEndpoint{host: "unix:///x"}},
		{map[string]string{"DOCKER_HOST": "tcp://h", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/c"}, engineEndpoint{"tcp://h", "/c"}},
		{map[string]string{"DOCKER_CONFIG": t.TempDir()}, engineEndpoint{}},
	} {
		if got, err := endpoint(env(c.env)); err != nil || got != c.want {
			t.Errorf("%v: %+v %v", c.env, got, err)
		}
	}
}

// TestRealEngine loads an image into the Docker Engine of this machine, scans
// it there twice, and takes it away again.
func TestRealEngine(t *testing.T) {
	cli, err := DialEngine(Options{})
	if err == nil {
		_, err = cli.Ping(context.Background(), client.PingOptions{})
	}
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no Docker Engine: %v", err)
		}
		t.Skipf("no Docker Engine: %v", err)
	}
	ctx := context.Background()
	m := makeImage(t, "amd64", tarOf(t, part{name: "etc/os-release", text: "ID=drydock\n"}), tarOf(t, part{name: "b", text: t.Name()}))
	const ref = "drydock-image-test:1"
	r, err := cli.ImageLoad(ctx, strings.NewReader(string(tarOf(t, m.save(t, ref)...))))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, err := cli.ImageRemove(ctx, ref, client.ImageRemoveOptions{Force: true})
		if err := errors.Join(err, cli.Close()); err != nil {
			t.Error(err)
		}
	})
	work := t.TempDir()
	opt := Options{Cache: &cache.Cache{Dir: t.TempDir()}, WorkDir: work}
	var first *Image
	for range 2 {
		im, s := scanOf(t, "image://"+ref, opt)
		if im.Kind != "engine" || s.Tree.Len() < 2 || len(im.Layers) != 2 || im.Layers[0].DiffID != finding.DigestOf(m.layers[0]) || im.Platform != "linux/amd64" {
			t.Errorf("%+v", im)
		}
		if first == nil {
			first = im
		} else if first.ID != im.ID || first.Digest != im.Digest || first.Layers[0].Size != im.Layers[0].Size {
			t.Errorf("cold and warm differ:\n%+v\n%+v", first, im)
		}
	}
	if left, err := os.ReadDir(work); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	if name, err := Latest(ctx, opt); err != nil || name == "" {
		t.Errorf("latest: %q %v", name, err)
	}
}
