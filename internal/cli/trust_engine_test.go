package cli_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestTrustEngine signs images of a real Docker Engine: what is only there is pushed
// first, and what differs from the registry's is not guessed at.
func TestTrustEngine(t *testing.T) {
	docker := engine(t)
	repo := registryServer(t, false) + "/me/engine-app"
	t.Chdir(t.TempDir())
	b := signing(t)
	b.env["DOCKER_HOST"] = os.Getenv("DOCKER_HOST")
	build := func(text, ref string) {
		t.Helper()
		writeFiles(t, ".", map[string]string{"Dockerfile": "FROM scratch\nCOPY f /f\n", "f": text})
		command(t, nil, docker, "build", "-q", "-t", ref, ".")
	}
	removeAfter(t, docker, repo+":v1")
	b.trust("key generate release", "init "+repo, "signer add --key release.pub release "+repo)
	b.want(1, []string{"neither in the registry nor in the Docker Engine"}, "trust", "sign", repo+":v1")
	build("one", repo+":v1")
	a := b.want(0, []string{"is signed as sha256:[0-9a-f]{64} by release"}, "trust", "sign", repo+":v1")
	first := regexp.MustCompile(`sha256:[0-9a-f]{64}`).FindString(a.stdout)
	b.want(0, []string{"verified", first}, "trust", "verify", repo+":v1")
	b.want(0, []string{first}, "trust", "sign", repo+":v1") // the same image in both
	build("two", repo+":v1")
	b.want(1, []string{"another image in the Docker Engine", "--local", "--remote"}, "trust", "sign", repo+":v1")
	b.want(0, []string{first}, "trust", "sign", "--remote", repo+":v1")
	a = b.want(0, nil, "trust", "sign", "--local", repo+":v1")
	second := regexp.MustCompile(`sha256:[0-9a-f]{64}`).FindString(a.stdout)
	if second == first {
		t.Errorf("the local image was not pushed: %s", second)
	}
	b.want(0, []string{"verified", second}, "trust", "verify", repo+":v1")
	// An archive of the Engine verifies offline, and the image in the Engine too.
	b.trust("bundle " + repo + ":v1 -o v1.bundle")
	command(t, nil, docker, "save", "-o", "v1.tar", repo+":v1")
	b.want(0, []string{"verified"}, "trust", "verify", "--offline", "--bundle", "v1.bundle", "v1.tar")
	b.want(0, []string{"verified"}, "trust", "verify", "--offline", "--bundle", "v1.bundle", "local://"+repo+":v1")
	build("three", repo+":v1")
	b.want(2, []string{"REFUSED"}, "trust", "verify", "--offline", "--bundle", "v1.bundle", "local://"+repo+":v1")
	if a := b.run("trust", "sign", "--local", strings.Replace(repo, "me/", "nobody/", 1)+":v1"); a.code != 1 {
		t.Errorf("an image that is nowhere: %d\n%s", a.code, a.stderr)
	}
}
