package cli_test

import (
	"crypto/x509"
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/scheme"
	"github.com/drydock-dev/drydock/internal/trust/scheme/mint"
)

// attach puts a signature beside a manifest, as other tools do: an artifact of a type with
// one layer, which refers to it; or, where a tag is given, an image under that.
func attach(t *testing.T, repo, digest, tag, artifact, layer string, b []byte, annotations map[string]string) {
	t.Helper()
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.MediaType(artifact))
	img, err := mutate.Append(img, mutate.Addendum{Layer: static.NewLayer(b, types.MediaType(layer)), Annotations: annotations})
	check(t, err)
	if tag == "" {
		of := mustRef(t, repo+":x").Context().Digest(digest)
		desc, err := remote.Head(of)
		check(t, err)
		img = mutate.Subject(img, *desc).(v1.Image)
		d, err := img.Digest()
		check(t, err)
		check(t, remote.Write(of.Context().Digest(d.String()), img))
		return
	}
	check(t, remote.Write(mustRef(t, repo+":"+tag), img))
}

const sigstoreType = "application/vnd.dev.sigstore.bundle.v0.3+json"

// TestKeylessSignatures: a keyless bundle of a private Sigstore counts for the identity
// that is asked for, on either kind of registry, from the command line and in the policy.
func TestKeylessSignatures(t *testing.T) {
	for kind, serve := range registries() {
		t.Run(kind, func(t *testing.T) {
			repo := serve(t) + "/me/app"
			t.Chdir(t.TempDir())
			b := signing(t)
			b.env["COLUMNS"] = "300"
			s := mint.NewSigstore(today())
			const issuer, subject = "https://token.example.com", "https://github.example.com/me/app/release.yml@refs/heads/main"
			_, digest := pushIndex(t, repo+":v1", "one")
			writeFiles(t, ".", map[string]string{
				"sigstore.json": string(s.TrustedRoot()), "other.json": string(mint.NewSigstore(today()).TrustedRoot()),
				"policy.yaml": "schema: drydock/policy/v1\ndefault: deny\nrules:\n  - name: app\n    images: [\"" + repo + "\"]\n    trust:\n" +
					"      - trusted-root: sigstore.json\n        identities:\n          - {issuer: \"" + issuer + "\", subject-regexp: 'https://github\\.example\\.com/me/.*'}\n",
			})
			verify := func(root, who, by string) []string {
				return []string{"trust", "verify", "--trusted-root", root, "--certificate-identity", who, "--certificate-oidc-issuer", by, repo + ":v1"}
			}
			b.want(2, []string{"REFUSED", "no signature of " + digest, "me/app/release.yml"}, verify("sigstore.json", subject, issuer)...)
			b.want(2, []string{"REFUSED", "0 of the rule's identities"}, "gate", "check", repo+":v1")
			// A bundle of another digest beside this one, and one of nobody who is asked for.
			attach(t, repo, digest, "", sigstoreType, sigstoreType, s.Bundle(mint.Signing{Digest: finding.DigestOf([]byte("x")), Issuer: issuer, Subject: subject}), nil)
			attach(t, repo, digest, "", sigstoreType, sigstoreType, s.Bundle(mint.Signing{Digest: finding.Digest(digest), Issuer: issuer, Subject: "mallory@example.com"}), nil)
			a := b.want(2, []string{"REFUSED", "another digest", "mallory@example.com"}, verify("sigstore.json", subject, issuer)...)
			if strings.Contains(a.stdout, "verified") {
				t.Error(a.stdout)
			}
			b.want(2, []string{"REFUSED", "0 of the rule's identities"}, "gate", "check", repo+":v1")
			attach(t, repo, digest, "", sigstoreType, sigstoreType, s.Bundle(mint.Signing{Digest: finding.Digest(digest), Issuer: issuer, Subject: subject}), nil)
			b.want(0, []string{"verified", "signed by " + subject, "neither expiry nor revocation"}, verify("sigstore.json", subject, issuer)...)
			b.want(2, []string{"REFUSED", "no log of the trusted root"}, verify("other.json", subject, issuer)...)
			b.want(2, []string{"REFUSED"}, verify("sigstore.json", subject, "https://other.example.com")...)
			b.want(0, []string{"allowed", "signed by " + subject, "rule app, trust"}, "gate", "check", repo+":v1")
			b.want(1, []string{"--certificate-identity"}, "trust", "verify", "--trusted-root", "sigstore.json", repo+":v1")
			b.want(1, []string{"three questions"}, "trust", "verify", "--trusted-root", "sigstore.json", "--key", "x.pub", repo+":v1")

			// Where the root is pinned, no other scheme is enough, in another home neither.
			b.trust("key generate release", "init "+repo, "signer add --key release.pub release "+repo)
			b.want(2, []string{"REFUSED", "nobody signed v1"}, verify("sigstore.json", subject, issuer)...)
			b.want(2, []string{"REFUSED", "nobody signed v1"}, "gate", "check", repo+":v1")
			b.trust("sign " + repo + ":v1")
			b.want(0, []string{"verified", "fresh until"}, verify("sigstore.json", subject, issuer)...)
			b.want(0, []string{"allowed"}, "gate", "check", repo+":v1")
			b.trust("revoke " + repo + ":v1")
			b.want(2, []string{"REFUSED", "revoked"}, verify("sigstore.json", subject, issuer)...)
			b.want(2, []string{"REFUSED", "revoked"}, "gate", "check", repo+":v1")
			b.trust("root " + repo + " -o app.root.json")
			policy, err := os.ReadFile("policy.yaml")
			check(t, err)
			writeFiles(t, ".", map[string]string{"both.yaml": string(policy) + "  - {name: root, images: [\"" + repo + "\"], trust: [{roots: [app.root.json]}]}\n"})
			o := signing(t)
			o.want(0, []string{"allowed"}, "gate", "check", repo+":v1")
			o.want(2, []string{"REFUSED", "revoked"}, "gate", "check", "--policy", "both.yaml", repo+":v1")
		})
	}
}

// TestSigTags: cosign's older signatures count where the policy says so.
func TestSigTags(t *testing.T) {
	repo := registries()["with referrers"](t) + "/me/app"
	t.Chdir(t.TempDir())
	b := signing(t)
	_, digest := pushIndex(t, repo+":v1", "one")
	p, err := trust.GenerateKey(trust.ECDSA)
	check(t, err)
	payload := mint.Simple(repo, finding.Digest(digest))
	sig, err := p.Sign(payload)
	check(t, err)
	policy := "schema: drydock/policy/v1\ndefault: deny\nrules: [{name: app, images: [\"" + repo + "\"], trust: [{keys: [old.pub], sig-tags: true}]}]\n"
	writeFiles(t, ".", map[string]string{"old.pub": string(p.Key().PEM()), "policy.yaml": policy, "new.yaml": strings.Replace(policy, ", sig-tags: true", "", 1)})
	b.want(2, []string{"no signature"}, "trust", "verify", "--key", "old.pub", "--sig-tags", repo+":v1")
	attach(t, repo, digest, strings.Replace(digest, ":", "-", 1)+".sig", "application/vnd.oci.image.config.v1+json", scheme.SimpleSigning, payload,
		map[string]string{scheme.SignatureAnnotation: base64.StdEncoding.EncodeToString(sig)})
	b.want(0, []string{"verified", "signed by key"}, "trust", "verify", "--key", "old.pub", "--sig-tags", repo+":v1")
	b.want(2, []string{"no signature"}, "trust", "verify", "--key", "old.pub", repo+":v1")
	b.want(0, []string{"allowed", "signed by key"}, "gate", "check", repo+":v1")
	b.want(2, []string{"REFUSED"}, "gate", "check", "--policy", "new.yaml", repo+":v1")
	b.want(1, []string{"goes with --key"}, "trust", "verify", "--sig-tags", repo+":v1")
	// The same tag beside another image.
	_, other := pushIndex(t, repo+":v2", "two")
	attach(t, repo, other, strings.Replace(other, ":", "-", 1)+".sig", "application/vnd.oci.image.config.v1+json", scheme.SimpleSigning, payload,
		map[string]string{scheme.SignatureAnnotation: base64.StdEncoding.EncodeToString(sig)})
	b.want(2, []string{"another digest"}, "trust", "verify", "--key", "old.pub", "--sig-tags", repo+":v2")
}

// TestNotationSignatures: Notation's signatures count for the certificates of the trust
// store, on either kind of registry.
func TestNotationSignatures(t *testing.T) {
	for kind, serve := range registries() {
		t.Run(kind, func(t *testing.T) {
			repo := serve(t) + "/me/app"
			t.Chdir(t.TempDir())
			b := signing(t)
			b.env["COLUMNS"] = "300"
			ca := mint.NewAuthority("notation", today(), x509.ExtKeyUsageCodeSigning)
			_, digest := pushIndex(t, repo+":v1", "one")
			writeFiles(t, ".", map[string]string{
				"ca.pem": string(ca.PEM()), "other.pem": string(mint.NewAuthority("other", today(), x509.ExtKeyUsageCodeSigning).PEM()),
				"policy.yaml": "schema: drydock/policy/v1\ndefault: deny\nrules:\n  - name: app\n    images: [\"" + repo + "\"]\n" +
					"    trust: [{notation: {certificates: [ca.pem], subjects: [\"CN=release\", \"CN=qa\"]}, threshold: 2}]\n",
			})
			sign := func(name string) {
				attach(t, repo, digest, "", scheme.NotationType, "application/jose+json", ca.JWS(mint.Envelope{Digest: finding.Digest(digest), Name: name, At: today()}), nil)
			}
			b.want(2, []string{"no signature"}, "trust", "verify", "--notation-certificate", "ca.pem", repo+":v1")
			sign("release")
			b.want(0, []string{"verified", "CN=release", "revocation was not asked"}, "trust", "verify", "--notation-certificate", "ca.pem", repo+":v1")
			b.want(0, []string{"verified"}, "trust", "verify", "--notation-certificate", "ca.pem", "--notation-subject", "CN=release,O=example", repo+":v1")
			b.want(2, []string{"nobody who is asked for"}, "trust", "verify", "--notation-certificate", "ca.pem", "--notation-subject", "CN=qa", repo+":v1")
			hold := mint.List{From: today().Add(-time.Hour), Until: today().AddDate(0, 0, 7)}
			gone, root := hold, hold
			gone.Revoked, root.Root = true, true
			writeFiles(t, ".", map[string]string{"leaf.crl": string(ca.List(hold)), "gone.crl": string(ca.List(gone)), "root.crl": string(ca.List(root)), "none.crl": "no list"})
			lists := func(code int, texts []string, files ...string) {
				args := []string{"trust", "verify", "--notation-certificate", "ca.pem"}
				for _, f := range files {
					args = append(args, "--notation-crl", f)
				}
				b.want(code, texts, append(args, repo+":v1")...)
			}
			lists(0, []string{"none of its certificates is on the revocation lists"}, "leaf.crl", "root.crl")
			lists(2, []string{"was revoked by"}, "gone.crl", "root.crl")
			lists(2, []string{"no list of"}, "leaf.crl")
			lists(1, []string{"no revocation list"}, "none.crl")
			b.want(2, []string{"not under the trust store"}, "trust", "verify", "--notation-certificate", "other.pem", repo+":v1")
			b.want(2, []string{"REFUSED", "1 of the rule's"}, "gate", "check", repo+":v1")
			sign("qa")
			b.want(0, []string{"allowed"}, "gate", "check", repo+":v1")
		})
	}
}

// TestPeerCosignTags: cosign writes its older form still, and Drydock verifies that.
func TestPeerCosignTags(t *testing.T) {
	run := cosign(t)
	repo := registries()["docker-registry"](t) + "/me/app"
	t.Chdir(t.TempDir())
	b := signing(t)
	_, digest := pushIndex(t, repo+":v1", "one")
	if out, err := run("generate-key-pair"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := run("sign", "--key", "cosign.key", "--tlog-upload=false", "--use-signing-config=false", "--new-bundle-format=false", "--allow-http-registry", "--yes", repo+"@"+digest); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b.want(0, []string{"verified"}, "trust", "verify", "--key", "cosign.pub", "--sig-tags", repo+":v1")
	b.want(2, nil, "trust", "verify", "--key", "cosign.pub", repo+":v1")
}

// TestPeerNotation: Drydock verifies what Notation's own program signs, in both forms.
func TestPeerNotation(t *testing.T) {
	program := os.Getenv("DRYDOCK_NOTATION")
	if program == "" {
		var err error
		if program, err = exec.LookPath("notation"); err != nil {
			t.Skip("no notation: DRYDOCK_NOTATION names it; .ci/notation builds it")
		}
	}
	home := t.TempDir()
	run := func(args ...string) {
		t.Helper()
		cmd := exec.Command(program, args...)
		cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("notation %q: %v\n%s", args, err, out)
		}
	}
	run("cert", "generate-test", "--default", "release")
	certificate := filepath.Join(home, "notation", "localkeys", "release.crt")
	for _, format := range []string{"jws", "cose"} {
		for kind, serve := range registries() {
			t.Run(format+" "+kind, func(t *testing.T) {
				repo := serve(t) + "/me/app"
				t.Chdir(t.TempDir())
				b := signing(t)
				b.now, b.env["COLUMNS"] = time.Now, "300"
				_, digest := pushIndex(t, repo+":v1", "one")
				run("sign", "--signature-format", format, "--insecure-registry", "--expiry", "24h", repo+"@"+digest)
				b.want(0, []string{"verified", "CN=release"}, "trust", "verify", "--notation-certificate", certificate, repo+":v1")
				b.want(2, []string{"nobody who is asked for"}, "trust", "verify", "--notation-certificate", certificate, "--notation-subject", "CN=qa", repo+":v1")
				_, _ = pushIndex(t, repo+":v2", "two")
				b.want(2, []string{"no signature"}, "trust", "verify", "--notation-certificate", certificate, repo+":v2")
			})
		}
	}
}
