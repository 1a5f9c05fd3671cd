package cli_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// TestTrustAttest: what is known of an image is signed beside it, by who may sign.
func TestTrustAttest(t *testing.T) {
	for kind, serve := range registries() {
		t.Run(kind, func(t *testing.T) {
			if testing.Short() && kind != "docker-registry" {
				t.Skip("the other kind does in short")
			}
			repo := serve(t) + "/me/app"
			t.Chdir(t.TempDir())
			b := signing(t)
			index, digest := pushIndex(t, repo+":v1", "one")
			writeFiles(t, ".", map[string]string{
				"app.cdx.json": `{"bomFormat":"CycloneDX","specVersion":"1.5","version":1}`, "app.spdx.json": `{"spdxVersion":"SPDX-2.3"}`, "x.json": `{"a":1}`, "list.json": `[]`,
			})
			b.trust("key generate release", "init "+repo, "signer add --key release.pub release "+repo, "sign "+repo+":v1")
			b.want(0, []string{"no signed attestations"}, "trust", "verify", "--attestations", repo+":v1")
			a := b.want(0, []string{"is attested by release", "https://cyclonedx.org/bom"}, "trust", "attest", repo+":v1", "--type", "sbom", "app.cdx.json")
			artifact := regexp.MustCompile(`sha256:[0-9a-f]{64}`).FindString(a.stdout)
			b.want(0, []string{"https://spdx.dev/Document"}, "trust", "attest", repo+":v1", "--type", "sbom", "--platform", "linux/arm64", "app.spdx.json")
			b.want(0, []string{"scan/v1"}, "trust", "attest", repo+":v1", "--type", "scan", "x.json")
			b.want(0, nil, "trust", "attest", repo+":v1", "--type", "https://example.com/x", "x.json")
			b.want(1, []string{"neither an SPDX nor a CycloneDX"}, "trust", "attest", repo+":v1", "--type", "sbom", "x.json")
			b.want(1, []string{"a JSON object"}, "trust", "attest", repo+":v1", "--type", "scan", "list.json")
			b.want(1, []string{"is not known"}, "trust", "attest", repo+":v1", "--type", "nonsense", "x.json")
			b.want(1, []string{"--type is needed"}, "trust", "attest", repo+":v1", "x.json")

			o := signing(t)
			o.want(0, []string{"verified", "ATTESTATION", "sbom +release +2026-11-23", "scan", "https://example.com/x"}, "trust", "verify", "--attestations", repo+":v1")
			var out struct {
				Verified     bool
				Attestations []struct{ Type, PredicateType, Artifact, About string }
			}
			check(t, json.Unmarshal([]byte(o.ok("trust", "verify", "--attestations", "--format", "json", repo+":v1")), &out))
			m, err := index.IndexManifest()
			check(t, err)
			about := map[string]int{}
			for _, at := range out.Attestations {
				about[at.About]++
			}
			if len(out.Attestations) != 4 || about[digest] != 3 || about[m.Manifests[2].Digest.String()] != 1 {
				t.Errorf("attestations: %+v", out)
			}
			// Revoked, and gone from the registry.
			b.trust("revoke " + repo + "@" + artifact)
			if a := o.want(0, nil, "trust", "verify", "--attestations", repo+":v1"); strings.Contains(a.stdout, artifact[:30]) || strings.Count(a.stdout, "sbom") != 1 {
				t.Errorf("a revoked attestation counts:\n%s", a.stdout)
			}
			check(t, json.Unmarshal([]byte(o.ok("trust", "verify", "--attestations", "--format", "json", repo+":v1")), &out))
			ref := mustRef(t, repo+":v1").Context().Digest(out.Attestations[0].Artifact)
			check(t, remote.Delete(ref))
			o.want(2, []string{"REFUSED", "attestation"}, "trust", "verify", "--attestations", repo+":v1")
			o.want(0, []string{"verified"}, "trust", "verify", repo+":v1")
			// One who may not sign attests nothing.
			o.want(1, []string{"no key of a signer"}, "trust", "attest", repo+":v1", "--type", "scan", "x.json")
		})
	}
}
