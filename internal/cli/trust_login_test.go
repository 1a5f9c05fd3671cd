package cli_test

import (
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// loggedIn gives a bench credentials for a registry, where docker keeps them.
func loggedIn(t *testing.T, b *workbench, registry, user, password string) {
	t.Helper()
	auth := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	check(t, os.WriteFile(filepath.Join(b.env["DOCKER_CONFIG"], "config.json"),
		[]byte(`{"auths":{"`+registry+`":{"auth":"`+auth+`"}}}`), 0o600))
}

// TestTrustServeLogin: reading is free, and writing is for the users that a command names,
// by Drydock's own client, by stock docker trust and by notary.
func TestTrustServeLogin(t *testing.T) {
	dir := t.TempDir()
	server, ca := servedFrom(t, dir)
	admin := signing(t)
	password := ""
	user := func(code int, texts []string, args ...string) {
		t.Helper()
		admin.stdin = strings.NewReader(password)
		admin.want(code, texts, append(append([]string{"trust", "serve", "user"}, args...), "--dir", dir)...)
	}
	host := registries()["with referrers"](t)
	repo := host + "/me/app"
	b := oldWorld(t, server, ca)
	b.now = time.Now
	t.Chdir(t.TempDir())
	pushIndex(t, repo+":v1", "one")
	user(0, []string{"there is no login"}, "list")
	user(1, []string{"nobody can be asked", "--password-stdin"}, "add", "me")
	password = "short\n"
	user(1, []string{"a password has 8"}, "add", "me", "--password-stdin")
	password = "a long password\n"
	user(1, []string{"no name of a user"}, "add", "a:b", "--password-stdin")
	user(0, []string{"me may write"}, "add", "me", "--password-stdin")
	user(0, []string{"^me\n"}, "list")

	// Nobody begins or changes a repository without a login.
	b.want(1, []string{"writing needs a login", "docker login"}, "trust", "sign", repo+":v1")
	loggedIn(t, b, host, "me", "a wrong password")
	if a := b.want(1, []string{"401|wrong|authori[sz]"}, "trust", "sign", repo+":v1"); strings.Contains(a.stdout+a.stderr, "a wrong password") {
		t.Errorf("the password is shown:\n%s", a.stderr)
	}
	loggedIn(t, b, host, "me", "a long password")
	b.want(0, []string{"is signed as"}, "trust", "sign", repo+":v1")
	reader := oldWorld(t, server, ca)
	reader.now = time.Now
	reader.want(0, []string{"verified"}, "trust", "verify", repo+":v1")
	reader.want(1, nil, "trust", "revoke", repo+":v1")
	b.want(0, nil, "trust", "revoke", repo+":v1")

	t.Run("docker trust", func(t *testing.T) {
		docker := stockDocker(t)
		b := oldWorld(t, server, ca)
		loggedIn(t, b, host, "me", "a long password")
		repo := host + "/me/docker"
		stock(t, b, docker, "trust", "key", "generate", "alice")
		stock(t, b, docker, "trust", "signer", "add", "--key", "alice.pub", "alice", repo)
		loggedIn(t, b, host, "me", "a wrong password")
		stock(t, b, docker, "trust", "key", "generate", "bob")
		if out, err := stockRun(b, docker, "trust", "signer", "add", "--key", "bob.pub", "bob", repo); err == nil {
			t.Errorf("docker trust writes with a wrong password:\n%s", out)
		}
		anyone := oldWorld(t, server, ca)
		if out := stock(t, anyone, docker, "trust", "inspect", repo); !strings.Contains(out, "alice") || strings.Contains(out, "bob") {
			t.Errorf("read without a login:\n%s", out)
		}
	})
	t.Run("notary", func(t *testing.T) {
		notary := tool(t, "notary")
		work := t.TempDir()
		run := func(auth string, args ...string) (string, error) {
			cmd := exec.Command(notary, append([]string{"-s", server, "-d", work, "--tlscacert", ca}, args...)...)
			cmd.Env = append(os.Environ(), "NOTARY_AUTH="+base64.StdEncoding.EncodeToString([]byte(auth)),
				"NOTARY_ROOT_PASSPHRASE="+passphrase, "NOTARY_TARGETS_PASSPHRASE="+passphrase,
				"NOTARY_SNAPSHOT_PASSPHRASE="+passphrase, "NOTARY_DELEGATION_PASSPHRASE="+passphrase)
			out, err := cmd.CombinedOutput()
			return string(out), err
		}
		gun := host + "/me/notary"
		if out, err := run("me:a wrong password", "init", "-p", gun); err == nil {
			t.Errorf("notary begins with a wrong password:\n%s", out)
		}
		if out, err := run("me:a long password", "init", "-p", gun); err != nil {
			t.Errorf("notary init: %v\n%s", err, out)
		}
		if out, err := run(":", "list", gun); err != nil {
			t.Errorf("notary list without a login: %v\n%s", err, out)
		}
	})

	user(0, []string{"me may not write"}, "remove", "me")
	user(0, []string{"nobody may write"}, "list")
	b.want(1, nil, "trust", "sign", repo+":v1")
	reader.want(2, []string{"nobody signed v1"}, "trust", "verify", repo+":v1")
	text, err := os.ReadFile(filepath.Join(dir, "users.json"))
	check(t, err)
	if strings.Contains(string(text), "password") {
		t.Errorf("%s", text)
	}
}
