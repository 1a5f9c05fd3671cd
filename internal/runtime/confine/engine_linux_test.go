package confine_test

import (
	"archive/tar"
	"bytes"
	"errors"
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
	"github.com/drydock-dev/drydock/internal/runtime/confine"
	"github.com/drydock-dev/drydock/internal/runtime/exercise"
	"github.com/drydock-dev/drydock/internal/runtime/observe"
	"github.com/drydock-dev/drydock/internal/runtime/seccomp"
)

// lacking skips a test for want of something, and fails it in CI.
func lacking(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// docker is the docker program.
func docker() string {
	if d := os.Getenv("DRYDOCK_DOCKER"); d != "" {
		return d
	}
	return "docker"
}

// engineWith is an Engine with the workload's image in it, and the ledger of what
// the test makes there.
func engineWith(t *testing.T, image string, command string) (*runtime.Engine, *ledger.Ledger) {
	t.Helper()
	return engineOf(t, image, command, "workload", "var", "var/lib", "var/lib/app")
}

// engineOf is an Engine with an image of one of the test's programs and some folders.
func engineOf(t *testing.T, image, command, name string, dirs ...string) (*runtime.Engine, *ledger.Ledger) {
	t.Helper()
	return engineFor(t, "", image, command, name, dirs...)
}

// engineFor is [engineOf] with the program built for an architecture; empty: this machine's.
func engineFor(t *testing.T, arch, image, command, name string, dirs ...string) (*runtime.Engine, *ledger.Ledger) {
	t.Helper()
	l := ledger.Open(t.TempDir(), disk.Caller(os.Getenv), nil)
	e, err := runtime.Dial(t.Context(), runtime.Options{Ledger: l})
	if err != nil {
		lacking(t, "no Docker Engine: %v", err)
	}
	t.Cleanup(func() { _ = e.Close() })
	if os.Geteuid() != 0 {
		lacking(t, "BPF needs root")
	}
	program := filepath.Join(t.TempDir(), name)
	build := exec.CommandContext(t.Context(), "go", "build", "-ldflags=-s -w", "-o", program, "./testdata/"+name)
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if arch != "" {
		build.Env = append(build.Env, "GOARCH="+arch)
	}
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	b, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	for _, dir := range append([]string{"dev", "proc", "sys", "tmp"}, dirs...) {
		err = errors.Join(err, w.WriteHeader(&tar.Header{Name: dir + "/", Typeflag: tar.TypeDir, Mode: 0o755}))
	}
	for name, mode := range map[string]int64{name: 0o755, "suid": 0o4755} {
		err = errors.Join(err, w.WriteHeader(&tar.Header{Name: name, Mode: mode, Size: int64(len(b))}))
		_, werr := w.Write(b)
		err = errors.Join(err, werr)
	}
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	load := exec.CommandContext(t.Context(), docker(), "import", "-c", "EXPOSE 8080", "-c", "CMD "+command, "-", image)
	load.Stdin = &layer
	if out, err := load.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command(docker(), "rmi", "-f", image).Run() })
	return e, l
}

func observed(t *testing.T, e *runtime.Engine, l *ledger.Ledger, image string) *observe.Observation {
	t.Helper()
	o, err := observe.Run(t.Context(), observe.Options{
		Engine: e, Ledger: l, Image: image, Now: time.Now,
		Exercise: exercise.Exercise{Probes: []string{"http://localhost:8080/x"}, Within: exercise.Duration(20 * time.Second)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func proving(e *runtime.Engine, o *observe.Observation) confine.Proving {
	return confine.Proving{
		Engine: e, Exercise: o.Exercise, Exit: o.Exit.Code, Default: o.Default, Users: o.Users, Refused: o.Refused,
		Up: time.Second,
	}
}

// TestEngineCompat confines a program of 32 bits on a kernel of 64: its profile has
// both ABIs, is no wider than the Engine's default in either, and is in force as it
// is written.
func TestEngineCompat(t *testing.T) {
	if seccomp.Native() != seccomp.X8664 {
		t.Skip("i386 is of x86_64 only")
	}
	const image = "drydock-test/confine-386"
	e, l := engineFor(t, "386", image, `["/workload"]`, "workload", "var", "var/lib", "var/lib/app")
	o := observed(t, e, l, image)
	draft, err := confine.Draft(o, confine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, proof, err := confine.Prove(t.Context(), draft, proving(e, o))
	if err != nil {
		t.Fatal(err)
	}
	if abis := p.Seccomp.ABIs(); !slices.Equal(abis, []seccomp.ABI{seccomp.X8664, seccomp.I386}) {
		t.Errorf("ABIs %q", abis)
	}
	in := proof.Enforced
	if !in.FilterEqualsProfile || in.I386Reachable == 0 || in.I386Reachable >= o.Default.I386 || len(in.Capabilities) > 0 {
		t.Errorf("in force: %+v; the Engine allows %d calls of i386", in, o.Default.I386)
	}
	t.Logf("%d calls of i386 instead of %d, %d of x86_64", in.I386Reachable, o.Default.I386, proof.Syscalls.Allowed)

	more := *p
	more.Image.Command = []string{"/workload", "more"}
	how := proving(e, o)
	how.Fixed = true
	var tight *confine.TooTight
	if _, _, err := confine.Prove(t.Context(), &more, how); !errors.As(err, &tight) || !strings.Contains(tight.Error(), "flock") {
		t.Errorf("one thing more: %v", err)
	}
}

// TestEngineObserveAndConfine sees what a workload does, makes the smallest profile
// of it, and holds the proof to what the kernel enforces.
func TestEngineObserveAndConfine(t *testing.T) {
	e, l := engineWith(t, "drydock-test/confine", `["/workload"]`)
	o := observed(t, e, l, "drydock-test/confine")
	if o.Status != observe.Complete {
		t.Errorf("status %s: %q", o.Status, o.Reasons)
	}
	called := func(name string, in observe.Phase) bool {
		return slices.ContainsFunc(o.Calls, func(c observe.Call) bool { return c.Name == name && slices.Contains(c.Phases, in) })
	}
	for name, in := range map[string]observe.Phase{"execve": observe.StartUp, "fchownat": observe.StartUp, "setuid": observe.StartUp, "accept4": observe.Serving} {
		if !called(name, in) {
			t.Errorf("%s was not seen in %s", name, in)
		}
	}
	if called("open", observe.Runtime) || called("open", observe.StartUp) {
		t.Errorf("the start gate's own call is in the observation: %+v", o.Calls[2])
	}
	if !slices.Contains(o.Writable, "/var/lib/app") || !slices.Contains(o.Programs, "/workload") {
		t.Errorf("writes in %q, executes %q", o.Writable, o.Programs)
	}
	if !slices.Contains(o.Users, observe.User{UID: 1000, GID: 1000}) || !slices.ContainsFunc(o.Listens, func(s observe.Socket) bool { return s.Port == 8080 }) {
		t.Errorf("users %v, listens on %v", o.Users, o.Listens)
	}
	for _, f := range o.Files {
		if strings.Contains(f.Path, "drydock") {
			t.Errorf("the start gate is in the observation: %s", f.Path)
		}
	}

	draft, err := confine.Draft(o, confine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, proof, err := confine.Prove(t.Context(), draft, proving(e, o))
	if err != nil {
		t.Fatal(err)
	}
	if p.User != "1000:1000" || len(p.Capabilities) > 0 || !p.ReadOnly {
		t.Errorf("user %q, capabilities %q, read-only %t: %+v", p.User, p.Capabilities, p.ReadOnly, proof.Users)
	}
	in := proof.Enforced
	if !in.FilterEqualsProfile || in.I386Reachable != 0 || !in.NoNewPrivs || !in.ReadOnly || len(in.Capabilities) > 0 {
		t.Errorf("in force: %+v", in)
	}
	if in.PIDs != p.PIDs || in.Memory != p.Memory || in.Nofile != p.Nofile {
		t.Errorf("limits in force %+v, asked for %d pids, %d bytes, %d files", in, p.PIDs, p.Memory, p.Nofile)
	}
	if len(proof.Writable) != 1 || proof.Writable[0].Path != "/var/lib/app" || !strings.Contains(proof.Writable[0].Failure, "EROFS") {
		t.Errorf("writable: %+v", proof.Writable)
	}
	if proof.Syscalls.Allowed >= proof.Syscalls.EngineDefault || len(proof.KernelCVEs.Blocked) <= len(proof.KernelCVEs.EngineDefault) {
		t.Errorf("the profile buys nothing: %+v", proof)
	}

	t.Run("one thing more is caught", func(t *testing.T) {
		more := *p
		more.Image.Command = []string{"/workload", "more"}
		how := proving(e, o)
		how.Fixed = true
		_, _, err := confine.Prove(t.Context(), &more, how)
		var tight *confine.TooTight
		if !errors.As(err, &tight) || !strings.Contains(tight.Error(), "flock: EPERM, at startup") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a portable profile does without what was seen of this runtime", func(t *testing.T) {
		for _, nnp := range []bool{true, false} {
			o := *o
			o.Calls = slices.DeleteFunc(slices.Clone(o.Calls), func(c observe.Call) bool { return slices.Equal(c.Phases, []observe.Phase{observe.Runtime}) })
			o.Runtime.Name, o.Runtime.NoNewPrivileges = "another", nnp
			p, err := confine.Draft(&o, confine.Options{Portable: true})
			if err != nil {
				t.Fatal(err)
			}
			how := proving(e, &o)
			how.Fixed = true
			if _, proof, err := confine.Prove(t.Context(), p, how); err != nil || !proof.Enforced.FilterEqualsProfile || proof.Enforced.NoNewPrivs != nnp {
				t.Errorf("no new privileges %t: %v: %+v", nnp, err, proof)
			}
		}
	})
	t.Run("one thing more is logged", func(t *testing.T) {
		p, err := confine.Draft(o, confine.Options{Log: true})
		if err != nil {
			t.Fatal(err)
		}
		p.Image.Command = []string{"/workload", "more"}
		how := proving(e, o)
		how.Fixed = true
		_, proof, err := confine.Prove(t.Context(), p, how)
		if err != nil || !proof.Enforced.FilterEqualsProfile || proof.Syscalls.Allowed > proof.Syscalls.EngineDefault {
			t.Errorf("%+v, %v", proof, err)
		}
	})
	left, err := exec.CommandContext(t.Context(), docker(), "ps", "-aq", "--filter", "label=dev.drydock.observe", "--filter", "label=dev.drydock.confine").Output()
	if err != nil || len(bytes.TrimSpace(left)) > 0 {
		t.Errorf("containers are left: %s %v", left, err)
	}
}

// TestEngineCapabilitiesThatStay keeps a workload from starting as its own user, so
// that its capabilities are needed: each has the failure that was seen without it.
func TestEngineCapabilitiesThatStay(t *testing.T) {
	e, l := engineWith(t, "drydock-test/capabilities", `["/workload"]`)
	o := observed(t, e, l, "drydock-test/capabilities")
	draft, err := confine.Draft(o, confine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	how := proving(e, o)
	draft.User = "0:0"
	p, proof, err := confine.Prove(t.Context(), draft, how)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"CHOWN", "SETGID", "SETUID"}; !slices.Equal(p.Capabilities, want) {
		t.Errorf("capabilities %q, want %q", p.Capabilities, want)
	}
	for _, k := range proof.Capabilities {
		if !strings.Contains(k.Failure, "EPERM, at startup") {
			t.Errorf("%s: %q", k.Name, k.Failure)
		}
	}

	// A root that can be written stays where nothing else is, with the reason.
	draft.User, draft.ReadOnly, draft.Tmpfs, draft.Volumes = "", false, []string{}, []string{}
	p, proof, err = confine.Prove(t.Context(), draft, how)
	if err != nil {
		t.Fatal(err)
	}
	if p.ReadOnly || len(proof.Writable) != 1 || proof.Writable[0].Path != "/" || !strings.Contains(proof.Writable[0].Failure, "EROFS") {
		t.Errorf("read only: %v; writable: %+v", p.ReadOnly, proof.Writable)
	}
}
