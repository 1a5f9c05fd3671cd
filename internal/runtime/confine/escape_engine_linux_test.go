package confine_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/runtime/confine"
	"github.com/drydock-dev/drydock/internal/runtime/observe"
)

// escapes are the attempts that a container makes, with what came of each.
func escapes(t *testing.T, image string, options ...string) map[string]string {
	t.Helper()
	args := append(append([]string{"run", "--rm"}, options...), image, "/escape", "all")
	out, err := exec.CommandContext(t.Context(), docker(), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	all := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if name, what, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok {
			all[name] = what
		}
	}
	if len(all) < 30 {
		t.Fatalf("only %d attempts: %s", len(all), out)
	}
	return all
}

func done(all map[string]string) []string {
	var names []string
	for name, what := range all {
		if what == "done" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// TestEngineEscapes has a hostile workload try to break out: under its profile, as docker
// run gets it, nothing comes of any attempt. Under the Engine's default, and with more,
// they succeed.
func TestEngineEscapes(t *testing.T) {
	const image = "drydock-test/escape"
	e, l := engineOf(t, image, `["/escape"]`, "escape", "data", "etc", "mnt")
	o, err := observe.Run(t.Context(), observe.Options{Engine: e, Ledger: l, Image: image, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	draft, err := confine.Draft(o, confine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	how := proving(e, o)
	p, proof, err := confine.Prove(t.Context(), draft, how)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	docs, err := p.Documents(dir, proof, o.Files)
	if err != nil {
		t.Fatal(err)
	}
	if err := confine.Write(dir, docs, disk.Options{}); err != nil {
		t.Fatal(err)
	}
	args, err := os.ReadFile(filepath.Join(dir, "docker-run.args"))
	if err != nil {
		t.Fatal(err)
	}
	confined := escapes(t, image, strings.Split(strings.TrimSpace(string(args)), "\n")...)
	for _, name := range done(confined) {
		t.Errorf("confined: %s succeeds", name)
	}
	for name, what := range confined {
		t.Logf("confined: %s: %s", name, what)
	}

	without := done(escapes(t, image))
	wide := escapes(t, image, "--security-opt=seccomp=unconfined", "--cap-add=SYS_ADMIN", "--cap-add=SYS_PTRACE", "--cap-add=NET_ADMIN", "--cap-add=SYS_MODULE")
	without = append(without, done(wide)...)
	without = append(without, done(escapes(t, image, "--user=65532", "--tmpfs=/data:exec,mode=1777"))...)
	for name := range confined {
		// A kernel without modules, x32 or AF_ALG has no such door at all.
		never := strings.HasSuffix(name, "module") || strings.HasPrefix(name, "x32:") || strings.Contains(wide[name], "family not supported")
		if !slices.Contains(without, name) && !never {
			t.Errorf("%s does not succeed without the profile, either (%s): the attempt proves nothing", name, wide[name])
		}
	}
}
