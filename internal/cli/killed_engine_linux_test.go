package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// overhearing stands between the program and the Engine, and hears the names of all
// that is asked for, so that nobody's own list has to be believed.
type overhearing struct {
	host  string
	mu    sync.Mutex
	names []string
}

var made = regexp.MustCompile(`drydock-[a-z]+-[a-z2-7]{26}`)

func overhear(t *testing.T) *overhearing {
	t.Helper()
	u, err := url.Parse(os.Getenv("DOCKER_HOST"))
	if err != nil || u.Scheme != "unix" {
		t.Skipf("the Engine at %q has no socket to stand before", os.Getenv("DOCKER_HOST"))
	}
	dir, err := os.MkdirTemp("/tmp", "drydock-relay-") // short: a socket's path is
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	o := &overhearing{host: "unix://" + dir + "/s"}
	l, err := net.Listen("unix", dir+"/s")
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.URL.Scheme, p.Out.URL.Host, p.Out.Host = "http", "docker", p.In.Host
		},
		FlushInterval: -1,
		ErrorHandler:  func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", u.Path)
		}, DisableCompression: true},
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.Method == http.MethodPost && strings.HasSuffix(q.URL.Path, "/create") {
			body, _ := io.ReadAll(q.Body)
			q.Body = io.NopCloser(bytes.NewReader(body))
			o.mu.Lock()
			o.names = append(o.names, made.FindAllString(q.URL.RawQuery+string(body), -1)...)
			o.mu.Unlock()
			q = q.WithContext(context.WithoutCancel(q.Context())) // the Engine goes on, whoever asked
		}
		proxy.ServeHTTP(w, q)
	})}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return o
}

// left is what there is of all that was heard, and of mounts and instances of tracing
// that are ours.
func (o *overhearing) left(t *testing.T, docker, home string) []string {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	var left []string
	for _, args := range [][]string{
		{"ps", "--all", "--format", "{{.Names}}"},
		{"network", "ls", "--format", "{{.Name}}"},
		{"images", "--all", "--format", "{{.Repository}}"},
		{"volume", "ls", "--format", "{{.Name}}"},
	} {
		for _, name := range strings.Fields(command(t, nil, docker, args...)) {
			if slices.Contains(o.names, name) {
				left = append(left, args[0]+" "+name)
			}
		}
	}
	for line := range strings.Lines(readText(t, "/proc/self/mountinfo")) {
		if strings.Contains(line, home) {
			left = append(left, "mount "+line)
		}
	}
	for _, dir := range []string{"/sys/kernel/tracing/instances", "/sys/kernel/debug/tracing/instances", "/sys/fs/bpf"} {
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			if strings.Contains(e.Name(), "drydock") {
				left = append(left, filepath.Join(dir, e.Name()))
			}
		}
	}
	return left
}

// victim is a verb that is ended while it works.
type victim struct {
	t      *testing.T
	docker string
	home   string
	heard  *overhearing
	args   []string
}

// run has it ended by a signal after a time; 0: never.
func (v *victim) run(sig os.Signal, after time.Duration, args ...string) (string, error) {
	v.t.Helper()
	cmd := exec.Command(filepath.Join(v.home, "drydock"), args...)
	cmd.Env = append(os.Environ(), "HOME="+v.home, "XDG_CACHE_HOME="+v.home+"/cache", "XDG_DATA_HOME="+v.home+"/data",
		"TMPDIR="+v.home+"/tmp", "DOCKER_HOST="+v.heard.host)
	cmd.Dir = v.home
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		v.t.Fatal(err)
	}
	if after > 0 {
		timer := time.AfterFunc(after, func() { _ = cmd.Process.Signal(sig) })
		defer timer.Stop()
	}
	err := cmd.Wait()
	return out.String(), err
}

// die ends the verb at random instants, and wants nothing left: at once where it was
// told to end, and after the next run, of any verb, where it was killed.
func (v *victim) die() {
	at := time.Now()
	if out, err := v.run(nil, 0, v.args...); err != nil {
		v.t.Fatalf("undisturbed: %v\n%s", err, out)
	}
	whole := time.Since(at)
	if left := v.heard.left(v.t, v.docker, v.home); len(left) > 0 {
		v.t.Errorf("undisturbed, it leaves %v", left)
	}
	v.heard.mu.Lock()
	if len(v.heard.names) == 0 {
		v.t.Error("nothing was heard of what it made")
	}
	v.heard.mu.Unlock()
	times := 1
	if n, err := strconv.Atoi(os.Getenv("DRYDOCK_KILLS")); err == nil {
		times = n
	}
	for range times {
		for _, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGINT, syscall.SIGTERM} {
			after := time.Duration(rand.Int64N(int64(whole)) + 1) //nolint:gosec // any instant will do
			when := fmt.Sprintf("%s after %s of %s", sig, after, whole)
			out, _ := v.run(sig, after, v.args...) // it may have been done
			if left := v.heard.left(v.t, v.docker, v.home); len(left) > 0 && sig != syscall.SIGKILL {
				v.t.Errorf("%s: it leaves %v\n%s", when, left, out)
			}
			out, err := v.run(nil, 0, "version")
			if left := v.heard.left(v.t, v.docker, v.home); err != nil || len(left) > 0 {
				v.t.Errorf("%s: %v, the next run leaves %v\n%s", when, err, left, out)
			}
			entries, err := os.ReadDir(filepath.Join(v.home, "tmp"))
			if err != nil || len(entries) > 0 {
				v.t.Errorf("%s: temporary files are left: %v %v", when, entries, err)
			}
		}
	}
}

// nightly skips what takes minutes, but where kills are asked for.
func nightly(t *testing.T) {
	t.Helper()
	if os.Getenv("DRYDOCK_KILLS") == "" {
		t.Skip("DRYDOCK_KILLS is not set: killed in .ci/nightly")
	}
}

func newVictim(t *testing.T) (*victim, string) {
	t.Helper()
	docker := engine(t)
	_, base := importBase(t, docker)
	_, home := process(t)
	return &victim{t: t, docker: docker, home: home, heard: overhear(t)}, base
}

// served waits for commands, which the exercise has.
func served(base string) []string {
	return []string{"--test", "touch /tmp/x", "--for", "300ms", base, "sleep", "600"}
}

func TestEngineObserveKilled(t *testing.T) {
	nightly(t)
	v, base := newVictim(t)
	v.args = append([]string{"observe", "-o", "seen.json"}, served(base)...)
	v.die()
}

func TestEngineObserveComposeKilled(t *testing.T) {
	nightly(t)
	v, base := newVictim(t)
	writeFiles(t, v.home, map[string]string{"compose.yaml": "services:\n  web:\n    image: " + base + "\n    command: sleep 600\n" +
		"    volumes: [data:/data]\nvolumes: {data: {}}\n"})
	v.args = []string{"observe", "--compose", "compose.yaml", "--test", "web: touch /data/x", "-o", "seen"}
	v.die()
}

func TestEngineConfineKilled(t *testing.T) {
	nightly(t)
	v, base := newVictim(t)
	if out, err := v.run(nil, 0, append([]string{"observe", "-o", "seen.json"}, served(base)...)...); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	v.args = []string{"confine", "seen.json", "-o", "profile"}
	v.die()
}
