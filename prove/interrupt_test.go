package prove_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestEngineInterrupted interrupts proofs in the middle of a build and in the middle of
// a run: nothing is left in the Engine or in the temporary folder, and nothing is
// written.
func TestEngineInterrupted(t *testing.T) {
	if os.Getenv("DRYDOCK_PROVE") == "" && os.Getenv("CI") != "true" {
		t.Skip("it needs a Docker Engine: make prove")
	}
	docker := engine(t)
	if out, err := exec.Command("./images", "alpine").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	program := filepath.Join(t.TempDir(), "drydock")
	if out, err := exec.Command("go", "build", "-o", program, "../cmd/drydock").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for name, text := range map[string]string{
		"build": fmt.Sprintf("FROM alpine:3.20\nENV GREETING hello\nRUN echo %d; sleep 600\n", time.Now().UnixNano()),
		"run":   "FROM alpine:3.20\nENV GREETING hello\nCMD [\"sleep\", \"600\"]\n",
	} {
		t.Run(name, func(t *testing.T) {
			dir, tmp := t.TempDir(), t.TempDir()
			file := filepath.Join(dir, "Dockerfile")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			made := listen(t, docker)
			cmd := exec.Command(program, "fix", "--write", "--prove", "run", "--settle", "5m", "--only", "dockerfile/legacy-key-value-format", "--cache-dir", t.TempDir(), file)
			cmd.Env = append(os.Environ(), "TMPDIR="+tmp, "XDG_DATA_HOME="+dir)
			var out bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &out
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			seen := false
			for end := time.Now().Add(2 * time.Minute); !seen && time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
				switch labels := made.labels(); {
				case len(labels) == 0:
				case name == "build":
					time.Sleep(3 * time.Second) // it is said before it begins
					seen = true
				default:
					ps, err := exec.Command(docker, "ps", "-q", "--filter", "label="+labels[0]).Output()
					seen = err == nil && len(ps) > 0
				}
			}
			began := time.Now()
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Errorf("it has ended before: %v", err)
			}
			err := cmd.Wait()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(out.String(), "interrupted") {
				t.Errorf("%v\n%s", err, &out)
			}
			if took := time.Since(began); took > time.Minute {
				t.Errorf("it ended %s after it was interrupted", took)
			}
			if !seen {
				t.Fatalf("nothing was seen to interrupt\n%s", &out)
			}
			made.nothingLeft(t, true)
			if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v %v", left, err)
			}
			if got, err := os.ReadFile(file); err != nil || string(got) != text {
				t.Errorf("written: %v\n%s", err, got)
			}
		})
	}
}
