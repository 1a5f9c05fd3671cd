//go:build unix

package cli_test

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

// TestEngineFixProves goes from a Dockerfile with faults to one that is
// written because both versions build and do the same.
func TestEngineFixProves(t *testing.T) {
	docker := engine(t)
	_, base := importBase(t, docker)
	b := newBench(t)
	dir := t.TempDir()
	const only = "--only=MaintainerDeprecated,dockerfile/consistent-*,DL3025"
	before := fmt.Sprintf("FROM %s\nMAINTAINER me@example.com\nworkdir /app\nCOPY greeting .\nCMD sleep 600\n", base)
	name := filepath.Join(dir, "Dockerfile")
	writeFiles(t, dir, map[string]string{"Dockerfile": before, "greeting": "hello\n"})
	t.Setenv("DRYDOCK_DOCKER", docker)

	// Nothing tests it: no more than rebuilt, and nothing is written.
	a := b.run("fix", "--write", "--prove", "run", "--settle", "500ms", only, name)
	if a.code != 1 || !strings.Contains(a.stdout, "no more than rebuilt is reached") || !strings.Contains(a.stdout, "--probe") {
		t.Errorf("exit code %d\n%s%s", a.code, a.stdout, a.stderr)
	}
	// A test that fails on the new version only: refused, with the step and the log.
	a = b.run("fix", "--write", "--unsafe", "--prove", "run", "--settle", "500ms", "--test", "echo I look at $(tr '\\0' ' ' </proc/1/cmdline); grep -q SHLVL /proc/1/environ", only, name)
	if a.code != 1 || !strings.Contains(a.stdout, "test after") || !strings.Contains(a.stdout, "| I look at sleep 600") {
		t.Errorf("exit code %d\n%s%s", a.code, a.stdout, a.stderr)
	}
	// What did pass by itself is written all the same.
	if got := readText(t, name); !strings.Contains(got, "LABEL ") || !strings.Contains(got, "WORKDIR") || !strings.Contains(got, "CMD sleep 600") {
		t.Errorf("written:\n%s", got)
	}
	writeFiles(t, dir, map[string]string{"Dockerfile": before})
	out := b.ok("fix", "--write", "--unsafe", "--prove", "run", "--test", "grep -q hello greeting", only, name)
	for _, want := range []string{"Proof: ran", "passes grep -q hello greeting", "user", "root", "packages", "written to"} {
		if !strings.Contains(out, want) {
			t.Errorf("says nothing of %q:\n%s", want, out)
		}
	}
	if got := readText(t, name); !strings.Contains(got, `CMD ["sleep", "600"]`) {
		t.Errorf("written:\n%s", got)
	}
}

func readText(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestEngineFixInterrupted interrupts a proof while its container runs.
func TestEngineFixInterrupted(t *testing.T) {
	docker := engine(t)
	_, base := importBase(t, docker)
	dir, tmp := t.TempDir(), t.TempDir()
	sleep := fmt.Sprint(100_000 + os.Getpid())
	before := fmt.Sprintf("FROM %s\nMAINTAINER me\nCMD [\"sleep\", \"%s\"]\n", base, sleep)
	writeFiles(t, dir, map[string]string{"Dockerfile": before})
	name := filepath.Join(dir, "Dockerfile")
	cmd, _ := process(t, "fix", "--write", "--prove", "run", "--settle", "5m", "--only", "MaintainerDeprecated", name)
	cmd.Env = append(cmd.Env, "TMPDIR="+tmp, "DRYDOCK_DOCKER="+docker, "DOCKER_HOST="+os.Getenv("DOCKER_HOST"))
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	id := ""
	for end := time.Now().Add(time.Minute); id == "" && time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		for line := range strings.Lines(command(t, nil, docker, "ps", "--no-trunc", "--filter", "label=dev.drydock.proof", "--format", `{{.Label "dev.drydock.proof"}} {{.Command}}`)) {
			if strings.Contains(line, sleep) {
				id, _, _ = strings.Cut(line, " ")
			}
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatalf("%v\n%s%s", err, &stdout, &stderr)
	}
	err := cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(stderr.String(), "interrupted") {
		t.Errorf("%v\n%s%s", err, &stdout, &stderr)
	}
	if id == "" {
		t.Fatalf("no container was seen\n%s%s", &stdout, &stderr)
	}
	for _, kind := range [][]string{{"ps", "--all"}, {"network", "ls"}, {"images", "--all"}} {
		if out := command(t, nil, docker, append(kind, "--quiet", "--filter", "label=dev.drydock.proof="+id)...); out != "" {
			t.Errorf("docker %v: left behind: %s", kind, out)
		}
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	if got := readText(t, name); got != before {
		t.Errorf("written:\n%s", got)
	}
}
