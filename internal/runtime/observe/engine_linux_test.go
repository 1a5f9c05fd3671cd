package observe_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/ledger"
	"github.com/drydock-dev/drydock/internal/runtime"
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
		args = append(args, "-c", c)
	}
	docker(t, append(args, rootfs, image)...)
	t.Cleanup(func() { _ = dockerCommand("rmi", "-f", image).Run() })
	return observe.Options{Engine: e, Ledger: l, Image: image, Now: time.Now}
}

func called(o *observe.Observation, name string, in observe.Phase) bool {
	return slices.ContainsFunc(o.Calls, func(c observe.Call) bool { return c.Name == name && slices.Contains(c.Phases, in) })
}

// TestEngineShell watches a script with short-lived children: nothing that they do is
// missed, whatever folder they are in, and it is known who started whom.
func TestEngineShell(t *testing.T) {
	opt := onEngine(t, "drydock-test/shell")
	opt.Args = []string{"sh", "-c", `id; (sleep 0.1; ls | cat)
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
	if want := []string{"/dev/shm", "/var/log"}; !slices.Equal(o.Writable, want) {
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
	if o.Peaks.Memory == 0 || o.Peaks.PIDs == 0 || o.Items < 50 || o.ItemsAMinute == 0 || o.LastNew == 0 {
		t.Errorf("peaks %+v, %d items, %g a minute, the last at %g", o.Peaks, o.Items, o.ItemsAMinute, o.LastNew)
	}
}

// TestEnginePhases tells the health check, the exercise's commands and the workload
// apart. A program that calls itself a runtime is none.
func TestEnginePhases(t *testing.T) {
	opt := onEngine(t, "drydock-test/phases", `HEALTHCHECK --interval=1s CMD chmod 600 /etc/motd && date`,
		`CMD ["sh", "-c", "cp /bin/busybox /tmp/runc; (exec -a sh /tmp/runc -c 'ln -s a /tmp/b'); trap 'truncate -s 1 /tmp/x; exit 0' TERM; touch /tmp/up; while true; do sleep 0.1; done"]`)
	opt.Exercise = exercise.Exercise{Tests: []string{"hostname; mv /tmp/b /tmp/c"}, For: exercise.Duration(2 * time.Second)}
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
		if !called(o, name, in) {
			t.Errorf("%s was not seen in %s", name, in)
		}
	}
	for _, c := range o.Calls {
		if c.Name == "chmod" && !slices.Equal(c.Phases, []observe.Phase{observe.Health}) {
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
	if !slices.ContainsFunc(o.Files, func(f observe.File) bool { return strings.HasPrefix(f.Path, "/lib/ld-musl") && f.Read }) {
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
	left := docker(t, "ps", "-aq", "--filter", "label=dev.drydock.observe")
	if len(bytes.TrimSpace([]byte(left))) > 0 {
		t.Errorf("containers are left: %s", left)
	}
}
