package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/cli"
)

// keyhole is an Engine's socket through which nothing but reading passes, and which can
// be shut.
type keyhole struct {
	t    *testing.T
	path string
	to   string

	mu      sync.Mutex
	server  *http.Server
	refused []string
}

func newKeyhole(t *testing.T) *keyhole {
	t.Helper()
	to, ok := strings.CutPrefix(os.Getenv("DOCKER_HOST"), "unix://")
	if !ok {
		lacking(t, "the Engine is not behind a socket: %s", os.Getenv("DOCKER_HOST"))
	}
	dir, err := os.MkdirTemp("", "k") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	k := &keyhole{t: t, path: filepath.Join(dir, "s"), to: to}
	k.open()
	t.Cleanup(func() { k.shut(); _ = os.RemoveAll(dir) })
	return k
}

func (k *keyhole) open() {
	k.t.Helper()
	ln, err := net.Listen("unix", k.path)
	if err != nil {
		k.t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: "engine"})
	proxy.FlushInterval = -1
	proxy.ErrorLog = nil
	proxy.Transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", k.to)
	}}
	s := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			k.mu.Lock()
			k.refused = append(k.refused, r.Method+" "+r.URL.Path)
			k.mu.Unlock()
			http.Error(w, `{"message":"reading only"}`, http.StatusForbidden)
			return
		}
		defer func() { _ = recover() }() // the proxy's way to say that a stream was cut
		proxy.ServeHTTP(w, r)
	})}
	k.mu.Lock()
	k.server = s
	k.mu.Unlock()
	go func() { _ = s.Serve(ln) }()
}

func (k *keyhole) shut() {
	k.mu.Lock()
	defer k.mu.Unlock()
	_ = k.server.Close()
}

// aside is a verb that runs in a process's place until stop is called or the test ends.
func aside(t *testing.T, home string, env map[string]string, args ...string) (out *lockedText, stop func()) {
	t.Helper()
	out = &lockedText{}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan int, 1)
	go func() {
		ended <- cli.Main(ctx, cli.Env{Stdout: out, Stderr: out, Now: time.Now, Getenv: func(k string) string {
			if k == "HOME" {
				return home
			}
			return env[k]
		}}, append([]string{"drydock"}, args...)...)
	}()
	stop = sync.OnceFunc(func() { cancel(); <-ended })
	t.Cleanup(stop)
	return out, stop
}

// lockedText is read while somebody writes to it.
type lockedText struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestEngineAgent: what starts, stops, is renamed, built and tagged on a real Engine is
// shown by a service, also where the Engine was away and more happened meanwhile than it
// keeps; and nothing but reading is asked of it.
func TestEngineAgent(t *testing.T) {
	docker := engine(t)
	prefix, base := importBase(t, docker)
	prefix = strings.ReplaceAll(prefix, "/", "-")
	hole, home := newKeyhole(t), t.TempDir()
	served, _ := aside(t, home, nil, "serve", "--listen", "127.0.0.1:0")
	at := regexp.MustCompile(`serving at (\S+)`)
	for range 500 {
		if at.MatchString(served.String()) {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	m := at.FindStringSubmatch(served.String())
	if m == nil {
		t.Fatalf("serve does not answer: %s", served)
	}
	env := map[string]string{"DOCKER_HOST": "unix://" + hole.path}
	start := func() (*lockedText, func()) {
		return aside(t, home, env, "agent", "--server", m[1], "--environment", "prod", "--name", prefix, "--every", "10m", "--images", "running")
	}
	said, stop := start()

	type row struct {
		ID, Name, Ref, Host, Env, Moved string
		Image                           *struct{ ID, Ref string }
		Declared                        *struct {
			User     string
			Memory   int64
			ReadOnly bool
		}
	}
	ask := func(path string, to any) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, m[1]+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err == nil {
			err = json.Unmarshal(b, to)
		}
		if err != nil {
			t.Fatalf("%s: %v: %s", path, err, b)
		}
	}
	var last []row
	want := func(what string, names ...string) []row {
		t.Helper()
		var got []string
		for range 600 {
			var l struct{ Items []row }
			ask("/api/v1/running?limit=1000&q="+url.QueryEscape(prefix), &l)
			got = nil
			last = slices.DeleteFunc(l.Items, func(r row) bool { return !strings.HasPrefix(r.Name, prefix) }) // others use this Engine
			for _, r := range last {
				got = append(got, strings.TrimPrefix(r.Name, prefix+"-"))
			}
			if slices.Sort(got); slices.Equal(got, names) {
				return last
			}
			time.Sleep(50 * time.Millisecond)
		}
		t.Fatalf("%s: the service shows %q, want %q\n%s", what, got, names, said)
		return nil
	}
	run := func(name string, args ...string) {
		t.Helper()
		name = prefix + "-" + name
		command(t, nil, docker, append(append([]string{"run", "--detach", "--name", name}, args...), "sleep", "600")...)
		t.Cleanup(func() { _ = exec.Command(docker, "rm", "--force", name).Run() })
	}
	renamed := func(from, to string) {
		t.Helper()
		command(t, nil, docker, "rename", prefix+"-"+from, prefix+"-"+to)
		t.Cleanup(func() { _ = exec.Command(docker, "rm", "--force", prefix+"-"+to).Run() })
	}

	run("web", "--user", "1000", "--memory", "64m", "--read-only", "--env", "PASSWORD=v9Rt4nXb7cPe", "--network", "none", base)
	rows := want("started", "web")
	if r := rows[0]; r.Ref != base || r.Env != "prod" || r.Host != prefix || r.Declared == nil || r.Declared.User != "1000" || r.Declared.Memory != 64<<20 || !r.Declared.ReadOnly {
		t.Errorf("%+v", r)
	}
	for range 600 { // its SBOM comes a little later
		if rows = want("started", "web"); rows[0].Image != nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	var found struct{ Total int }
	if rows[0].Image == nil {
		t.Fatalf("the image is not known: %s", said)
	}
	if ask("/api/v1/packages?q=musl", &found); found.Total == 0 {
		t.Error("the SBOM has no musl")
	}
	renamed("web", "front")
	want("renamed", "front")
	run("db", "--network", "none", base)
	want("another started", "db", "front")
	command(t, nil, docker, "stop", "--time", "0", prefix+"-db")
	want("stopped", "front")

	// The tag means another image now.
	command(t, nil, docker, "build", "--quiet", "--tag", base, "-f", dockerfileOf(t, "FROM "+base+"\nLABEL next=1\n"), t.TempDir())
	for range 600 {
		if want("built", "front"); last[0].Moved != "" {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if last[0].Moved == "" {
		t.Errorf("the tag moved, and nobody says so: %+v", last)
	}

	// The Engine is away, and more happens than it keeps events of.
	hole.shut()
	command(t, nil, docker, "start", prefix+"-db")
	renamed("front", "web2")
	for i := range 150 {
		name := fmt.Sprintf("%s:t%d", strings.Split(base, ":")[0], i)
		command(t, nil, docker, "tag", base, name)
		command(t, nil, docker, "rmi", name)
	}
	hole.open()
	want("the Engine was away", "db", "web2")
	var hosts struct {
		Items []struct {
			Name, Version string
			Drift         struct{ Added, Changed, Removed int }
		}
	}
	ask("/api/v1/hosts?q="+prefix, &hosts)
	if len(hosts.Items) != 1 || hosts.Items[0].Drift.Added < 1 || hosts.Items[0].Drift.Changed < 1 || hosts.Items[0].Version == "" {
		t.Errorf("%+v", hosts)
	}

	// The agent is gone, without a word.
	stop()
	command(t, nil, docker, "rm", "--force", prefix+"-db")
	_, stop = start()
	want("the agent was away", "web2")
	command(t, nil, docker, "rm", "--force", prefix+"-web2")
	want("all gone")
	stop()
	if len(hole.refused) > 0 {
		t.Errorf("the agent asks the Engine for changes: %q", hole.refused)
	}
	if s := said.String(); strings.Contains(s, "v9Rt4nXb7cPe") {
		t.Error("a secret is logged")
	}
}

func dockerfileOf(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "Dockerfile")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
