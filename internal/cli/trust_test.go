package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// registries are the kinds that trust works against: Docker's own, which has no
// referrers API, and one that has.
func registries() map[string]func(t *testing.T) string {
	return map[string]func(t *testing.T) string{
		"docker-registry": func(t *testing.T) string { return registryServer(t, false) },
		"with referrers": func(t *testing.T) string {
			s := httptest.NewServer(registry.New(registry.WithReferrersSupport(true), registry.Logger(log.New(io.Discard, "", 0))))
			t.Cleanup(s.Close)
			return strings.TrimPrefix(s.URL, "http://")
		},
	}
}

// signing is a bench whose keys have one passphrase, in a folder of its own.
func signing(t *testing.T) *workbench {
	t.Helper()
	b := newBench(t)
	b.env["DRYDOCK_TRUST_PASSPHRASE"] = passphrase
	b.env["DOCKER_HOST"] = "unix:///nonexistent.sock"
	return b
}

const passphrase = "correct horse battery staple"

// pushIndex puts an image of two platforms, with what attests them, under a tag.
func pushIndex(t *testing.T, ref, text string) (v1.ImageIndex, string) {
	t.Helper()
	var index v1.ImageIndex = empty.Index
	for _, arch := range []string{"amd64", "arm64"} {
		img := oneFileImage(t, arch, "app/"+arch, text)
		d, err := img.Digest()
		check(t, err)
		index = mutate.AppendManifests(index,
			mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}}},
			mutate.IndexAddendum{Add: oneFileImage(t, arch, "attests/"+arch, text), Descriptor: v1.Descriptor{
				Platform:    &v1.Platform{OS: "unknown", Architecture: "unknown"},
				Annotations: map[string]string{"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": d.String()},
			}})
	}
	at, err := name.ParseReference(ref)
	check(t, err)
	check(t, remote.WriteIndex(at, index))
	d, err := index.Digest()
	check(t, err)
	return index, d.String()
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// want runs the program and wants an exit code and texts in what it prints.
func (b *workbench) want(code int, texts []string, args ...string) answer {
	b.t.Helper()
	a := b.run(args...)
	for _, w := range texts {
		if !regexp.MustCompile(w).MatchString(a.stdout + a.stderr) {
			b.t.Errorf("drydock %s: nothing of %q in\n%s%s", strings.Join(args, " "), w, a.stdout, a.stderr)
		}
	}
	if a.code != code {
		b.t.Fatalf("drydock %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), a.code, code, a.stdout, a.stderr)
	}
	return a
}

// TestTrustSession is the session of the guide, on each kind of registry.
func TestTrustSession(t *testing.T) {
	for kind, serve := range registries() {
		t.Run(kind, func(t *testing.T) {
			if testing.Short() && kind == "docker-registry" {
				t.Skip("the other kind does in short")
			}
			repo := serve(t) + "/me/node-app"
			t.Chdir(t.TempDir())
			b := signing(t)
			_, digest := pushIndex(t, repo+":v1.0", "one")

			b.want(2, []string{"REFUSED", "no trust metadata", "trust init " + repo}, "trust", "verify", repo+":v1.0")
			a := b.want(0, []string{`key [0-9a-f]{64}`, "release.pub"}, "trust", "key", "generate", "release")
			id := regexp.MustCompile(`[0-9a-f]{64}`).FindString(a.stdout)
			b.want(0, []string{"root key [0-9a-f]{64}", "pinned here"}, "trust", "init", repo)
			b.want(1, []string{"has trust metadata already"}, "trust", "init", repo)
			b.want(2, []string{"nobody signed v1.0"}, "trust", "verify", repo+":v1.0")
			b.want(0, []string{"release may sign"}, "trust", "signer", "add", "--key", "release.pub", "release", repo)
			b.want(0, []string{"is signed as " + digest + " by release"}, "trust", "sign", repo+":v1.0")

			b.want(0, []string{"SIGNED TAG", `v1\.0`, digest[7:], "release", "SIGNER", id[:12], "Administrative keys", "Repository Key:", "Root Key:"}, "trust", "inspect", "--pretty", repo+":v1.0")
			var docker []struct {
				Name       string
				SignedTags []struct {
					SignedTag, Digest string
					Signers           []string
				}
				Signers, AdministrativeKeys []struct {
					Name string
					Keys []struct{ ID string }
				}
			}
			check(t, json.Unmarshal([]byte(b.ok("trust", "inspect", repo)), &docker))
			if d := docker[0]; d.SignedTags[0].SignedTag != "v1.0" || "sha256:"+d.SignedTags[0].Digest != digest || d.Signers[0].Keys[0].ID != id ||
				d.AdministrativeKeys[0].Name != "Root" || d.AdministrativeKeys[1].Name != "Repository" {
				t.Errorf("inspect: %+v", docker)
			}
			b.want(0, []string{"verified", digest, "signed by release on 23 November 2026", "fresh until 2026-12-07"}, "trust", "verify", repo+":v1.0")
			b.want(0, []string{"^" + regexp.QuoteMeta(repo+"@"+digest) + "\n"}, "trust", "verify", "--resolve", "--quiet", repo+":v1.0")

			b.want(1, []string{"has no tag v9 now", "verify --resolve " + repo + ":v9"}, "trust", "verify", repo+":v9")

			// Each platform's manifest and what attests it are signed by digest.
			index, err := remote.Index(mustRef(t, repo+":v1.0"))
			check(t, err)
			m, err := index.IndexManifest()
			check(t, err)
			for _, d := range m.Manifests {
				b.want(0, []string{"verified"}, "trust", "verify", repo+"@"+d.Digest.String())
			}

			// The tag moves: what it names now is not what is signed.
			_, other := pushIndex(t, repo+":v1.0", "two")
			b.want(2, []string{"REFUSED", digest, other}, "trust", "verify", repo+":v1.0")
			b.want(0, []string{digest}, "trust", "verify", "--resolve", repo+":v1.0")
			b.want(0, []string{"verified"}, "trust", "verify", repo+"@"+digest)
			b.want(2, []string{"nobody signed"}, "trust", "verify", repo+"@"+other)
			b.want(0, []string{other}, "trust", "sign", repo+":v1.0")
			b.want(0, []string{"verified", other}, "trust", "verify", repo+":v1.0")

			// Revoked, and signed again; a digest stays revoked.
			b.want(0, []string{"revoked for all signers"}, "trust", "revoke", "--reason", "not yet", repo+":v1.0")
			b.want(2, []string{"was revoked on 23 November 2026: not yet"}, "trust", "verify", repo+":v1.0")
			b.want(0, nil, "trust", "sign", repo+":v1.0")
			b.want(0, []string{"verified"}, "trust", "verify", repo+":v1.0")
			b.want(0, nil, "trust", "revoke", "--reason", "malware", repo+"@"+other)
			b.want(2, []string{"revoked"}, "trust", "verify", repo+":v1.0")
			b.want(2, []string{"revoked"}, "trust", "verify", repo+"@"+other)
			b.want(1, []string{"stays so", "build the image anew"}, "trust", "sign", repo+":v1.0")

			// Somebody else sees the same, and is told whose word it takes.
			o := signing(t)
			_, third := pushIndex(t, repo+":v2", "three")
			b.want(0, nil, "trust", "sign", repo+":v2")
			o.want(0, []string{"first use", "root key [0-9a-f]{64}", "verified", third}, "trust", "verify", repo+":v2")
			if a := o.want(0, []string{"verified"}, "trust", "verify", repo+":v2"); strings.Contains(a.stderr, "first use") {
				t.Errorf("the second use is no first one:\n%s", a.stderr)
			}
			o.want(1, []string{"no key of a signer of .* is here", "signer add"}, "trust", "sign", repo+":v2")

			// A signer is removed: what he signed is not signed.
			b.want(0, []string{"may not sign"}, "trust", "signer", "remove", "release", repo)
			b.want(2, []string{"nobody signed v2"}, "trust", "verify", repo+":v2")
			o.want(2, []string{"nobody signed v2"}, "trust", "verify", repo+":v2")
			b.want(1, []string{"is not a signer"}, "trust", "signer", "remove", "release", repo)

			// The administrator signs where there are no signers.
			b.want(0, []string{`\(Repo Admin\)`}, "trust", "sign", repo+":v2")
			b.want(0, []string{`"signers": \[\s+"\(Repo Admin\)"`}, "trust", "sign", "--format", "json", repo+":v2")
			b.want(1, []string{"named by --signer", "trust revoke --signer release " + repo}, "trust", "revoke", "release", repo)
			o.want(0, []string{`signed by \(Repo Admin\)`}, "trust", "verify", repo+":v2")
		})
	}
}

func mustRef(t *testing.T, s string) name.Reference {
	t.Helper()
	ref, err := name.ParseReference(s)
	check(t, err)
	return ref
}

// TestTrustExpires: what is not refreshed is refused, by date; refresh heals it.
func TestTrustExpires(t *testing.T) {
	repo := registries()["with referrers"](t) + "/me/app"
	t.Chdir(t.TempDir())
	b := signing(t)
	pushIndex(t, repo+":v1", "one")
	for _, args := range [][]string{{"key", "generate", "release"}, {"init", repo}, {"signer", "add", "--key", "release.pub", "release", repo}, {"sign", repo + ":v1"}} {
		b.ok(append([]string{"trust"}, args...)...)
	}
	at := func(days int) func() time.Time { return func() time.Time { return today().AddDate(0, 0, days) } }
	b.now = at(13)
	b.want(0, nil, "trust", "verify", repo+":v1")
	b.now = at(15)
	b.want(2, []string{"timestamp metadata expired on 7 December 2026", "drydock trust refresh"}, "trust", "verify", repo+":v1")
	var out struct {
		Verified bool
		Verdict  string
	}
	check(t, json.Unmarshal([]byte(b.run("trust", "verify", "--format", "json", repo+":v1").stdout), &out))
	if out.Verified || out.Verdict != "expired" {
		t.Errorf("JSON: %+v", out)
	}
	b.want(0, []string{"was signed anew"}, "trust", "refresh", repo)
	b.want(0, []string{"is fresh"}, "trust", "refresh", repo)
	b.want(0, []string{"fresh until 2026-12-22"}, "trust", "verify", repo+":v1")
	b.now = at(365 * 3)
	b.want(0, nil, "trust", "refresh", repo)
	b.want(0, nil, "trust", "verify", repo+":v1")
	b.now = at(365*5 + 10)
	b.want(0, nil, "trust", "refresh", repo)
	b.want(2, []string{"root metadata expired"}, "trust", "verify", repo+":v1")
}

// TestTrustDays: how long documents hold is the repository's to say.
func TestTrustDays(t *testing.T) {
	repo := registries()["with referrers"](t) + "/me/app"
	t.Chdir(t.TempDir())
	b := signing(t)
	pushIndex(t, repo+":v1", "one")
	b.want(1, []string{"--days nobody=3"}, "trust", "init", "--days", "nobody=3", repo)
	b.want(0, nil, "trust", "init", "--days", "timestamp=2,root=400", repo)
	b.want(0, nil, "trust", "sign", repo+":v1")
	b.want(0, []string{"fresh until 2026-11-25"}, "trust", "verify", repo+":v1")
	b.want(0, []string{"root +1 +2027-12-28", "snapshot +[0-9]+ +2026-12-23"}, "trust", "status", repo)
}

// TestTrustOfUnreachable: what cannot be found out is neither yes nor no.
func TestTrustOfUnreachable(t *testing.T) {
	b := signing(t)
	b.want(1, []string{"error: "}, "trust", "verify", "127.0.0.1:1/me/app:v1")
	b.want(1, []string{"error: ", "offline"}, "trust", "verify", "--offline", "127.0.0.1:1/me/app:v1")
	b.want(1, []string{"names no image"}, "trust", "verify", "127.0.0.1:1/me/app")
	b.want(1, []string{"not an image's name"}, "trust", "verify", "127.0.0.1:1/ME/app:x")
}

// TestTrustKeepsSecrets runs every verb of trust, with things going wrong, and
// looks for keys and passphrases in all that comes out and lies about.
func TestTrustKeepsSecrets(t *testing.T) {
	repo := registries()["with referrers"](t) + "/me/app"
	dir := t.TempDir()
	t.Chdir(dir)
	b := signing(t)
	pushIndex(t, repo+":v1", "one")
	var all bytes.Buffer
	for _, line := range []string{
		"key generate release", "key list", "key list --format json", "init REPO", "signer add --key release.pub release REPO", "sign REPO:v1",
		"inspect REPO", "inspect --pretty REPO", "verify REPO:v1", "verify --format json REPO:v1", "key export release -o out.pem", "key export release --as docker -o docker.pem",
		"key export release --as cosign -o cosign.key", "key export release", "key export --as public release", "key load out.pem", "key load --name second cosign.key",
		"key remove second", "refresh REPO", "revoke REPO:v1", "--debug verify REPO:v1", "--debug sign REPO:v1", "signer remove release REPO", "key load release.pub", "key load out.pem --passphrase-fd 99",
	} {
		a := b.run(append([]string{"trust"}, strings.Fields(strings.ReplaceAll(line, "REPO", repo))...)...)
		fmt.Fprintln(&all, a.stdout, a.stderr)
	}
	b.env["DRYDOCK_TRUST_PASSPHRASE"] = "Wr0ng-passphrase"
	for _, line := range []string{"sign REPO:v1", "key export release -o x.pem", "key load out.pem", "key load cosign.key", "key load docker.pem"} {
		a := b.run(append([]string{"trust"}, strings.Fields(strings.ReplaceAll(line, "REPO", repo))...)...)
		if a.code != 1 || !strings.Contains(a.stderr, "passphrase") && !strings.Contains(a.stderr, "is not a signer") && !strings.Contains(a.stderr, "already") {
			t.Errorf("%s: %d\n%s", line, a.code, a.stderr)
		}
		fmt.Fprintln(&all, a.stdout, a.stderr)
	}
	secrets := []string{passphrase, "Wr0ng-passphrase", "PRIVATE KEY"}
	err := filepath.WalkDir(b.env["XDG_DATA_HOME"], func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(p, ".pem") {
			body, err := os.ReadFile(p)
			check(t, err)
			if !bytes.HasPrefix(body, []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----")) {
				t.Errorf("%s is not encrypted", p)
			}
			secrets = append(secrets, string(body[len("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"):][:64]))
			if info, err := d.Info(); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: %v, %v", p, info.Mode(), err)
			}
		}
		return err
	})
	check(t, err)
	if len(secrets) < 6 {
		t.Fatalf("only %d secrets to look for", len(secrets))
	}
	for _, s := range secrets {
		if i := strings.Index(all.String(), s); i >= 0 {
			t.Errorf("%q is printed: …%s…", s, all.String()[max(0, i-200):min(all.Len(), i+100)])
		}
	}
	if err := filepath.WalkDir(b.env["XDG_DATA_HOME"], func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			body, err := os.ReadFile(p)
			check(t, err)
			if bytes.Contains(body, []byte(passphrase)) {
				t.Errorf("%s holds the passphrase", p)
			}
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
