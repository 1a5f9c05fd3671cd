package cli_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestOwnImageEngineKeepsToItsProfile runs the image of "make image" with the profile that
// is shipped beside it, as the compose files do: nothing that the service does is refused,
// the profile is in force, and drydock's own proof of it holds.
func TestOwnImageEngineKeepsToItsProfile(t *testing.T) {
	archive := os.Getenv("DRYDOCK_OWN_IMAGE")
	if archive == "" {
		t.Skip("DRYDOCK_OWN_IMAGE names no archive of make image (dist/drydock.tar)")
	}
	docker := "docker"
	if d := os.Getenv("DRYDOCK_DOCKER"); d != "" {
		docker = d
	}
	run := func(args ...string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), docker, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("docker %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	had := run("images", "-q", "--no-trunc")
	m := regexp.MustCompile(`Loaded image: (\S+)`).FindStringSubmatch(run("load", "-i", archive))
	if m == nil {
		t.Fatal("nothing was loaded")
	}
	image := m[1]
	if id := strings.TrimSpace(run("image", "inspect", "-f", "{{.Id}}", image)); !strings.Contains(had, id) {
		t.Cleanup(func() { _ = exec.Command(docker, "rmi", image).Run() })
	}
	profile, err := filepath.Abs(filepath.Join(packaging, "profile"))
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("drydock-test-own-%d", os.Getpid())
	t.Cleanup(func() { _ = exec.Command(docker, "rm", "-f", "-v", name).Run() })
	run("run", "-d", "--name", name, "--security-opt", "seccomp="+filepath.Join(profile, "seccomp.json"), "--security-opt", "no-new-privileges:true", "--cap-drop", "ALL",
		"--read-only", "--tmpfs", "/tmp:size=512m,mode=1777,noexec,nosuid,nodev", "--memory", "2g", "--pids-limit", "200", image)
	within := func(what string, ok func() bool) {
		t.Helper()
		for end := time.Now().Add(time.Minute); !ok(); time.Sleep(200 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("it takes too long until %s\n%s", what, run("logs", name))
			}
		}
	}
	within("it serves", func() bool { return strings.Contains(run("logs", name), "serving at") })
	in := func(args ...string) string { return run(append([]string{"exec", name, "/drydock"}, args...)...) }
	doc := filepath.Join(t.TempDir(), "app.cdx.json")
	text := `{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"library","name":"lodash","version":"4.17.15","purl":"pkg:npm/lodash@4.17.15"}]}`
	if err := os.WriteFile(doc, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	run("cp", doc, name+":/data/app.cdx.json")
	const at = "http://127.0.0.1:8480"
	in("sbom", "-q", "--push", at, "--push-name", "acme/web:1", "sbom:///data/app.cdx.json")
	within("the image is matched", func() bool {
		return strings.Contains(in("watch", "--server", at, "--after", "0", "--once"), "image.judged")
	})
	if out := in("cves", "-q", "--server", at, "acme/web:1"); !strings.Contains(out, "CVE-2021-23337") {
		t.Errorf("%s", out)
	}
	in("serve", "backup", "/tmp/backup.sqlite")
	in("serve", "restore", "--data", "/tmp/restored", "/tmp/backup.sqlite")
	if out := run("logs", name); strings.Contains(out, "not permitted") || strings.Contains(out, "level=ERROR") {
		t.Errorf("something was refused: %s", out)
	}
	run("stop", "-t", "20", name)
	if code := strings.TrimSpace(run("inspect", "-f", "{{.State.ExitCode}}", name)); code != "0" {
		t.Errorf("it ended with %s: %s", code, run("logs", name))
	}
	// What it is for: drydock's own proof states what the kernel has in force.
	cmd, _ := process(t, "confine", "--profile", profile, "--prove", image, "--for", "3s", "--force") // on whatever runtime there is
	cmd.Env = append(cmd.Env, "TEST_CLOCK=real")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, want := range []string{"89 of", "none"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q: %s", want, out.String())
		}
	}
}
