package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// TestGateExportEngine: a build stands on what is signed, with the Engine's BuildKit.
func TestGateExportEngine(t *testing.T) {
	docker := engine(t)
	if out, err := exec.Command(docker, "buildx", "version").CombinedOutput(); err != nil || !strings.Contains(string(out), "0.38") {
		t.Skipf("no Buildx of this year: %s", out)
	}
	gateExport(t, func(dir string, env ...string) string {
		cmd := exec.Command(docker, "buildx", "build", "-q", "--no-cache", dir)
		cmd.Env = append(os.Environ(), env...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			return "refused: " + string(out)
		}
		id := strings.TrimSpace(string(out))
		removeAfter(t, docker, id[strings.LastIndexByte(id, '\n')+1:])
		return "built"
	})
}

// TestGateExportBuildKit: the same with a BuildKit and a Buildx of their own, without an
// Engine. .ci/nightly builds both.
func TestGateExportBuildKit(t *testing.T) {
	daemon, buildx := os.Getenv("DRYDOCK_BUILDKITD"), os.Getenv("DRYDOCK_BUILDX")
	if daemon == "" || buildx == "" {
		t.Skip("DRYDOCK_BUILDKITD and DRYDOCK_BUILDX name no programs: .ci/nightly builds them from .ci/buildkit")
	}
	if os.Geteuid() != 0 {
		t.Skip("buildkitd runs as root")
	}
	dir := t.TempDir()
	socket := "unix://" + filepath.Join(dir, "s")
	log, err := os.Create(filepath.Join(dir, "log"))
	check(t, err)
	cmd := exec.Command(daemon, "--root", filepath.Join(dir, "root"), "--addr", socket, "--containerd-worker=false", "--oci-worker=true",
		"--oci-worker-net=host", "--oci-worker-snapshotter=native", "--config", filepath.Join(dir, "none.toml"))
	cmd.Stdout, cmd.Stderr = log, log
	writeFiles(t, dir, map[string]string{"none.toml": ""})
	check(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
		_ = log.Close()
	})
	own := []string{"DOCKER_CONFIG=" + dir, "BUILDX_CONFIG=" + filepath.Join(dir, "buildx"), "DOCKER_HOST=unix:///nonexistent.sock"}
	run := func(env []string, args ...string) (string, error) {
		c := exec.Command(buildx, args...)
		c.Env = append(append(os.Environ(), own...), env...)
		out, err := c.CombinedOutput()
		return string(out), err
	}
	if out, err := run(nil, "create", "--name", "alone", "--driver", "remote", socket); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	up := false
	for range 200 {
		if _, err := run(nil, "--builder", "alone", "inspect", "--timeout", "2s"); err == nil {
			up = true
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if !up {
		b, _ := os.ReadFile(log.Name())
		t.Fatalf("buildkitd does not answer:\n%s", b)
	}
	gateExport(t, func(dir string, env ...string) string {
		out, err := run(env, "--builder", "alone", "build", "--no-cache", "--progress=plain", "--output", "type=cacheonly", dir)
		if err != nil {
			return "refused: " + out
		}
		return "built"
	})
}

// gateExport holds a builder to what gate export buildx writes. build answers "built", or
// why it does not.
func gateExport(t *testing.T, build func(dir string, env ...string) string) {
	t.Helper()
	repo := registryServer(t, false) + "/me/base"
	t.Chdir(t.TempDir())
	b := signing(t)
	_, good := pushIndex(t, repo+":v1", "one")
	evilIndex, evil := pushIndex(t, repo+":evil", "evil")
	b.trust("key generate release", "init "+repo, "signer add --key release.pub release "+repo, "sign "+repo+":v1", "root "+repo+" -o app.root.json")
	writeFiles(t, ".", map[string]string{"policy.yaml": gatePolicy(repo)})
	b.want(0, nil, "gate", "export", "buildx", "-o", "sources.json")
	b.want(0, nil, "gate", "export", "buildx", "--rego", "-o", "Dockerfile.rego")
	rego, err := os.ReadFile("Dockerfile.rego")
	check(t, err)
	const sources = "EXPERIMENTAL_BUILDKIT_SOURCE_POLICY=sources.json"
	for name, c := range map[string]struct {
		text string
		good bool
	}{
		"tag":         {"FROM " + repo + ":v1\nLABEL a=1\n", true},
		"digest":      {"FROM " + repo + "@" + good + "\nLABEL a=1\n", true},
		"both":        {"FROM " + repo + ":v1@" + good + "\nLABEL a=1\n", true},
		"argument":    {"ARG B=" + repo + ":v1\nFROM $B\nLABEL a=1\n", true},
		"scratch":     {"FROM scratch\nLABEL a=1\n", true},
		"evil tag":    {"FROM " + repo + ":evil\nLABEL a=1\n", false},
		"evil digest": {"FROM " + repo + "@" + evil + "\nLABEL a=1\n", false},
		"evil bytes":  {"FROM " + repo + ":v1@" + evil + "\nLABEL a=1\n", false},
		"evil stage":  {"FROM " + repo + ":evil AS e\nFROM " + repo + ":v1\nCOPY --from=e /app /e\n", false},
		"evil copy":   {"FROM " + repo + ":v1\nCOPY --from=" + repo + ":evil /app /e\n", false},
		"evil syntax": {"# syntax=" + repo + ":evil\nFROM " + repo + ":v1\nLABEL a=1\n", false},
	} {
		dir := strings.ReplaceAll(name, " ", "-")
		writeFiles(t, dir, map[string]string{"Dockerfile": c.text})
		if name == "evil tag" {
			if got := build(dir); got != "built" {
				t.Errorf("without a policy: %s", got)
			}
		}
		got := build(dir, sources)
		if c.good != (got == "built") || !c.good && !strings.Contains(got, "denied by policy") {
			t.Errorf("%s, source policy: %s", name, got)
		}
		writeFiles(t, dir, map[string]string{"Dockerfile.rego": string(rego)})
		if got = build(dir); c.good != (got == "built") || !c.good && !strings.Contains(got, "not allowed by policy") {
			t.Errorf("%s, Rego: %s", name, got)
		}
	}
	// The tag moves: the source policy builds on what is signed for it, Rego refuses.
	check(t, remote.WriteIndex(mustRef(t, repo+":v1"), evilIndex))
	if got := build("tag", sources); got != "built" {
		t.Errorf("a tag that moved, source policy: %s", got)
	}
	if got := build("tag"); !strings.Contains(got, "not allowed by policy") {
		t.Errorf("a tag that moved, Rego: %s", got)
	}
}
