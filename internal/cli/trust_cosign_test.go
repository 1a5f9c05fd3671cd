package cli_test

import (
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// TestTrustCopies: each signature lies beside the image as a bundle too, on either
// kind of registry, and goes with what it is a copy of.
func TestTrustCopies(t *testing.T) {
	for kind, serve := range registries() {
		t.Run(kind, func(t *testing.T) {
			if testing.Short() && kind != "docker-registry" {
				t.Skip("the other kind does in short")
			}
			repo := serve(t) + "/me/app"
			t.Chdir(t.TempDir())
			b := signing(t)
			index, digest := pushIndex(t, repo+":v1", "one")
			b.trust("key generate release", "key generate other", "init "+repo, "signer add --key release.pub release "+repo)
			o := signing(t)
			o.want(2, []string{"no signature of"}, "trust", "verify", "--key", "release.pub", repo+":v1")
			b.trust("sign " + repo + ":v1")
			m, err := index.IndexManifest()
			check(t, err)
			all := []string{digest}
			for _, d := range m.Manifests {
				all = append(all, d.Digest.String())
			}
			for _, d := range all {
				o.want(0, []string{"verified", "signed by key", "neither expiry nor revocation"}, "trust", "verify", "--key", "release.pub", repo+"@"+d)
				o.want(2, []string{"no signature of"}, "trust", "verify", "--key", "other.pub", repo+"@"+d)
			}
			before := len(referrers(t, repo, digest))
			b.trust("sign " + repo + ":v1") // nothing is written twice
			if n := len(referrers(t, repo, digest)); n != before || n != 1 {
				t.Errorf("%d referrers, then %d", before, n)
			}
			// Another's write took the copy away: it is written again.
			if kind == "docker-registry" {
				fallback := mustRef(t, repo+":"+strings.Replace(digest, ":", "-", 1))
				check(t, remote.WriteIndex(fallback, empty.Index))
				o.want(2, []string{"no signature of"}, "trust", "verify", "--key", "release.pub", repo+":v1")
				b.trust("refresh --copies " + repo)
				o.want(0, []string{"verified"}, "trust", "verify", "--key", "release.pub", repo+":v1")
			}
			// One with a pinned root is not satisfied by a key alone.
			b.want(0, []string{"verified", "fresh until"}, "trust", "verify", "--key", "release.pub", repo+":v1")
			b.want(2, nil, "trust", "verify", "--key", "other.pub", repo+":v1")
			_, moved := pushIndex(t, repo+":v1", "two")
			b.want(2, []string{"REFUSED", moved}, "trust", "verify", "--key", "release.pub", repo+":v1")
			b.want(0, nil, "trust", "revoke", repo+"@"+digest)
			b.want(2, []string{"revoked"}, "trust", "verify", "--key", "release.pub", repo+"@"+digest)
			o.want(2, []string{"no signature of"}, "trust", "verify", "--key", "release.pub", repo+"@"+digest)
			if n := len(referrers(t, repo, digest)); n != 0 {
				t.Errorf("%d copies are left", n)
			}
		})
	}
}

// TestTrustCopiesCrowd: many write copies beside one image at once.
func TestTrustCopiesCrowd(t *testing.T) {
	if testing.Short() {
		t.Skip("many writers")
	}
	const n = 12
	repo := registryServer(t, false) + "/me/app"
	t.Chdir(t.TempDir())
	b := signing(t)
	img := oneFileImage(t, "amd64", "file", "x")
	check(t, remote.Write(mustRef(t, repo+":v1"), img))
	b.trust("init " + repo)
	var names []string
	var benches []*workbench
	for i := range n {
		name := "s" + string(rune('a'+i))
		s := signing(t)
		s.trust("key generate " + name)
		b.trust("signer add --key " + name + ".pub " + name + " " + repo)
		names, benches = append(names, name), append(benches, s)
	}
	var wg sync.WaitGroup
	for i, s := range benches {
		wg.Go(func() {
			if a := s.run("trust", "sign", repo+":v1"); a.code != 0 || strings.Contains(a.stderr, "copy for cosign") {
				t.Errorf("%s: %d\n%s", names[i], a.code, a.stderr)
			}
		})
	}
	wg.Wait()
	o := signing(t)
	for _, name := range names {
		o.want(0, []string{"verified"}, "trust", "verify", "--key", name+".pub", repo+":v1")
	}
	b.want(0, []string{strings.Join(names, ", ")}, "trust", "verify", repo+":v1")
}

// referrers are the artifacts that refer to a manifest.
func referrers(t *testing.T, repo, digest string) []any {
	t.Helper()
	index, err := remote.Referrers(mustRef(t, repo+":x").Context().Digest(digest))
	check(t, err)
	m, err := index.IndexManifest()
	check(t, err)
	var out []any
	for _, d := range m.Manifests {
		out = append(out, d)
	}
	return out
}

// cosign is the real program, of version 3; DRYDOCK_COSIGN names it.
func cosign(t *testing.T) func(args ...string) (string, error) {
	t.Helper()
	program := os.Getenv("DRYDOCK_COSIGN")
	if program == "" {
		var err error
		if program, err = exec.LookPath("cosign"); err != nil {
			t.Skip("no cosign 3: DRYDOCK_COSIGN names it; go install github.com/sigstore/cosign/v3/cmd/cosign@v3.1.1 makes it")
		}
	}
	home := t.TempDir()
	return func(args ...string) (string, error) {
		cmd := exec.Command(program, args...)
		cmd.Env = append(os.Environ(), "COSIGN_PASSWORD="+passphrase, "HOME="+home)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
}

// TestPeerCosign: cosign verifies what Drydock signs, and Drydock what cosign does;
// each uses the other's keys.
func TestPeerCosign(t *testing.T) {
	run := cosign(t)
	for kind, serve := range registries() {
		t.Run(kind, func(t *testing.T) {
			repo := serve(t) + "/me/app"
			t.Chdir(t.TempDir())
			b := signing(t)
			_, digest := pushIndex(t, repo+":v1", "one")
			verify := func(key, ref string) (string, error) {
				return run("verify", "--key", key, "--insecure-ignore-tlog=true", "--allow-http-registry", ref)
			}
			b.trust("key generate release", "key generate --type ed25519 ed", "init "+repo, "signer add --key release.pub release "+repo, "signer add --key ed.pub ed "+repo)
			if out, err := verify("release.pub", repo+"@"+digest); err == nil {
				t.Fatalf("cosign verifies what nobody signed:\n%s", out)
			}
			b.trust("sign " + repo + ":v1")
			for _, key := range []string{"release.pub", "ed.pub"} {
				if out, err := verify(key, repo+"@"+digest); err != nil {
					t.Errorf("cosign does not verify ours with %s: %v\n%s", key, err, out)
				}
			}
			writeFiles(t, ".", map[string]string{"app.spdx.json": `{"spdxVersion":"SPDX-2.3"}`})
			b.trust("attest --type sbom --signer release " + repo + ":v1 app.spdx.json")
			if out, err := run("verify-attestation", "--key", "release.pub", "--type", "https://spdx.dev/Document", "--insecure-ignore-tlog=true", "--allow-http-registry", repo+"@"+digest); err != nil {
				t.Errorf("cosign does not verify our attestation: %v\n%s", err, out)
			}
			// A key pair of cosign's, and a signature of its own.
			if out, err := run("generate-key-pair"); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			_, second := pushIndex(t, repo+":v2", "two")
			if out, err := run("sign", "--key", "cosign.key", "--tlog-upload=false", "--use-signing-config=false", "--new-bundle-format=true", "--allow-http-registry", "--yes", repo+"@"+second); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			o := signing(t)
			o.want(0, []string{"verified"}, "trust", "verify", "--key", "cosign.pub", repo+":v2")
			o.want(2, nil, "trust", "verify", "--key", "release.pub", repo+":v2")
			// The key goes from one to the other and back.
			b.trust("key load --name fromcosign cosign.key", "key export release --as cosign -o ours.key")
			if out, err := run("public-key", "--key", "ours.key"); err != nil || strings.TrimSpace(out) != strings.TrimSpace(firstBlock(t, "release.pub")) {
				t.Errorf("cosign reads our key: %v\n%s", err, out)
			}
			// A signature by cosign alone does not satisfy where the root is pinned.
			b.want(2, []string{"nobody signed v2"}, "trust", "verify", "--key", "cosign.pub", repo+":v2")
		})
	}
}

func firstBlock(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	check(t, err)
	block, _, _ := strings.Cut(string(b), "-----END PUBLIC KEY-----\n")
	return block + "-----END PUBLIC KEY-----\n"
}
