package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

const lodash = `{"bomFormat":"CycloneDX","specVersion":"1.5","version":1,"components":[
{"type":"library","name":"lodash","version":"4.17.20","purl":"pkg:npm/lodash@4.17.20"}]}`

// TestSignedScan: a scan that a signer of the repository attested adds what the scan here
// does not find, and takes nothing away; whose word counts, the pin or the policy says.
func TestSignedScan(t *testing.T) {
	repo := registries()["with referrers"](t) + "/me/app"
	t.Chdir(t.TempDir())
	b := signing(t)
	b.env["COLUMNS"] = "250"
	img := oneFileImage(t, "amd64", "etc/os-release", "ID=alpine\nVERSION_ID=3.20.0\n")
	check(t, remote.Write(mustRef(t, repo+":v1"), img))
	ref := "registry://" + repo + ":v1"
	writeFiles(t, ".", map[string]string{"app.cdx.json": lodash})
	scan := b.run("cves", "--format", "json", "sbom://app.cdx.json").stdout
	empty := b.run("cves", "--format", "json", ref).stdout
	if !strings.Contains(scan, "CVE-") || strings.Contains(empty, "CVE-") {
		t.Fatalf("the scans to sign:\n%s\n%s", scan, empty)
	}
	other := strings.Replace(empty, `"digest": "sha256:`, `"digest": "sha256:0000`, 1)
	writeFiles(t, ".", map[string]string{"scan.json": scan, "empty.json": empty, "other.json": other, "trivy.json": `{"SchemaVersion":2,"Results":[]}`})
	b.trust("key generate release", "init "+repo, "signer add --key release.pub release "+repo, "sign "+repo+":v1")
	minutes := 0
	attest := func(kind, file string) string { // the newest counts
		minutes++
		b.now = func() time.Time { return today().Add(time.Duration(minutes) * time.Minute) }
		a := b.want(0, []string{"is attested by release"}, "trust", "attest", repo+":v1", "--type", kind, file)
		return a.stdout[strings.Index(a.stdout, "sha256:"):][:71]
	}
	attest("scan", "scan.json")
	b.want(2, []string{"lodash", "CVE-20", `release signed a scan of .* on 23 November 2026 .advisories of .* 20..\): \d of its findings this scan does not find, and are taken from it`}, "cves", "--fail-on", "high", ref)
	b.want(0, []string{`"kind": "attested"`, "a scan that release signed on 23 November 2026 says so"}, "cves", "--format", "json", ref)
	if a := b.run("sbom", ref); strings.Contains(a.stdout+a.stderr, "signed a scan") {
		t.Errorf("sbom asks for a scan:\n%s%s", a.stdout, a.stderr)
	}

	// The policy's root and signers count.
	check(t, os.WriteFile("policy.yaml", []byte(scanPolicy(repo, "release")), 0o600))
	b.trust("root " + repo + " -o root.json")
	o := signing(t)
	o.env["COLUMNS"] = "250"
	if a := o.run("cves", ref); strings.Contains(a.stdout, "CVE-") {
		t.Errorf("nobody is pinned here:\n%s", a.stdout)
	}
	o.want(2, []string{"release signed a scan", "lodash", "the policy refuses it .rule app, vulnerabilities"}, "check", "--all", "--policy", "policy.yaml", ref)
	o.want(2, []string{"CVE-20.* .high"}, "gate", "check", "--policy", "policy.yaml", repo+":v1")
	check(t, os.WriteFile("policy.yaml", []byte(scanPolicy(repo, "auditor")), 0o600))
	if a := o.run("check", "--all", "--policy", "policy.yaml", ref); strings.Contains(a.stdout, "lodash") {
		t.Errorf("a signer whom the policy does not name:\n%s", a.stdout)
	}

	// Advisories here that are as new decide where the package is known here.
	attest("sbom", "app.cdx.json")
	unreal := strings.ReplaceAll(scan, "CVE-20", "CVE-19")
	for _, s := range []string{"GHSA-", "SNYK-"} {
		unreal = strings.ReplaceAll(unreal, s, "X-")
	}
	writeFiles(t, ".", map[string]string{"unreal.json": unreal})
	attest("scan", "unreal.json")
	a := b.want(0, []string{`\d of its findings no longer holds? by the advisories here, which are as new`}, "cves", ref)
	if strings.Contains(a.stdout, "CVE-19") {
		t.Errorf("what newer advisories do not have:\n%s", a.stdout)
	}

	// It takes nothing away; what is signed and cannot be used is told.
	attest("scan", "empty.json")
	b.want(0, []string{"CVE-20", "it found nothing, and takes nothing away from this one"}, "cves", ref)
	attest("scan", "other.json")
	b.want(2, []string{"the scan of .* that release signed.*", "of other bytes"}, "cves", "--fail-on", "unknown", ref)
	attest("scan", "trivy.json")
	b.want(0, []string{"no other scan is understood"}, "cves", ref)
	artifact := attest("scan", "scan.json")
	check(t, remote.Delete(mustRef(t, repo+":v1").Context().Digest(artifact)))
	b.want(2, []string{"the scan of .* that release signed"}, "cves", "--fail-on", "unknown", ref)

	// An image from elsewhere: that more is known is said.
	tag, err := name.NewTag(repo + ":v1")
	check(t, err)
	check(t, tarball.WriteToFile("app.tar", tag, img))
	b.trust("verify " + repo + ":v1")
	b.want(0, []string{"release signed the SBOM of .* only registry://.* reads it"}, "cves", filepath.Join(".", "app.tar"))
}

func scanPolicy(repo, signer string) string {
	return `schema: drydock/policy/v1
default: deny
rules:
  - name: app
    images: ["` + repo + `"]
    trust: [{roots: [root.json]}]
    attestations: [{type: scan, signers: [` + signer + `]}]
    vulnerabilities: {high: 0d, critical: 0d}
`
}
