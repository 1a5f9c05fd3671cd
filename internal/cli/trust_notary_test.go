package cli_test

import (
	"bufio"
	"context"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/cli"
)

// oldWorld is a bench with a Notary v1 server, as docker trust is told of one.
func oldWorld(t *testing.T, server, ca string) *workbench {
	t.Helper()
	b := signing(t)
	config := t.TempDir()
	tls := filepath.Join(config, "tls", strings.TrimPrefix(server, "https://"))
	check(t, os.MkdirAll(tls, 0o700))
	pem, err := os.ReadFile(ca)
	check(t, err)
	check(t, os.WriteFile(filepath.Join(tls, "ca.crt"), pem, 0o600))
	maps.Copy(b.env, map[string]string{
		"DOCKER_CONFIG": config, "DOCKER_CONTENT_TRUST_SERVER": server,
		"DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE": "root " + passphrase, "DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE": "repository " + passphrase,
	})
	return b
}

// ourServer runs drydock trust serve until the test ends.
func ourServer(t *testing.T) (url, ca string) {
	t.Helper()
	return servedFrom(t, t.TempDir())
}

func servedFrom(t *testing.T, dir string) (url, ca string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	env := cli.Env{Stdin: strings.NewReader(""), Stdout: w, Stderr: io.Discard, Now: time.Now, Version: "v0.0.0-test", Getenv: os.Getenv}
	done := make(chan int, 1)
	go func() {
		done <- cli.Main(ctx, env, "drydock", "trust", "serve", "--listen", "127.0.0.1:0", "--dir", dir)
		w.Close()
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	line, err := bufio.NewReader(r).ReadString('\n')
	check(t, err)
	go func() { _, _ = io.Copy(io.Discard, r) }()
	return regexp.MustCompile(`https://\S+`).FindString(line), filepath.Join(dir, "ca.crt")
}

// debianServer runs Debian's notary-server until the test ends.
func debianServer(t *testing.T) (url, ca string) {
	t.Helper()
	program := tool(t, "notary-server")
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	out, err := exec.Command(tool(t, "openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
		"-keyout", key, "-out", cert, "-days", "30", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	host := l.Addr().String()
	check(t, l.Close())
	config := filepath.Join(dir, "config.json")
	check(t, os.WriteFile(config, []byte(`{"server":{"http_addr":"`+host+`","tls_key_file":"`+key+`","tls_cert_file":"`+cert+`"},
"trust_service":{"type":"local","key_algorithm":"ecdsa"},"logging":{"level":"error"},"storage":{"backend":"memory"}}`), 0o600))
	cmd := exec.Command(program, "-config", config)
	check(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for range 100 {
		if c, err := net.Dial("tcp", host); err == nil {
			check(t, c.Close())
			return "https://" + host, cert
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("notary-server does not answer")
	return "", ""
}

// tool is a program of another project.
func tool(t *testing.T, name string) string {
	t.Helper()
	p, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("no %s", name)
	}
	return p
}

// TestNotary is the life of a repository on a Notary v1 server: ours, and Debian's.
func TestNotary(t *testing.T) {
	for name, serve := range map[string]func(*testing.T) (string, string){"ours": ourServer, "Debian's": debianServer} {
		t.Run(name, func(t *testing.T) {
			server, ca := serve(t)
			b := oldWorld(t, server, ca)
			b.now = time.Now
			t.Chdir(t.TempDir())
			repo := registries()["with referrers"](t) + "/me/node-app"
			_, digest := pushIndex(t, repo+":v1.0", "one")

			b.want(2, []string{"REFUSED", "nothing in it is signed"}, "trust", "verify", repo+":v1.0")
			b.want(0, []string{"is signed as " + digest + " by .Repo Admin."}, "trust", "sign", repo+":v1.0")
			b.want(0, []string{"verified", `signed by .Repo Admin.\n`, "fresh until"}, "trust", "verify", repo+":v1.0")
			b.ok("trust", "key", "generate", "release")
			b.want(0, []string{"release may sign"}, "trust", "signer", "add", "--key", "release.pub", "release", repo)
			_, two := pushIndex(t, repo+":v2.0", "two")
			b.want(0, []string{"is signed as " + two + " by release"}, "trust", "sign", repo+":v2.0")
			b.want(0, []string{"SIGNED TAG", `v1\.0 .*\(Repo Admin\)`, `v2\.0 .*release`, "Root Key:"}, "trust", "inspect", "--pretty", repo)
			b.want(0, []string{repo + "@" + two}, "trust", "verify", "--resolve", repo+":v2.0")

			_, other := pushIndex(t, repo+":v2.0", "another")
			b.want(2, []string{"REFUSED", two, other}, "trust", "verify", repo+":v2.0")
			b.want(0, []string{"is not signed any more"}, "trust", "revoke", repo+":v2.0")
			b.want(2, []string{`nobody signed v2\.0`}, "trust", "verify", repo+":v2.0")
			for _, role := range []string{"targets", "snapshot", "timestamp", "root"} {
				b.want(0, []string{role + " of .* has", `key [0-9a-f]{64}`}, "trust", "rotate", role, repo)
			}
			b.want(0, []string{"verified"}, "trust", "verify", repo+":v1.0")
			b.want(0, []string{"may not sign"}, "trust", "signer", "remove", "release", repo)

			// One who has never seen it reads the same; Debian's client too.
			fresh := oldWorld(t, server, ca)
			fresh.now = time.Now
			fresh.want(0, []string{"first use", "verified"}, "trust", "verify", repo+":v1.0")
			out, err := exec.Command(tool(t, "notary"), "-s", server, "-d", t.TempDir(), "--tlscacert", ca, "list", repo).CombinedOutput()
			if err != nil || !strings.Contains(string(out), digest[7:]) {
				t.Errorf("notary list: %v\n%s", err, out)
			}
			// A server that is away: what it said last counts until it expires.
			b.env["DOCKER_CONTENT_TRUST_SERVER"] = "https://127.0.0.1:1"
			b.want(0, []string{"is not reached", "verified"}, "trust", "verify", repo+":v1.0")
			b.now = func() time.Time { return time.Now().AddDate(0, 0, 15) }
			b.want(2, []string{"REFUSED", "timestamp metadata expired"}, "trust", "verify", repo+":v1.0")
		})
	}
}

// TestNotaryIsNoWayRound: a repository whose root is pinned is never verified by the
// older form alone.
func TestNotaryIsNoWayRound(t *testing.T) {
	server, ca := ourServer(t)
	b := oldWorld(t, server, ca)
	b.now = time.Now
	t.Chdir(t.TempDir())
	repo := registries()["with referrers"](t) + "/me/app"
	pushIndex(t, repo+":v1", "one")
	b.want(0, []string{"is signed"}, "trust", "sign", repo+":v1")
	delete(b.env, "DOCKER_CONTENT_TRUST_SERVER")
	b.ok("trust", "init", repo)
	b.env["DOCKER_CONTENT_TRUST_SERVER"] = server
	b.want(2, []string{"nobody signed v1"}, "trust", "verify", repo+":v1")
	b.want(2, []string{"nobody signed v1"}, "trust", "verify", "--notary", repo+":v1")
	b.want(1, []string{"not the address"}, "trust", "verify", "--notary=http://127.0.0.1:1", repo+":v1")
}

// TestDockerTrust is stock docker trust against drydock trust serve, as far as it goes
// without an Engine; what it made, drydock reads and signs on.
func TestDockerTrust(t *testing.T) {
	docker := stockDocker(t)
	server, ca := ourServer(t)
	b := oldWorld(t, server, ca)
	b.now = time.Now
	t.Chdir(t.TempDir())
	repo := registries()["with referrers"](t) + "/me/app"
	run := func(args ...string) string {
		t.Helper()
		return stock(t, b, docker, args...)
	}
	run("trust", "key", "generate", "alice")
	run("trust", "signer", "add", "--key", "alice.pub", "alice", repo)
	_, digest := pushIndex(t, repo+":v1", "one")
	b.want(0, []string{"by alice"}, "trust", "sign", repo+":v1")
	if out := run("trust", "inspect", repo); !strings.Contains(out, digest[7:]) || !strings.Contains(out, "alice") {
		t.Errorf("docker trust inspect: %s", out)
	}
	pretty := run("trust", "inspect", "--pretty", repo)
	if !strings.Contains(pretty, "v1") || !strings.Contains(pretty, "alice") {
		t.Errorf("%s", pretty)
	}
	run("trust", "revoke", "--yes", repo+":v1")
	b.want(2, []string{"nobody signed v1"}, "trust", "verify", repo+":v1")
	run("trust", "key", "generate", "bob")
	run("trust", "signer", "add", "--key", "bob.pub", "bob", repo)
	b.want(0, []string{"may not sign"}, "trust", "signer", "remove", "alice", repo)
	if out := run("trust", "inspect", repo); strings.Contains(out, "alice") || !strings.Contains(out, "bob") {
		t.Errorf("after alice was removed: %s", out)
	}
}

// stockDocker is a docker program that has docker trust.
func stockDocker(t *testing.T) string {
	t.Helper()
	for _, p := range []string{os.Getenv("DRYDOCK_DOCKER_TRUST"), "/usr/bin/docker", "docker"} {
		if p == "" {
			continue
		}
		if out, err := exec.Command(p, "trust", "--help").CombinedOutput(); err == nil && strings.Contains(string(out), "signer") {
			return p
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("no docker program with docker trust")
	}
	t.Skip("no docker program with docker trust")
	return ""
}

func stock(t *testing.T, b *workbench, program string, args ...string) string {
	t.Helper()
	out, err := stockRun(b, program, args...)
	if err != nil {
		t.Fatalf("docker %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func stockRun(b *workbench, program string, args ...string) (string, error) {
	cmd := exec.Command(program, args...)
	cmd.Env = os.Environ()
	for k, v := range b.env {
		if v != "" {
			cmd.Env = append(cmd.Env, k+"="+v)
		}
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}
