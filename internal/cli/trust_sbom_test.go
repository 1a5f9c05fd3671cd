package cli_test

import (
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// TestSignedSBOM: sbom and cves take from an SBOM what the scan does not find, where a
// signer of the repository attested it, and say so; what nobody signed, or what was
// revoked, is not used.
func TestSignedSBOM(t *testing.T) {
	for kind, serve := range registries() {
		t.Run(kind, func(t *testing.T) {
			if testing.Short() && kind == "docker-registry" {
				t.Skip("the other kind does in short")
			}
			repo := serve(t) + "/me/app"
			t.Chdir(t.TempDir())
			b := signing(t)
			check(t, remote.Write(mustRef(t, repo+":v1"), oneFileImage(t, "amd64", "etc/os-release", "ID=alpine\nVERSION_ID=3.20.0\n")))
			ref := "registry://" + repo + ":v1"
			writeFiles(t, ".", map[string]string{"app.cdx.json": `{"bomFormat":"CycloneDX","specVersion":"1.5","version":1,"components":[
{"type":"library","name":"lodash","version":"4.17.20","purl":"pkg:npm/lodash@4.17.20"},
{"type":"library","name":"busybox","version":"1.0","purl":"pkg:apk/alpine/busybox@1.0"}]}`})
			b.trust("key generate release", "init "+repo, "signer add --key release.pub release "+repo)
			unsigned := b.run("sbom", ref)
			if strings.Contains(unsigned.stdout, "lodash") || !matches("is not used: unsigned", unsigned.stdout+unsigned.stderr) {
				t.Errorf("of an image that nobody signed:\n%s%s", unsigned.stdout, unsigned.stderr)
			}
			b.trust("sign " + repo + ":v1")
			if a := b.run("sbom", ref); strings.Contains(a.stdout, "lodash") {
				t.Errorf("before it is attested:\n%s", a.stdout)
			}
			a := b.want(0, []string{"is attested by release"}, "trust", "attest", repo+":v1", "--type", "sbom", "app.cdx.json")
			b.env["COLUMNS"] = "250"
			b.want(0, []string{"lodash", `release signed an SBOM of .* on 23 November 2026 .2 packages.: 1 package that the scan does not find is taken from it`}, "sbom", ref)
			if got := b.run("sbom", "--format", "json", ref); !strings.Contains(got.stdout, `"SBOM signed by release"`) || strings.Contains(got.stdout, "busybox") {
				t.Errorf("JSON:\n%s", got.stdout)
			}
			if got := b.run("cves", ref); !matches("lodash", got.stdout) || !matches("CVE-20", got.stdout) {
				t.Errorf("cves:\n%s%s", got.stdout, got.stderr)
			}
			// One who has not pinned the root does not believe it.
			o := signing(t)
			if got := o.run("sbom", ref); strings.Contains(got.stdout, "lodash") {
				t.Errorf("nobody is pinned here:\n%s", got.stdout)
			}
			artifact := a.stdout[strings.Index(a.stdout, "sha256:"):][:71]
			b.trust("revoke " + repo + "@" + artifact)
			if got := b.run("sbom", ref); strings.Contains(got.stdout, "lodash") {
				t.Errorf("it was revoked:\n%s", got.stdout)
			}
		})
	}
}
