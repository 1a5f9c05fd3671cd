package cli_test

import (
	"strings"
	"testing"
)

// TestEngineTrustPlugin is the guide's session, as the guide types it, with a docker
// that has no docker trust of its own, on a plain registry.
func TestEngineTrustPlugin(t *testing.T) {
	engine(t)
	var docker string
	for major, p := range dockerClients(t) {
		if major >= 29 {
			docker = p
		}
	}
	if docker == "" {
		lacking(t, "no Docker command line of version 29 or later; DRYDOCK_DOCKER_CLI may name one")
	}
	exe := program(t)
	repo := registryServer(t, false) + "/admin/demo"
	bin := t.TempDir()
	command(t, nil, "ln", "-s", docker, bin+"/docker")
	env := []string{
		"DOCKER_CONFIG=" + dockerConfig(t), "PATH=" + bin + ":/usr/local/bin:/usr/bin:/bin", "DOCKER_BUILDKIT=0", "CI=", "DOCKER_CLI_HOOKS=",
		"XDG_CACHE_HOME=" + t.TempDir(), "XDG_DATA_HOME=" + t.TempDir(), "DOCKER_CONTENT_TRUST_SERVER=",
		"DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE=" + passphrase, "DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE=" + passphrase,
	}
	t.Chdir(t.TempDir())
	writeFiles(t, ".", map[string]string{"Dockerfile": "FROM scratch\nCOPY f /f\n", "f": "one"})
	removeAfter(t, docker, repo+":1")
	for _, as := range []string{"trust", "scout"} {
		command(t, env, exe, "plugin", "install", "--as", as)
	}
	for _, c := range []struct {
		line, want string
	}{
		{"build -q -t " + repo + ":1 .", "sha256:"},
		{"trust key generate jeff", "jeff.pub"},
		{"trust signer add --key jeff.pub jeff " + repo, "jeff may sign"},
		{"trust sign " + repo + ":1", "is signed as sha256:"},
		{"trust inspect --pretty " + repo + ":1", "SIGNED TAG"},
		{"trust inspect " + repo + ":1", `"Signers": [`},
		{"trust revoke -y " + repo + ":1", "are revoked"},
		{"trust inspect --pretty " + repo + ":1", "No signatures"},
		{"scout quickview " + repo + ":1", "base image"},
		{"scout cves " + repo + ":1", "packages"},
		{"scout compare " + repo + ":1 --to " + repo + ":1", "the same"},
		{"help scout cves", "--only-fixed"},
	} {
		out := command(t, env, docker, strings.Fields(c.line)...)
		if !strings.Contains(out, c.want) || strings.Contains(out, passphrase) {
			t.Errorf("docker %s does not say %q:\n%s", c.line, c.want, out)
		}
	}
	for _, as := range []string{"trust", "scout"} {
		command(t, env, exe, "plugin", "uninstall", "--as", as)
	}
	if out := command(t, env, docker, "--help"); strings.Contains(out, "Drydock") {
		t.Errorf("still there:\n%s", out)
	}
}
