//go:build unix

package cli_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestEngineFixCompose brings a project up as it is and with its fixes, beside the
// user's own that runs: the fix that a service cannot live with is left, with the
// reason, the others are written, and the user's containers, networks and volumes are
// what they were.
func TestEngineFixCompose(t *testing.T) {
	docker := engine(t)
	prefix, base := importBase(t, docker)
	b := newBench(t)
	dir := t.TempDir()
	t.Setenv("DRYDOCK_DOCKER", docker)
	project := fmt.Sprintf(`services:
  # writes below its root
  writer:
    image: %s
    command: ["sh", "-c", "date > /etc/written && exec nc -lk -p 8080 -e sh -c \"printf 'HTTP/1.0 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n'; cat > /dev/null\""]
    environment:
      DB_PASSWORD: v9Rt4nXb7cPe
    expose: [8080]
    volumes: [data:/data]
  reader:
    image: %[1]s
    command: sleep 600
    healthcheck: {test: "test -n \"$$DB_PASSWORD\"", interval: 20s}
    depends_on: {writer: {condition: service_started}}
    environment: [DB_PASSWORD=v9Rt4nXb7cPe]
volumes:
  data:
`, base)
	writeFiles(t, dir, map[string]string{"compose.yaml": project})
	name := filepath.Join(dir, "compose.yaml")

	// The user's own project of that name, as Compose would have made it.
	own := strings.ReplaceAll(prefix, "/", "-")
	volume, container := own+"_data", own+"-writer-1"
	command(t, nil, docker, "volume", "create", volume)
	t.Cleanup(func() { _ = exec.Command(docker, "volume", "rm", "--force", volume).Run() })
	command(t, nil, docker, "run", "--detach", "--name", container, "--label", "com.docker.compose.project="+filepath.Base(dir), "--volume", volume+":/data", base,
		"sh", "-c", "echo theirs > /data/file; sleep 600")
	t.Cleanup(func() { _ = exec.Command(docker, "rm", "--force", container).Run() })
	state := func() string {
		return strings.Join([]string{
			command(t, nil, docker, "inspect", "--format", "{{.Id}} {{.State.StartedAt}} {{.State.Pid}} {{json .NetworkSettings.Networks}}", container),
			command(t, nil, docker, "exec", container, "sh", "-c", "ls -la /data; cat /data/file"),
		}, "\n")
	}
	was := state()

	a := b.run("fix", "--unsafe", "--write", "--prove", "run", "--settle", "500ms", "--probe", "http://writer:8080/", "--test", "reader: test -d /proc/1",
		"--only", "runtime/writable-root,runtime/new-privileges,runtime/no-pids-limit,runtime/literal-secret", name)
	for _, want := range []string{"Proof: ran", "reader is healthy", "writer passes probe http://writer:8080/", "Read-only file system", "written to"} {
		if !strings.Contains(a.stdout, want) {
			t.Errorf("says nothing of %q: exit code %d\n%s%s", want, a.code, a.stdout, a.stderr)
		}
	}
	got := readText(t, name)
	if n := strings.Count(got, "read_only: true"); n != 1 || strings.Count(got, "pids_limit: 256") != 2 || strings.Count(got, "${DB_PASSWORD:?}") != 2 {
		t.Errorf("written:\n%s", got)
	}
	if is := state(); is != was {
		t.Errorf("the user's own was\n%s\nand is\n%s", was, is)
	}
	// Tests of other packages prove on the same Engine, and take theirs away.
	left, until := "?", time.Now().Add(time.Minute)
	for left != "" && time.Now().Before(until) {
		left = strings.TrimSpace(command(t, nil, docker, "ps", "--all", "--quiet", "--filter", "label=dev.drydock.proof") +
			command(t, nil, docker, "network", "ls", "--quiet", "--filter", "label=dev.drydock.proof"))
		time.Sleep(200 * time.Millisecond)
	}
	if left != "" {
		t.Errorf("left: %s", left)
	}

	// Nothing reports whether it works, or it does not come up as it is.
	writeFiles(t, dir, map[string]string{"compose.yaml": fmt.Sprintf("services:\n  a:\n    image: %s\n    command: sleep 600\n", base)})
	a = b.run("fix", "--unsafe", "--prove", "run", "--settle", "300ms", "--only", "runtime/no-pids-limit", name)
	if a.code != 1 || !strings.Contains(a.stdout, "nothing says whether they work") {
		t.Errorf("exit code %d\n%s%s", a.code, a.stdout, a.stderr)
	}
	writeFiles(t, dir, map[string]string{"compose.yaml": fmt.Sprintf("services:\n  a:\n    image: %s\n    command: sh -c 'echo not today; exit 3'\n", base)})
	a = b.run("fix", "--unsafe", "--prove", "run", "--settle", "300ms", "--only", "runtime/no-pids-limit", name)
	if a.code != 1 || !strings.Contains(a.stdout, "does not come up here") || !strings.Contains(a.stdout, "| not today") {
		t.Errorf("exit code %d\n%s%s", a.code, a.stdout, a.stderr)
	}
}
