package observe_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/ledger"
	"github.com/drydock-dev/drydock/internal/runtime"
	"github.com/drydock-dev/drydock/internal/runtime/compose"
	"github.com/drydock-dev/drydock/internal/runtime/exercise"
	"github.com/drydock-dev/drydock/internal/runtime/observe"
)

// lacking skips a test for want of something, and fails it in CI.
func lacking(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// docker runs the docker program, and returns what it prints.
func docker(t testing.TB, args ...string) string {
	t.Helper()
	out, err := dockerCommand(args...).CombinedOutput()
	if err != nil {
		t.Fatalf("docker %q: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func dockerCommand(args ...string) *exec.Cmd {
	name := os.Getenv("DRYDOCK_DOCKER")
	if name == "" {
		name = "docker"
	}
	return exec.Command(name, args...)
}

// onEngine is an Engine that has an image with a shell in it, for observing, and what
// to observe there.
func onEngine(t *testing.T, image string, changes ...string) observe.Options {
	t.Helper()
	dir := os.Getenv("DRYDOCK_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "shared")
	}
	rootfs := filepath.Join(dir, "images", "alpine-minirootfs-3.20.3-x86_64.tar.gz")
	if _, err := os.Stat(rootfs); err != nil {
		t.Skipf("no shared data (set DRYDOCK_SHARED): %v", err)
	}
	l := ledger.Open(t.TempDir(), disk.Caller(os.Getenv), nil)
	e, err := runtime.Dial(t.Context(), runtime.Options{Ledger: l})
	if err != nil {
		lacking(t, "no Docker Engine: %v", err)
	}
	t.Cleanup(func() { _ = e.Close() })
	if os.Geteuid() != 0 {
		lacking(t, "BPF needs root")
	}
	args := []string{"import"}
	for _, c := range changes {
		if !strings.HasPrefix(c, "HEALTHCHECK") || !podman(e) { // which cannot import one, and has systemd run it
			args = append(args, "-c", c)
		}
	}
	docker(t, append(args, rootfs, image)...)
	t.Cleanup(func() { _ = dockerCommand("rmi", "-f", image).Run() })
	return observe.Options{Engine: e, Ledger: l, Image: image, Now: time.Now}
}

// podman reports whether an Engine is Podman.
func podman(e *runtime.Engine) bool { return strings.HasPrefix(e.Name(), "Podman") }

func called(o *observe.Observation, name string, in observe.Phase) bool {
	return slices.ContainsFunc(o.Calls, func(c observe.Call) bool { return c.Name == name && slices.Contains(c.Phases, in) })
}

// TestEngineShell watches a script with short-lived children: nothing that they do is
// missed, whatever folder they are in, and it is known who started whom.
func TestEngineShell(t *testing.T) {
	opt := onEngine(t, "drydock-test/shell")
	opt.Raw = true
	opt.Args = []string{"sh", "-c", `id; printf '#!/bin/busybox ash\ntrue\n' > /tmp/x; chmod +x /tmp/x; /tmp/x
(sleep 0.1; ls | cat)
cd /var; cat ../etc/alpine-release >/dev/null; cd log; echo x > foo; chmod 600 foo
cd /proc; cat self/status >/dev/null; mkdir -p /dev/shm/a/b; cd /dev/shm/a; touch b/c
cd /etc; head -c1 ../etc/././hostname ..//etc/nothing; sh -c 'true; exec uname'; true`}
	o, err := observe.Run(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	if o.Status != observe.Complete || o.Way != "bpf" {
		t.Errorf("status %s by %s: %q", o.Status, o.Way, o.Reasons)
	}
	files := map[string]observe.File{}
	for _, f := range o.Files {
		files[f.Path] = f
	}
	for path, want := range map[string]observe.File{
		"/etc/alpine-release": {Read: true},
		"/var/log/foo":        {Write: true},
		"/proc/self/status":   {Read: true},
		"/etc/hostname":       {Read: true},
		"/etc/nothing":        {Missing: true},
		"/dev/shm/*":          {Write: true},
	} {
		if want.Path = path; files[path] != want {
			t.Errorf("%+v, want %+v", files[path], want)
		}
	}
	if want := []string{"/dev/shm", "/tmp", "/var/log"}; !slices.Equal(o.Writable, want) {
		t.Errorf("writes in %q, want %q", o.Writable, want)
	}
	for _, want := range []observe.Process{
		{Program: "/bin/sh", Count: 1},
		{Program: "/bin/ls", Parent: "/bin/sh", Count: 1},
		{Program: "/bin/cat", Parent: "/bin/sh", Count: 3},
		{Program: "/usr/bin/id", Parent: "/bin/sh", Count: 1},
	} {
		if !slices.Contains(o.Processes, want) {
			t.Errorf("no %+v in %+v", want, o.Processes)
		}
	}
	if !slices.Contains(o.Devices, "/dev/null") || !slices.Contains(o.Raw, "/dev/shm/a/b/c") || !slices.Contains(o.Programs, "/bin/busybox") {
		t.Errorf("devices %q, programs %q, raw %q", o.Devices, o.Programs, o.Raw)
	}
	if o.Peaks.Memory == 0 || o.Peaks.PIDs == 0 || o.Items < 50 || o.ItemsAMinute == 0 || o.LastNew == 0 {
		t.Errorf("peaks %+v, %d items, %g a minute, the last at %g", o.Peaks, o.Items, o.ItemsAMinute, o.LastNew)
	}

	// One that is done before its time is over is as complete; one that fails is told.
	opt.Raw, opt.Exercise = false, exercise.Exercise{For: exercise.Duration(20 * time.Second)}
	for script, code := range map[string]int{"id; true": 0, "id; exit 3": 3} {
		opt.Args = []string{"sh", "-c", script}
		o, err := observe.Run(t.Context(), opt)
		var failed *exercise.Failure
		if code != 0 {
			if !errors.As(err, &failed) || !strings.Contains(err.Error(), "ended with exit code 3") {
				t.Errorf("%s: %v", script, err)
			}
			continue
		}
		if err != nil || o.Status != observe.Complete || !slices.Contains(o.Programs, "/usr/bin/id") {
			t.Errorf("%s: %+v, %v", script, o, err)
		}
	}
}

// TestEnginePhases tells the health check, the exercise's commands and the workload
// apart. A program that calls itself a runtime is none.
func TestEnginePhases(t *testing.T) {
	opt := onEngine(t, "drydock-test/phases", `HEALTHCHECK --interval=1s CMD chmod 600 /etc/motd && date`,
		`CMD ["sh", "-c", "cp /bin/busybox /tmp/runc; (exec -a sh /tmp/runc -c 'ln -s a /tmp/b'); trap 'truncate -s 1 /tmp/x; exit 0' TERM; touch /tmp/up; while true; do sleep 0.1; done"]`)
	opt.Exercise = exercise.Exercise{Tests: []string{"hostname; mv /tmp/b /tmp/c"}, For: exercise.Duration(2 * time.Second)}
	for _, opt.Via = range observe.Ways()[:3] {
		t.Run(opt.Via, func(t *testing.T) { phases(t, opt) })
	}
}

func phases(t *testing.T, opt observe.Options) {
	o, err := observe.Run(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string]observe.Phase{
		"chmod": observe.Health, "rename": observe.Exec, "symlink": observe.StartUp, "nanosleep": observe.Serving, "truncate": observe.Shutdown, "getdents64": observe.Runtime,
	} {
		if name == "truncate" && !called(o, name, in) {
			name = "ftruncate"
		}
		if name == "getdents64" && podman(opt.Engine) {
			name = "execve" // crun is written in C, and calls little
		}
		if !called(o, name, in) && (in != observe.Health || !podman(opt.Engine)) {
			t.Errorf("%s was not seen in %s", name, in)
		}
	}
	for _, c := range o.Calls {
		late := opt.Via == "log" && slices.Contains(c.Phases, observe.Health) // the kernel's records come when they come
		if c.Name == "chmod" && !slices.Equal(c.Phases, []observe.Phase{observe.Health}) && !late {
			t.Errorf("chmod was seen in %v", c.Phases)
		}
		if c.Name == "rename" && !slices.Equal(c.Phases, []observe.Phase{observe.Exec}) {
			t.Errorf("rename was seen in %v", c.Phases)
		}
	}
	if !slices.Contains(o.Programs, "/tmp/*") {
		t.Errorf("programs %q", o.Programs)
	}
}

// TestEngineContainer watches a container that somebody started: it is left as it is,
// and the observation says that its beginning was not seen.
func TestEngineContainer(t *testing.T) {
	opt := onEngine(t, "drydock-test/container", `CMD ["sh", "-c", "while true; do ls /etc >/dev/null; sleep 0.1; done"]`)
	id := docker(t, "run", "-d", "--security-opt", "no-new-privileges", opt.Image)
	t.Cleanup(func() { _ = dockerCommand("rm", "-f", id).Run() })
	before := docker(t, "inspect", id)
	opt.Container, opt.Image = id[:12], ""
	opt.Exercise = exercise.Exercise{For: exercise.Duration(time.Second)}
	o, err := observe.Run(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	if o.Status != observe.Partial || !slices.Contains(o.Reasons, "start-up not seen") {
		t.Errorf("status %s: %q", o.Status, o.Reasons)
	}
	if !o.Runtime.NoNewPrivileges || o.Exit != nil || o.Image.Command[0] != "sh" {
		t.Errorf("runtime %+v, exit %+v, command %q", o.Runtime, o.Exit, o.Image.Command)
	}
	if !slices.Contains(o.Programs, "/bin/ls") || !called(o, "getdents64", observe.Serving) {
		t.Errorf("programs %q", o.Programs)
	}
	if !slices.ContainsFunc(o.Files, func(f observe.File) bool { return strings.HasPrefix(f.Path, "/lib/ld-musl") && f.Map }) {
		t.Error("what the process had mapped is not in the observation")
	}
	if after := docker(t, "inspect", id); after != before {
		t.Errorf("the container is not as it was:\n%s\n%s", before, after)
	}

	t.Run("one without a filter", func(t *testing.T) {
		id := docker(t, "run", "-d", "--security-opt", "seccomp=unconfined", "drydock-test/container")
		t.Cleanup(func() { _ = dockerCommand("rm", "-f", id).Run() })
		opt.Container = id
		o, err := observe.Run(t.Context(), opt)
		if err != nil {
			t.Fatal(err)
		}
		if !called(o, "getdents64", observe.Serving) || o.Runtime.NoNewPrivileges || !strings.Contains(strings.Join(o.Reasons, " "), "no seccomp filter") {
			t.Errorf("%d calls, reasons %q", len(o.Calls), o.Reasons)
		}
	})
	t.Run("one that does not run", func(t *testing.T) {
		opt.Container = docker(t, "create", "drydock-test/container")
		t.Cleanup(func() { _ = dockerCommand("rm", "-f", opt.Container).Run() })
		if _, err := observe.Run(t.Context(), opt); err == nil || !strings.Contains(err.Error(), "does not run") {
			t.Errorf("got %v", err)
		}
	})
	left := leftover(t, "ps", "-aq", "--filter", "label=dev.drydock.observe")
	if len(bytes.TrimSpace([]byte(left))) > 0 {
		t.Errorf("containers are left: %s", left)
	}
}

// leftover is what a listing still names after a while: tests of other packages observe on
// the same Engine, and take theirs away.
func leftover(t *testing.T, args ...string) string {
	t.Helper()
	left, until := docker(t, args...), time.Now().Add(time.Minute)
	for left != "" && time.Now().Before(until) {
		time.Sleep(200 * time.Millisecond)
		left = docker(t, args...)
	}
	return left
}

// TestEngineCompose watches a project of which the user runs one of the same name:
// that one, its volume, its network and the folder of both are as they were.
func TestEngineCompose(t *testing.T) {
	opt := onEngine(t, "drydock-test/compose")
	dir := filepath.Join(t.TempDir(), "drydockshop")
	files := map[string]string{
		"compose.yaml": `
services:
  db:
    image: drydock-test/compose
    init: true
    command: ["sh", "-c", "echo changed > /data/file; echo changed > /conf/file; touch /tmp/up; cat /run/secrets/pw; while true; do nc -l -p 5432 -e cat; done"]
    volumes: ["data:/data", "./conf:/conf"]
    secrets: [pw]
    healthcheck: {test: ["CMD", "test", "-e", "/tmp/up"], interval: 1s}
  web:
    image: drydock-test/compose
    init: true
    container_name: drydockshop-web
    command: ["nc", "-lk", "-p", "8080", "-e", "sh", "/answer"]
    configs: [answer]
    ports: ["18080:8080"]
    depends_on: {db: {condition: service_healthy}}
    networks: [default, outside]
  job:
    image: drydock-test/compose
    init: true
    command: ["sh", "-c", "echo x | nc -w 1 db 5432; mkdir /srv/made"]
    depends_on: [db]
volumes: {data: {}}
networks: {outside: {name: drydockshop_outside, external: true}}
secrets: {pw: {file: ./pw}}
configs:
  answer:
    content: |
      while read -r line; do [ $${#line} -lt 2 ] && break; done
      printf 'HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx'
`, "conf/file": "the user's", "pw": "secret",
	}
	if podman(opt.Engine) {
		// It may lack an init, and has systemd make health checks.
		files["compose.yaml"] = strings.NewReplacer("init: true", "", "condition: service_healthy", "condition: service_started", "healthcheck:", "x-healthcheck:").Replace(files["compose.yaml"])
	}
	for name, text := range files {
		at := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o755), os.WriteFile(at, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	// The user's own, as Compose would have made it.
	volume, network := "drydockshop_data", "drydockshop_outside"
	t.Cleanup(func() {
		_ = dockerCommand("rm", "-f", "drydockshop-web").Run()
		_ = dockerCommand("network", "rm", network).Run()
		_ = dockerCommand("volume", "rm", volume).Run()
	})
	docker(t, "network", "create", network)
	docker(t, "volume", "create", volume)
	docker(t, "run", "-d", "--name", "drydockshop-web", "--network", network, "--network-alias", "db", "-p", "127.0.0.1:18080:8080", "-v", volume+":/data",
		"--label", "com.docker.compose.project=drydockshop", "drydock-test/compose", "sh", "-c", "echo theirs > /data/file; nc -l -p 8080; sleep 1000")
	state := func() string {
		var all []string
		for _, args := range [][]string{
			{"inspect", "-f", "{{json .State}} {{json .Config}} {{json .Mounts}} {{json .NetworkSettings}}", "drydockshop-web"},
			{"volume", "inspect", volume},
			{"network", "inspect", network},
			{"exec", "drydockshop-web", "sh", "-c", "cat /data/file; stat -c '%n %i %Y %Z' /data /data/*; netstat -an"},
			{"logs", "drydockshop-web"},
		} {
			all = append(all, docker(t, args...))
		}
		b, err := os.ReadFile(filepath.Join(dir, "conf", "file"))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(append(all, string(b)), "\n")
	}
	for range 50 {
		if out, err := dockerCommand("exec", "drydockshop-web", "cat", "/data/file").Output(); err == nil && len(out) > 0 {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	before := state()

	p, err := compose.Load(t.Context(), compose.Options{Files: []string{filepath.Join(dir, "compose.yaml")}})
	if err != nil {
		t.Fatal(err)
	}
	opt.Image = ""
	opt.Exercise = exercise.Exercise{
		Probes: []string{"http://web:8080/"}, Tests: []string{"db: cat /data/file /conf/file"},
		For: exercise.Duration(time.Second), Within: exercise.Duration(20 * time.Second),
	}
	all, err := observe.Compose(t.Context(), opt, p)
	if err != nil {
		t.Fatal(err)
	}
	if after := state(); after != before {
		t.Errorf("what the user has is not as it was:\n%s", diff.Diff(before, after))
	}
	of := map[string]*observe.Observation{}
	for _, o := range all {
		of[o.Service] = o
	}
	if len(of) != 3 || len(all) != 3 {
		t.Fatalf("%d observations", len(all))
	}
	if o := of["db"]; o.Status != observe.Complete || !slices.Equal(o.Writable, []string{"/conf", "/data", "/tmp"}) || !called(o, "execve", observe.Health) && !called(o, "stat", observe.Health) && !podman(opt.Engine) {
		t.Errorf("db: %s %q, writes in %q", o.Status, o.Reasons, o.Writable)
	}
	if o := of["web"]; o.Status != observe.Partial || !strings.Contains(strings.Join(o.Reasons, " "), "outside is a fresh one") ||
		!slices.ContainsFunc(o.Listens, func(s observe.Socket) bool { return s.Port == 8080 }) {
		t.Errorf("web: %s %q, listens on %+v", o.Status, o.Reasons, o.Listens)
	}
	if o := of["job"]; o.Exit == nil || !o.Exit.Own || o.Exit.Code != 0 ||
		!called(o, "connect", observe.StartUp) && !called(o, "connect", observe.Serving) { // the others may be up before it asks for a name
		t.Errorf("job: exit %+v, calls %+v", o.Exit, o.Calls)
	}
	for _, kind := range []string{"container", "volume", "network"} {
		args := []string{kind, "ls", "-q", "--filter", "label=dev.drydock.observe"}
		if kind == "volume" {
			args = []string{kind, "ls", "-q", "--filter", "name=drydock-proof"}
		}
		left := leftover(t, args...)
		if left != "" && kind != "volume" {
			t.Errorf("%s: %s is left", kind, left)
		}
	}
}
