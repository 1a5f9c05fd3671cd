package cli_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestDockerTrustEngine is the guide's session with stock docker trust and a real
// Engine, against drydock trust serve: sign, inspect, pull what is signed, be refused
// what is not, revoke.
func TestDockerTrustEngine(t *testing.T) {
	own := engine(t)
	docker := stockDocker(t)
	if v := command(t, nil, own, "version", "--format", "{{.Server.Version}}"); !strings.HasPrefix(v, "20.") && own != docker {
		t.Skip("docker trust of an older docker reads no digest from what a current Engine says of a push")
	}
	server, ca := ourServer(t)
	b := oldWorld(t, server, ca)
	b.now = time.Now
	b.env["DOCKER_HOST"] = os.Getenv("DOCKER_HOST")
	t.Chdir(t.TempDir())
	repo := registryServer(t, false) + "/me/node-app"
	run := func(args ...string) string {
		t.Helper()
		return stock(t, b, docker, args...)
	}
	writeFiles(t, ".", map[string]string{"Dockerfile": "FROM scratch\nCOPY f /f\n", "f": "one"})
	removeAfter(t, docker, repo+":v1")
	run("build", "-q", "-t", repo+":v1", ".")
	run("trust", "key", "generate", "alice")
	run("trust", "signer", "add", "--key", "alice.pub", "alice", repo)
	run("trust", "sign", repo+":v1")
	if out := run("trust", "inspect", "--pretty", repo+":v1"); !strings.Contains(out, "alice") {
		t.Errorf("%s", out)
	}
	b.want(0, []string{"verified", "signed by alice"}, "trust", "verify", repo+":v1")

	run("rmi", repo+":v1")
	b.env["DOCKER_CONTENT_TRUST"] = "1"
	run("pull", repo+":v1")
	pushIndex(t, repo+":v2", "unsigned")
	cmd := exec.Command(docker, "pull", repo+":v2")
	cmd.Env = os.Environ()
	for k, v := range b.env {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "v2") {
		t.Errorf("an unsigned tag is pulled: %s", out)
	}
	run("trust", "revoke", "--yes", repo+":v1")
	b.want(2, []string{"nobody signed v1"}, "trust", "verify", repo+":v1")
}
