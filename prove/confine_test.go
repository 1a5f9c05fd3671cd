package prove_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/drydock-dev/drydock/internal/cli"
	"github.com/drydock-dev/drydock/internal/runtime/confine"
)

// load is a workload that is observed, confined and proved, as its file says it.
type load struct {
	name     string
	needs    []string // stand-ins that prove/images makes
	exercise []string // of drydock observe
	calls    int      // the most that its profile may allow
	caps     []string // that must stay
	more     string   // how the profile catches the application that does one thing more
	files    []txtar.File
}

func readLoad(t *testing.T, file string) load {
	t.Helper()
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	l := load{name: strings.TrimSuffix(filepath.Base(file), ".txtar"), files: a.Files}
	for line := range strings.Lines(string(a.Comment)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch key {
		case "needs":
			l.needs = strings.Fields(value)
		case "exercise":
			l.exercise = split(value)
		case "calls":
			if l.calls, err = strconv.Atoi(value); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
		case "capabilities":
			l.caps = strings.Fields(value)
		case "more":
			l.more = value
		}
	}
	if len(l.needs) == 0 || l.calls == 0 || l.more == "" {
		t.Fatalf("%s: it says no needs, no calls, or not what catches more", file)
	}
	return l
}

// figures are what a workload came to.
type figures struct {
	load
	profile *confine.Profile
	proof   *confine.Proof
	failed  int // replays of replays
	caught  string
}

// replays is how often a workload is run again under its profile.
const replays = 5

// TestEngineConfine observes workloads, confines them, proves the profiles, runs each
// again under its profile, and then an application that does one thing more.
func TestEngineConfine(t *testing.T) {
	mode := os.Getenv("DRYDOCK_CONFINE") // "all", or patterns of names
	if mode == "" {
		t.Skip("workloads need a Docker Engine, Debian's packages and minutes: make confine")
	}
	docker := engine(t)
	on := engineOf(t, docker)
	files, err := filepath.Glob("workloads/*.txtar")
	if err != nil || len(files) < 7 {
		t.Fatalf("%d workloads, %v", len(files), err)
	}
	var all []figures
	for _, file := range files {
		l := readLoad(t, file)
		if mode != "all" && !slices.ContainsFunc(strings.Fields(mode), func(one string) bool {
			ok, _ := filepath.Match(one, l.name)
			return ok
		}) {
			continue
		}
		t.Run(l.name, func(t *testing.T) {
			f := l.confine(t, docker)
			t.Logf("CONFINED %s", f)
			all = append(all, f)
		})
	}
	if len(all) == 0 {
		t.Error("no workload was confined")
	}
	if *update && mode == "all" && !t.Failed() {
		confined(t, on, all)
	}
}

// drydock runs the program, and returns its exit code and what it printed.
func drydock(t *testing.T, home string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	env := cli.Env{
		Stdout: &out, Stderr: &errs, Now: time.Now, Version: "prove",
		Getenv: func(name string) string {
			if name == "HOME" || strings.HasPrefix(name, "XDG_") {
				return home
			}
			return os.Getenv(name)
		},
	}
	code = cli.Main(context.Background(), env, append([]string{"drydock"}, args...)...)
	return code, out.String(), errs.String()
}

func (l load) confine(t *testing.T, docker string) figures {
	if out, err := exec.Command("./images", l.needs...).CombinedOutput(); err != nil {
		t.Fatalf("prove/images %v: %v\n%s", l.needs, err, out)
	}
	dir, home := proof{files: l.files}.layOut(t), t.TempDir()
	image, more := "drydock-confine/"+l.name, "drydock-confine/"+l.name+"-more"
	build := func(tag, file string) {
		t.Helper()
		name := filepath.Join(dir, file)
		text, err := os.ReadFile(name)
		if err == nil {
			err = os.WriteFile(name, bytes.ReplaceAll(text, []byte("IMAGE"), []byte(image)), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		b := exec.Command(docker, "build", "-q", "--network", "host", "-t", tag, "-f", name, dir)
		b.Env = append(os.Environ(), "DOCKER_BUILDKIT=1")
		if out, err := b.CombinedOutput(); err != nil {
			t.Fatalf("docker build: %v\n%s", err, out)
		}
		t.Cleanup(func() { _ = exec.Command(docker, "rmi", "-f", tag).Run() })
	}
	build(image, "Dockerfile")
	must := func(args ...string) {
		t.Helper()
		if code, out, errs := drydock(t, home, args...); code != 0 {
			t.Fatalf("%v: exit code %d\n%s\n%s", args, code, out, errs)
		}
	}
	seen, profile := filepath.Join(home, "seen.json"), filepath.Join(home, "profile")
	must(append(append([]string{"observe", "-o", seen}, l.exercise...), image)...)
	must("confine", "-o", profile, seen)

	f := figures{load: l}
	for name, v := range map[string]any{"profile.json": &f.profile, "proof.json": &f.proof} {
		b, err := os.ReadFile(filepath.Join(profile, name))
		if err == nil {
			err = json.Unmarshal(b, v)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	in := f.proof.Enforced
	if f.proof.Level != "ran" || !in.FilterEqualsProfile || in.I386Reachable != 0 || !in.NoNewPrivs {
		t.Errorf("in force: level %s, %+v", f.proof.Level, in)
	}
	if f.proof.Syscalls.Allowed > l.calls {
		t.Errorf("%d calls, and %d were to be the most: %q", f.proof.Syscalls.Allowed, l.calls, f.profile.Seccomp.Allowed())
	}
	if !slices.Equal(f.profile.Capabilities, append([]string{}, l.caps...)) {
		t.Errorf("capabilities %q, want %q: %+v", f.profile.Capabilities, l.caps, f.proof.Users)
	}
	for range replays {
		if code, out, errs := drydock(t, home, "confine", "--profile", profile, "--prove", image); code != 0 {
			f.failed++
			t.Errorf("replay: exit code %d\n%s\n%s", code, out, errs)
		}
	}
	build(more, "more.Dockerfile")
	code, out, errs := drydock(t, home, "confine", "--profile", profile, "--prove", more)
	f.caught, _, _ = strings.Cut(strings.TrimPrefix(errs, "error: the profile is too tight: "), "\n")
	if code != 1 || !regexp.MustCompile(l.more).MatchString(errs) {
		t.Errorf("one thing more: exit code %d, not %q\n%s\n%s", code, l.more, out, errs)
	}
	return f
}

// cells are the figures of a workload, as a table has them.
func (f figures) cells() []string {
	writable := slices.Sorted(slices.Values(slices.Concat(f.profile.Tmpfs, f.profile.Volumes)))
	none := func(all []string) string {
		if len(all) == 0 {
			return "none"
		}
		return strings.Join(all, ", ")
	}
	user := f.profile.User
	if user == "" {
		user = "the image's"
	}
	return []string{
		fmt.Sprintf("%d of %d", f.proof.Syscalls.Allowed, f.proof.Syscalls.EngineDefault), fmt.Sprint(f.proof.Enforced.I386Reachable),
		none(f.profile.Capabilities), user, none(writable),
		fmt.Sprintf("%d of %d", len(f.proof.KernelCVEs.Blocked), f.proof.KernelCVEs.Known),
		fmt.Sprint(f.proof.Runs), fmt.Sprintf("%.1f", f.proof.Seconds), fmt.Sprintf("%d of %d", f.failed, replays),
	}
}

func (f figures) String() string {
	return f.name + " | " + strings.Join(f.cells(), " | ") + " | " + f.caught
}

// confined writes the section of docs/confined.md of the Engine that the workloads ran
// on, and leaves that of the other kind as it is.
func confined(t *testing.T, on ran, all []figures) {
	t.Helper()
	var b strings.Builder
	d := all[0].proof
	fmt.Fprintf(&b, "## %s\n\nOn %s. By default the Engine allows %d calls, and %d of i386, and keeps %d of the %d kernel CVEs out of reach.\n\n",
		on.name, time.Now().UTC().Format(time.DateOnly), d.Syscalls.EngineDefault, d.Syscalls.DefaultI386, len(d.KernelCVEs.EngineDefault), d.KernelCVEs.Known)
	b.WriteString("| workload | calls | of i386 | capabilities | user | writable | kernel CVEs out of reach | runs | seconds | replays failed |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|---|---|\n")
	for _, f := range all {
		fmt.Fprintf(&b, "| [%s](../prove/workloads/%s.txtar) | %s |\n", f.name, f.name, strings.Join(f.cells(), " | "))
	}
	b.WriteString("\nThe application that does one thing more:\n\n| workload | caught |\n|---|---|\n")
	for _, f := range all {
		fmt.Fprintf(&b, "| %s | %s |\n", f.name, strings.ReplaceAll(f.caught, "|", "\\|"))
	}
	section("../docs/confined.md", "# Confined workloads\n\nWritten by `make confine`: "+confinedIntro, on.kind, b.String(), t)
}

const confinedIntro = `each workload of [prove/workloads](../prove/workloads) is
observed, confined and proved on real Docker Engines of two kinds, then run again under
its profile, and then an application that does one thing more. [least-privilege.md](least-privilege.md)
says what the columns mean. The images are stand-ins, made of Debian's packages; runs and
seconds are those of the search.
`
