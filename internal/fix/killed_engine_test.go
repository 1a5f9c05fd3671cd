package fix_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix"
	"github.com/drydock-dev/drydock/internal/ledger"
	"github.com/drydock-dev/drydock/internal/runtime"
)

// relay stands between a proof and the Engine. It hears the names of all that is
// asked for, and calls back before a thing is asked for and after it was made.
type relay struct {
	socket string
	heard  string // what the docker program was called with
	mu     sync.Mutex
	names  []string
	at     func(event string) // may be nil
}

var ours = regexp.MustCompile(`drydock-proof-[a-z2-7]{26}`)

func newRelay(t *testing.T) *relay {
	t.Helper()
	host := os.Getenv("DOCKER_HOST")
	if host == "" {
		host = "unix:///var/run/docker.sock"
	}
	u, err := url.Parse(host)
	if err != nil || u.Scheme != "unix" {
		t.Skipf("the Engine at %s has no socket to stand before", host)
	}
	dir, err := os.MkdirTemp("/tmp", "drydock-relay-") // short: a socket's path is
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	r := &relay{socket: filepath.Join(dir, "s"), heard: filepath.Join(dir, "heard")}
	program := filepath.Join(dir, "docker")
	script := fmt.Sprintf("#!/bin/sh\necho \"$*\" >>'%s'\nexec '%s' \"$@\"\n", r.heard, builder())
	put(t, program, script, 0o755)
	t.Setenv("DRYDOCK_DOCKER", program)
	l, err := net.Listen("unix", r.socket)
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
		ModifyResponse: func(res *http.Response) error {
			if what := creates(res.Request); what != "" && res.StatusCode < 300 {
				r.event(what + " made")
			}
			return nil
		},
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if what := creates(q); what != "" {
			body, _ := io.ReadAll(q.Body)
			q.Body = io.NopCloser(bytes.NewReader(body))
			r.hear(q.URL.RawQuery + string(body))
			r.event(what + " asked")
			q = q.WithContext(context.WithoutCancel(q.Context())) // the Engine goes on, whoever asked
		}
		proxy.ServeHTTP(w, q)
	})}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return r
}

// creates names what a request makes, and is empty for one that makes nothing.
func creates(q *http.Request) string {
	for _, what := range []string{"container", "network"} {
		if q.Method == http.MethodPost && strings.HasSuffix(q.URL.Path, "/"+what+"s/create") {
			return what
		}
	}
	return ""
}

func (r *relay) event(what string) {
	r.mu.Lock()
	at := r.at
	r.mu.Unlock()
	if at != nil {
		at(what)
	}
}

func (r *relay) hear(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.names = append(r.names, ours.FindAllString(text, -1)...)
}

// left is what is in the Engine of all that was heard.
func (r *relay) left(t *testing.T) []string {
	t.Helper()
	b, _ := os.ReadFile(r.heard)
	r.hear(string(b))
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.names) == 0 {
		return nil
	}
	var left []string
	for _, args := range [][]string{
		{"ps", "--all", "--format", "{{.Names}}"},
		{"network", "ls", "--format", "{{.Name}}"},
		{"images", "--all", "--format", "{{.Repository}}"},
		{"volume", "ls", "--format", "{{.Name}}"},
	} {
		out, err := exec.Command("docker", args...).Output()
		if err != nil {
			out, err = exec.Command(builder(), args...).Output()
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range strings.Fields(string(out)) {
			if slices.Contains(r.names, name) {
				left = append(left, args[0]+" "+name)
			}
		}
	}
	return left
}

// TestEngineProofChild is the proof that the other tests kill.
func TestEngineProofChild(t *testing.T) {
	dir := os.Getenv("FIX_TEST_CHILD")
	if dir == "" {
		t.Skip("it is run by others")
	}
	ctx, stop := signal.NotifyContext(t.Context(), syscall.SIGTERM)
	defer stop()
	l := ledger.Open(os.Getenv("FIX_TEST_DATA"), disk.User{}, func(what string) { fmt.Println("told:", what) })
	p := &fix.Prover{
		Dial: dialer(l), Ledger: l, Measure: measure, Now: time.Now,
		Work: fix.Workload{Settle: 200 * time.Millisecond, Ready: 5 * time.Second, Probes: []string{"http://localhost:8080/"}},
	}
	name := filepath.Join(dir, "Dockerfile")
	after := strings.Replace(plain, "EXPOSE", "VOLUME /data\nEXPOSE", 1)
	v, err := p.Prove(ctx, fix.Candidate{
		Dockerfile: name, Before: map[string][]byte{name: []byte(plain)}, After: map[string][]byte{name: []byte(after)},
	}, finding.Ran)
	if err != nil && !errors.Is(err, context.Canceled) || len(v.Left) > 0 {
		t.Fatalf("%v, left %v", err, v.Left)
	}
	if err == nil && v.Reached != finding.Ran {
		t.Fatalf("%+v %+v %+v", v, v.Failed, v.Short)
	}
}

// victim is a proof in a process of its own, behind a relay.
type victim struct {
	*bench
	r   *relay
	tmp string
}

func newVictim(t *testing.T) *victim {
	t.Helper()
	b := newBench(t)
	put(t, filepath.Join(b.dir, "Dockerfile"), plain, 0o644)
	return &victim{bench: b, r: newRelay(t), tmp: os.Getenv("TMPDIR")}
}

// run runs it, and has it killed: at the nth event, or after a time. It returns
// the events and whether the process ended well.
func (v *victim) run(sig os.Signal, nth int, after time.Duration) (events []string, out string, err error) {
	v.t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestEngineProofChild$")
	cmd.Env = append(os.Environ(), "FIX_TEST_CHILD="+v.dir, "FIX_TEST_DATA="+v.data, "DOCKER_HOST=unix://"+v.r.socket, "TMPDIR="+v.tmp)
	var text bytes.Buffer
	cmd.Stdout, cmd.Stderr = &text, &text
	var mu sync.Mutex
	v.r.mu.Lock()
	v.r.at = func(what string) {
		mu.Lock()
		defer mu.Unlock()
		if events = append(events, what); len(events) == nth {
			_ = cmd.Process.Signal(sig)
			time.Sleep(20 * time.Millisecond) // it is dead, or knows that it is to end
		}
	}
	v.r.mu.Unlock()
	if err := cmd.Start(); err != nil {
		v.t.Fatal(err)
	}
	if after > 0 {
		timer := time.AfterFunc(after, func() { _ = cmd.Process.Signal(sig) })
		defer timer.Stop()
	}
	err = cmd.Wait()
	mu.Lock()
	defer mu.Unlock()
	return slices.Clone(events), text.String(), err
}

// nextRun does what the next run of any verb does first, and wants nothing left.
func (v *victim) nextRun(when string) {
	v.t.Helper()
	var told []string
	l := ledger.Open(v.data, disk.User{}, func(what string) { told = append(told, what) })
	runtime.Sweep(v.t.Context(), runtime.Options{Docker: builder(), Ledger: l})
	if left := v.r.left(v.t); len(left) > 0 {
		v.t.Errorf("%s: the next run leaves %v; it says %q", when, left, told)
	}
	only(v.t, v.tmp)
}

// TestEngineKilledProofsLeaveNothing: killed or told to end, before anything is
// made, after, and at any other instant, a proof leaves nothing that the next run
// does not take away; and told to end, nothing at all.
func TestEngineKilledProofsLeaveNothing(t *testing.T) {
	v := newVictim(t)
	at := time.Now()
	all, out, err := v.run(nil, 0, 0)
	whole := time.Since(at)
	if err != nil || len(all) < 6 {
		t.Fatalf("undisturbed: %v, events %v\n%s", err, all, out)
	}
	v.nextRun("undisturbed")
	for nth, event := range all {
		_, _, err := v.run(os.Kill, nth+1, 0)
		if err == nil {
			t.Errorf("killed when %s: it ends well", event)
		}
		v.nextRun(fmt.Sprintf("killed at event %d, %s", nth+1, event))
		if _, out, err = v.run(syscall.SIGTERM, nth+1, 0); err != nil {
			t.Errorf("told to end when %s: %v\n%s", event, err, out)
		}
		if left := v.r.left(t); len(left) > 0 {
			t.Errorf("told to end when %s, it leaves %v", event, left)
		}
		v.nextRun(fmt.Sprintf("told to end at event %d, %s", nth+1, event))
	}
	random := 8
	if testing.Short() {
		random = 2
	}
	if n, err := strconv.Atoi(os.Getenv("DRYDOCK_KILLS")); err == nil {
		random = n // .ci/nightly
	}
	for range random {
		after := time.Duration(rand.Int64N(int64(whole)) + 1) //nolint:gosec // any instant will do
		_, _, _ = v.run(os.Kill, 0, after)                    // it may have been done
		v.nextRun("killed after " + after.String())
		after = time.Duration(rand.Int64N(int64(whole)) + 1) //nolint:gosec // any instant will do
		_, _, _ = v.run(syscall.SIGTERM, 0, after)
		v.nextRun("told to end after " + after.String())
	}
}

// TestEngineLeavesOthersAlone: what carries our labels and was not made by us,
// of its own or from its image, stays as it is.
func TestEngineLeavesOthersAlone(t *testing.T) {
	b := newBench(t)
	name := "drydock-others-" + strings.ToLower(disk.Random())
	docker := func(args ...string) string {
		t.Helper()
		out, err := exec.Command(builder(), args...).CombinedOutput()
		if err != nil {
			t.Fatalf("docker %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	labels := []string{"--label", fix.Label + "=x", "--label", fix.Label + ".at=1"}
	put(t, filepath.Join(b.dir, "Dockerfile"), plain+"LABEL "+fix.Label+"=x "+fix.Label+".at=1\nVOLUME /data\n", 0o644)
	cmd := exec.Command(builder(), "build", "--quiet", "--tag", name, b.dir)
	cmd.Env = append(os.Environ(), "DOCKER_BUILDKIT=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Cleanup(func() {
		for _, args := range [][]string{{"rm", "--force", "--volumes", name}, {"rmi", name}, {"volume", "rm", name}, {"network", "rm", name}} {
			if out, err := exec.Command(builder(), args...).CombinedOutput(); err != nil {
				t.Errorf("docker %v: %v\n%s", args, err, out)
			}
		}
	})
	docker(append([]string{"volume", "create", name}, labels...)...)
	docker(append([]string{"network", "create", name}, labels...)...)
	docker("run", "--detach", "--name", name, "--network", name, "--volume", name+":/more", name) // it inherits the labels
	// The Engine lists mounts in any order.
	mounts := func() string {
		const format = "{{range .Mounts}}{{.Type}} {{.Name}} {{.Source}} {{.Destination}} {{.RW}}\n{{end}}"
		lines := strings.Split(docker("inspect", "--type", "container", "--format", format, name), "\n")
		slices.Sort(lines)
		return strings.Join(lines, "\n")
	}
	state := func() string {
		return docker("inspect", "--type", "container", "--format", "{{.Id}} {{.State.Running}} {{.State.StartedAt}}", name) + mounts() +
			docker("image", "inspect", "--format", "{{.Id}} {{.RepoTags}}", name) +
			docker("network", "inspect", "--format", "{{.Id}} {{.Containers}}", name) + docker("volume", "inspect", name)
	}
	before := state()
	base := "FROM " + name + "\n"
	b.p.Work.Probes = []string{"http://localhost:8080/"}
	file := put(t, filepath.Join(b.dir, "Dockerfile"), base, 0o644)
	v, err := b.p.Prove(t.Context(), fix.Candidate{
		Dockerfile: file, Before: map[string][]byte{file: []byte(base)}, After: map[string][]byte{file: []byte(base + "LABEL a=b\n")},
	}, finding.Ran)
	if err != nil || v.Reached != finding.Ran || len(v.Left) > 0 {
		t.Fatalf("%v %+v %+v %+v", err, v, v.Failed, v.Short)
	}
	if after := state(); after != before {
		t.Errorf("before the proof:\n%s\nafter it:\n%s", before, after)
	}

	// Nor is a thing that has a name of ours and another id.
	l := ledger.Open(b.data, disk.User{}, nil)
	e, err := runtime.Dial(t.Context(), runtime.Options{Docker: builder(), Ledger: l})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if err := e.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	id := docker("inspect", "--type", "container", "--format", "{{.Id}}", name)
	for what, want := range map[ledger.Entry]ledger.Fate{
		{Kind: ledger.Container, Name: ledger.Name("proof"), ID: id}:                               ledger.Spared,
		{Kind: ledger.Container, Name: name, ID: strings.Repeat("ab", 32)}:                         ledger.Absent,
		{Kind: ledger.Container, Name: ledger.Name("proof")}:                                       ledger.Absent,
		{Kind: ledger.Image, Name: name, ID: "sha256:" + strings.Repeat("ab", 32)}:                 ledger.Spared,
		{Kind: ledger.Network, Name: name, ID: strings.Repeat("ab", 32)}:                           ledger.Absent,
		{Kind: ledger.Volume, Name: ledger.Name("proof")}:                                          ledger.Absent,
		{Kind: ledger.Image, Name: ledger.Name("proof"), ID: "sha256:" + strings.Repeat("ab", 32)}: ledger.Absent,
	} {
		if fate, err := e.Take(t.Context(), what); err != nil || fate != want {
			t.Errorf("%+v: %v %v, want %v", what, fate, err, want)
		}
	}
	if after := state(); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

// TestEngineContainersHaveLimits: what a proof's container may, as the Engine
// and the kernel have it.
func TestEngineContainersHaveLimits(t *testing.T) {
	b := newBench(t)
	base := alpine(t)
	b.p.Work.Tests = []string{
		`grep -q "^NoNewPrivs:.1" /proc/self/status`,
		`cd /sys/fs/cgroup; test "$(cat memory.max memory/memory.limit_in_bytes 2>/dev/null)" = 2147483648`,
		`cd /sys/fs/cgroup; test "$(cat pids.max pids/pids.max 2>/dev/null)" = 2048`,
		`cd /sys/fs/cgroup; q=$(cat cpu.max cpu/cpu.cfs_quota_us 2>/dev/null); test ${q%% *} -gt 0 && test ${q%% *} -le 200000`,
	}
	text := "FROM " + base + "\nCMD [\"sleep\", \"600\"]\n"
	v, err := b.prove(t.Context(), finding.Ran, text, text+"LABEL a=b\n")
	if err != nil || v.Reached != finding.Ran {
		t.Fatalf("%v %+v %+v %+v", err, v, v.Failed, v.Short)
	}
	l := ledger.Open(b.data, disk.User{}, nil)
	e, err := runtime.Dial(t.Context(), runtime.Options{Docker: builder(), Ledger: l})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	defer func() {
		if err := e.Clear(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	c, err := e.Start(t.Context(), runtime.Run{Image: base, Command: []string{"sleep", "600"}})
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(builder(), "inspect", "--format", "{{.HostConfig.StorageOpt}}", c.ID).Output()
	if err != nil || strings.Contains(string(out), "size:10737418240") != e.LimitsDisk() {
		t.Errorf("%v: %s; it says that the disk is limited: %v", err, out, e.LimitsDisk())
	}
	said := strings.Contains(strings.Join(v.Notes, "\n"), "had no limit")
	if said == e.LimitsDisk() {
		t.Errorf("the disk is limited: %v; notes: %q", e.LimitsDisk(), v.Notes)
	}
}

// TestEngineNothingIsMadeWithoutALedger: what cannot be written down is not made.
func TestEngineNothingIsMadeWithoutALedger(t *testing.T) {
	b := newBench(t)
	file := put(t, filepath.Join(t.TempDir(), "file"), "", 0o644)
	r := newRelay(t)
	for name, l := range map[string]*ledger.Ledger{"none": nil, "a file in its place": ledger.Open(file, disk.User{}, nil)} {
		b.p.Ledger, b.p.Dial = l, dialer(l)
		_, err := b.prove(t.Context(), finding.Ran, plain, plain+"LABEL a=b\n")
		var no *ledger.UnwritableError
		if !errors.As(err, &no) || no.Hint() == "" {
			t.Errorf("%s: %v", name, err)
		}
		e, err := dialer(l)(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, nerr := e.Network(t.Context(), nil)
		_, cerr := e.Start(t.Context(), runtime.Run{Image: "none"})
		_, berr := e.Build(t.Context(), runtime.Build{Context: b.dir, Dockerfile: filepath.Join(b.dir, "Dockerfile")})
		for _, err := range []error{nerr, cerr, berr} {
			if !errors.As(err, &no) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
	if heard, err := os.ReadFile(r.heard); err == nil && strings.Contains(string(heard), "--tag") {
		t.Errorf("a build was begun: %s", heard)
	}
	only(t, os.TempDir())
}
