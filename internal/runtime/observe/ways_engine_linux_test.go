package observe_test

import (
	"cmp"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/drydock-dev/drydock/internal/runtime"
	"github.com/drydock-dev/drydock/internal/runtime/exercise"
	"github.com/drydock-dev/drydock/internal/runtime/observe"
)

// TestEngineWaysAgree watches one workload by every way of seeing: each sees the same
// calls, in the same phases, and as much of the rest as it can.
func TestEngineWaysAgree(t *testing.T) {
	opt := onEngine(t, "drydock-test/ways")
	opt.Exercise = exercise.Exercise{Tests: []string{"hostname", "true"}}
	opt.Args = []string{"sh", "-c", `id; ls / | sort -r | head -n 2; cd /etc; cat passwd > /tmp/x; mv /tmp/x /tmp/y; chmod 600 /tmp/y; mkdir -p /tmp/a/b
printf '#!/bin/sh\nuname -a\n' > /tmp/s; chmod +x /tmp/s; /tmp/s; nc -w 1 127.0.0.1 9; date; sleep 0.1; chown 1:1 /tmp/y; mount -t tmpfs x /mnt; trap 'exit 0' TERM; sleep 1000 & wait`}
	seen := map[string]*observe.Observation{}
	for _, via := range observe.Ways()[:3] {
		opt.Via = via
		o, err := observe.Run(t.Context(), opt)
		if err != nil {
			t.Fatalf("%s: %v", via, err)
		}
		if o.Way != via {
			t.Errorf("%s: seen by %s", via, o.Way)
		}
		seen[via] = o
	}
	// What a runtime that is written in Go calls by the way depends on how fast it is.
	byTheWay := strings.Fields("clone close epoll_ctl epoll_pwait fcntl futex getpid madvise mmap munmap nanosleep read rt_sigprocmask rt_sigreturn sched_yield sigaltstack tgkill write")
	// So does which of its own phases a workload is in.
	own := func(in observe.Phase) observe.Phase {
		if in == observe.Serving || in == observe.Shutdown {
			return observe.StartUp
		}
		return in
	}
	calls := func(o *observe.Observation, runtime bool) (all []string) {
		for _, c := range o.Calls {
			for _, in := range c.Phases {
				if in = own(in); in == observe.Runtime && !runtime {
					continue
				}
				if c.Name != "restart_syscall" && (in != observe.Runtime || !slices.Contains(byTheWay, c.Name)) {
					all = append(all, string(c.ABI)+" "+c.Name+" at "+string(in))
				}
			}
		}
		slices.Sort(all)
		return slices.Compact(all)
	}
	for _, o := range seen {
		for i := range o.Refused {
			o.Refused[i].Phase = own(o.Refused[i].Phase)
		}
	}
	want := seen["bpf"]
	if len(want.Calls) < 40 || len(want.Refused) == 0 {
		t.Errorf("%d calls, %v", len(want.Calls), want.Refused)
	}
	for via, o := range seen {
		late := strings.Contains(strings.Join(o.Reasons, " "), "found when their filter was loaded") // and it says so
		if d := diff.Diff(calls(want, !late), calls(o, !late)); d != "" {
			t.Errorf("calls by bpf and %s (%s %q):\n%s", via, o.Status, o.Reasons, d)
		}
		if d := diff.Diff(executed(want), executed(o)); d != "" {
			t.Errorf("programs by bpf and %s:\n%s", via, d)
		}
		if via == "log" { // which tells of files by fanotify: what was looked for is not there
			o.Files, o.Programs = want.Files, want.Programs
		}
		for part, both := range map[string][2]any{
			"arguments": {want.Arguments, o.Arguments}, "files": {want.Files, o.Files}, "programs": {want.Programs, o.Programs},
			"processes": {want.Processes, o.Processes}, "connects": {want.Connects, o.Connects}, "refused": {want.Refused, o.Refused},
			"users": {want.Users, o.Users}, "writable": {want.Writable, o.Writable},
		} {
			if d := diff.Diff(both[0], both[1], cmpopts.IgnoreFields(observe.Argument{}, "Count")); d != "" && !slices.Contains(o.Unseen, part) {
				t.Errorf("%s by bpf and %s:\n%s", part, via, d)
			}
		}
	}
}

// TestEngineMountedFiles wants files on what is mounted into a container told by each
// way: a tmpfs, and a file of the machine's disk.
func TestEngineMountedFiles(t *testing.T) {
	opt := onEngine(t, "drydock-test/mounts")
	opt.Args = []string{"sh", "-c", "cat /etc/hosts; echo x > /dev/shm/a; cat /dev/shm/a; true"} // in a process of its own: events of one file and process are one
	for _, via := range observe.Ways()[:3] {
		opt.Via = via
		o, err := observe.Run(t.Context(), opt)
		if err != nil {
			t.Fatalf("%s: %v", via, err)
		}
		for _, want := range []observe.File{{Path: "/etc/hosts", Read: true}, {Path: "/dev/shm/*", Read: true, Write: true}} {
			if !slices.Contains(o.Files, want) {
				t.Errorf("%s: no %+v in %+v", via, want, o.Files)
			}
		}
	}
}

// TestEngineFromContainer has the observer run as a container, on an Engine that is
// reached as one on another machine is: it sees what an observer here does, the probe goes
// to the container in its own network, and nothing of it is left.
func TestEngineFromContainer(t *testing.T) {
	opt := onEngine(t, "drydock-test/remote", `CMD ["sh", "-c", "printf 'while read -r line; do [ ${#line} -lt 2 ] && break; done; printf \"HTTP/1.0 200 OK\\r\\nContent-Length: 1\\r\\n\\r\\nx\"' > /tmp/s; exec nc -lk -p 8080 -e sh /tmp/s"]`)
	opt.Observer = filepath.Join(t.TempDir(), "drydock")
	build := exec.Command("go", "build", "-o", opt.Observer, "../../../cmd/drydock")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	opt.Exercise = exercise.Exercise{Probes: []string{"http://localhost:8080/"}, Tests: []string{"hostname"}, Within: exercise.Duration(20 * time.Second)}
	here, err := observe.Run(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	opt.Engine = elsewhere(t, opt)
	if opt.Engine.Local() {
		t.Fatal("the Engine is not reached as one on another machine")
	}
	if _, err := observe.Run(t.Context(), opt); err == nil || !strings.Contains(err.Error(), "nobody has agreed") {
		t.Errorf("without consent: %v", err)
	}
	asked := 0
	opt.Consent = func(string) bool { asked++; return true }
	there, err := observe.Run(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	if there.Observer != "container" || there.Way != here.Way || there.Status != observe.Complete || asked != 1 {
		t.Errorf("by %q from %q, %s %q, asked %d times", there.Way, there.Observer, there.Status, there.Reasons, asked)
	}
	for part, both := range map[string][2]any{
		"programs": {here.Programs, there.Programs}, "files": {here.Files, there.Files}, "listens": {here.Listens, there.Listens}, "writable": {here.Writable, there.Writable},
	} {
		if d := diff.Diff(both[0], both[1]); d != "" {
			t.Errorf("%s from here and from there:\n%s", part, d)
		}
	}
	if there.Peaks.Memory == 0 || there.Peaks.PIDs == 0 {
		t.Errorf("peaks %+v", there.Peaks)
	}
	if left := leftover(t, "ps", "-aq", "--filter", "label=dev.drydock.observe"); left != "" {
		t.Errorf("left: %s", left)
	}
}

// elsewhere is the same Engine by an address that is not the loopback's.
func elsewhere(t *testing.T, opt observe.Options) *runtime.Engine {
	t.Helper()
	var host string
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && !n.IP.IsLoopback() && host == "" {
			host = n.IP.String()
		}
	}
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if host == "" || err != nil {
		t.Skipf("no address beside the loopback's: %v", err)
	}
	t.Cleanup(func() { _ = l.Close() })
	socket := opt.Engine.Socket()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				u, err := net.Dial("unix", socket)
				if err != nil {
					return
				}
				defer u.Close()
				go func() {
					_, _ = io.Copy(u, c)
					_ = u.(*net.UnixConn).CloseWrite()
				}()
				_, _ = io.Copy(c, u)
			}()
		}
	}()
	getenv := func(name string) string {
		if name == "DOCKER_HOST" {
			return "tcp://" + l.Addr().String()
		}
		return os.Getenv(name)
	}
	e, err := runtime.Dial(t.Context(), runtime.Options{Ledger: opt.Ledger, Getenv: getenv})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

// executed are the files of programs that were executed, where their links lead.
func executed(o *observe.Observation) (all []string) {
	for _, f := range o.Files {
		if f.Execute && f.Path != "/tmp/*" {
			all = append(all, cmp.Or(f.Target, f.Path))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// TestEnginePtraceLetsGo watches a container that runs, by ptrace: it goes on as it was.
func TestEnginePtraceLetsGo(t *testing.T) {
	opt := onEngine(t, "drydock-test/letsgo", `CMD ["sh", "-c", "while true; do date >/dev/null; echo x >> /tmp/x; sleep 0.05; done"]`)
	id := docker(t, "run", "-d", opt.Image)
	t.Cleanup(func() { _ = dockerCommand("rm", "-f", id).Run() })
	opt.Container, opt.Image, opt.Via = id, "", "ptrace"
	opt.Exercise = exercise.Exercise{For: exercise.Duration(time.Second), Tests: []string{"hostname"}}
	o, err := observe.Run(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	missed := strings.Contains(strings.Join(o.Reasons, " "), "found when their filter was loaded") || slices.Contains(o.Reasons, "what the tests ran was not seen")
	if o.Status != observe.Partial || !slices.Contains(o.Programs, "/bin/date") || !called(o, "uname", observe.Exec) && !missed {
		t.Errorf("status %s %q, programs %q", o.Status, o.Reasons, o.Programs)
	}
	lines := func() string { return docker(t, "exec", id, "wc", "-l", "/tmp/x") }
	before := lines()
	time.Sleep(500 * time.Millisecond)
	if after := lines(); after == before {
		t.Errorf("it has stopped: %s", after)
	}
	if status := docker(t, "exec", id, "cat", "/proc/1/status"); !strings.Contains(status, "TracerPid:\t0\n") {
		t.Errorf("it is still traced:\n%s", status)
	}
}
