package cli_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestEngineRefused wants a clear error with a way out of what observe and confine
// cannot do here.
func TestEngineRefused(t *testing.T) {
	v, base := newVictim(t)
	if out, err := v.run(nil, 0, "observe", "-o", "seen.json", base, "true"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	altered := func(name string, change func(o map[string]any)) {
		t.Helper()
		var o map[string]any
		if err := json.Unmarshal([]byte(readText(t, filepath.Join(v.home, "seen.json"))), &o); err != nil {
			t.Fatal(err)
		}
		change(o)
		b, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		writeFiles(t, v.home, map[string]string{name: string(b)})
	}
	altered("arm.json", func(o map[string]any) {
		o["image"].(map[string]any)["abi"] = "aarch64"
		o["calls"] = []any{map[string]any{"abi": "aarch64", "number": 63, "name": "read", "count": 1, "phases": []string{"startup"}}}
	})
	altered("runtime.json", func(o map[string]any) { o["runtime"].(map[string]any)["version"] = "0.0.1" })
	altered("image.json", func(o map[string]any) { o["image"].(map[string]any)["id"] = "sha256:" + strings.Repeat("0", 64) })
	altered("env.json", func(o map[string]any) { o["image"].(map[string]any)["env"] = []string{"TOKEN"} })
	for _, c := range []struct{ args, err, hint string }{
		{"observe drydock-test/none:1", "the Engine has no image drydock-test/none:1", "docker pull drydock-test/none:1"},
		{"observe BASE /nope", "/nope was not executed", "docker run it by hand"},
		{"observe BASE nope", `exec: "nope": executable file not found in $PATH`, ""},
		{"observe --probe http://localhost/ BASE true", "the program ended with exit code 0", ""},
		{"observe --test true BASE false", "the program ended with exit code 1", ""},
		{"observe --container drydock-none --for 1s", `the Engine has no container "drydock-none"`, "docker ps --all"},
		{"confine arm.json", "the profile is of a machine of arm64", "observe the workload on a machine of this architecture"},
		{"confine --force arm.json", "the profile is of a machine of arm64", ""},
		{"confine runtime.json", " 0.0.1, and this Engine starts containers with ", "insist with --force"},
		{"confine image.json", "the observation is of another image", "observe it here, or insist with --force"},
		{"confine env.json", "variables whose values are not in the observation", "--env TOKEN=…"},
	} {
		t.Run(c.args, func(t *testing.T) {
			args := strings.Fields(strings.ReplaceAll(c.args, "BASE", base))
			out, err := v.run(nil, 0, args...)
			if err == nil || !strings.HasPrefix(out, "error: ") || !strings.Contains(out, c.err) || c.hint != "" && !strings.Contains(out, "hint: ") ||
				!strings.Contains(out, c.hint) {
				t.Errorf("%v\n%s", err, out)
			}
			if left := v.heard.left(t, v.docker, v.home); len(left) > 0 {
				t.Errorf("it leaves %v", left)
			}
		})
	}
	if os.Geteuid() != 0 {
		return
	}
	setpriv, err := exec.LookPath("setpriv")
	if err != nil {
		lacking(t, "no setpriv (util-linux): %v", err)
	}
	for name, flags := range map[string]string{
		"run as root": "--reuid 65534 --clear-groups", // may not ask the Engine, or not watch its machine
		"hint: run as root, or with the capabilities BPF": "--bounding-set -all --inh-caps -all",
	} {
		t.Run(flags, func(t *testing.T) {
			self, err := os.Executable() // the folder of a test is its user's own
			if err != nil {
				t.Fatal(err)
			}
			home, err := os.MkdirTemp("/tmp", "drydock-refused-")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.RemoveAll(home) })
			program := filepath.Join(home, "drydock")
			b, err := os.ReadFile(self)
			if err == nil {
				err = os.WriteFile(program, b, 0o755)
			}
			if err == nil {
				err = os.Chmod(home, 0o755)
			}
			if err == nil && strings.Contains(flags, "65534") {
				err = os.Chown(home, 65534, 65534)
			}
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(setpriv, append(strings.Fields(flags), program, "observe", base, "true")...)
			cmd.Dir = home
			cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "DOCKER_HOST=" + os.Getenv("DOCKER_HOST")}
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.HasPrefix(string(out), "error: ") || !strings.Contains(string(out), name) {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
