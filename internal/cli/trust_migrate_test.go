package cli_test

import (
	"strings"
	"testing"
	"time"
)

// TestTrustMigrate carries a repository over from a Notary v1 server, and from Docker's
// folder when the server is gone and what it said has expired.
func TestTrustMigrate(t *testing.T) {
	server, ca := ourServer(t)
	old := func(repo string) (*workbench, string) {
		b := oldWorld(t, server, ca)
		b.now = time.Now
		t.Chdir(t.TempDir())
		_, one := pushIndex(t, repo+":v1", "one")
		b.ok("trust", "sign", repo+":v1") // by the administrator
		b.ok("trust", "key", "generate", "alice")
		b.ok("trust", "signer", "add", "--key", "alice.pub", "alice", repo)
		pushIndex(t, repo+":v2", "two")
		b.ok("trust", "sign", repo+":v2")
		pushIndex(t, repo+":v1", "moved since")
		b.ok("trust", "verify", "--resolve", repo+":v1")
		return b, one
	}
	registry := registries()["with referrers"](t)

	repo := registry + "/me/app"
	b, one := old(repo)
	b.want(0, []string{"2 tags, 1 signer, 1 private key"}, "trust", "migrate", repo)
	b.want(0, []string{"0 tags, 0 signers, 0 private keys"}, "trust", "migrate", repo)
	b.want(0, []string{"verified", "signed by alice on"}, "trust", "verify", repo+":v2")
	b.want(2, []string{"v1 is signed as " + one, `by \(Repo Admin\)`}, "trust", "verify", repo+":v1")

	// Without a server, and late.
	repo = registry + "/me/late"
	b, _ = old(repo)
	b.env["DOCKER_CONTENT_TRUST_SERVER"] = "https://127.0.0.1:1"
	b.now = func() time.Time { return time.Now().AddDate(0, 2, 0) }
	b.want(2, []string{"timestamp metadata expired"}, "trust", "migrate", repo)
	b.want(2, []string{"timestamp metadata expired"}, "trust", "migrate", "--local", repo)
	a := b.want(0, []string{"held until", "the server is gone", "2 tags, 1 signer"}, "trust", "migrate", "--local", "--unsafe-expired", "the server is gone", repo)
	if strings.Contains(a.stdout+a.stderr, passphrase) {
		t.Error("a passphrase is printed")
	}
	b.want(0, []string{"verified", "signed by alice on"}, "trust", "verify", repo+":v2")
	b.want(1, []string{"docker has seen no signatures"}, "trust", "migrate", "--local", registry+"/me/never")
}
