package vuln

import (
	"testing"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// TestFoldedNames: a secdb's CVE and its GitHub advisory are one vulnerability.
func TestFoldedNames(t *testing.T) {
	rec := func(id, fix string, aliases ...string) Advisory {
		return Advisory{ID: id, Aliases: aliases, Source: "wolfi", Ecosystem: "Wolfi", Package: "aactl", Ranges: []Range{
			{Type: "ECOSYSTEM", Events: []Event{{Introduced: "0"}, {Fixed: fix}}},
		}}
	}
	l := newMemory(
		rec("CVE-2024-45338", "0.4.12-r21"), rec("GHSA-w32m-9786-jp63", "0.4.12-r21"),
		rec("CVE-2024-45336", "0.4.12-r22"), rec("CVE-2024-45341", "0.4.12-r22"), rec("GHSA-3f6r-qh9c-x6mm", "0.4.12-r22"), rec("GHSA-7wrw-r4p8-38rx", "0.4.12-r22"),
		rec("CVE-2025-1", "0.4.12-r25"), rec("GHSA-c6gw-w398-hv78", "0.4.12-r25", "CVE-2025-1"), rec("GHSA-aaaa-bbbb-cccc", "0.4.12-r25"),
	)
	found, _ := match(t, l, &sbom.Inventory{Distro: &sbom.Distro{ID: "wolfi"}, Packages: []sbom.Package{
		{Type: "apk", Namespace: "wolfi", Name: "aactl", Version: "0.4.12-r5"},
	}})
	want := map[string]int{ // to how many other names
		"CVE-2024-45338": 1, "CVE-2024-45336": 2, "CVE-2024-45341": 2, "CVE-2025-1": 1,
		"GHSA-aaaa-bbbb-cccc": 0, // without a CVE left that it could be
	}
	for _, f := range found {
		if n, ok := want[f.Vuln.ID]; !ok || n != len(f.Vuln.Aliases) {
			t.Errorf("found %s, also %v", f.Vuln.ID, f.Vuln.Aliases)
		}
	}
	if len(found) != len(want) {
		t.Errorf("%d vulnerabilities, want %d", len(found), len(want))
	}
}

// TestRejected: a number that was taken back is found nowhere, unless the
// vulnerability has another that stands.
func TestRejected(t *testing.T) {
	rec := func(id string, aliases ...string) Advisory {
		return Advisory{ID: id, Aliases: aliases, Ecosystem: "npm", Package: "jsonwebtoken", Severity: finding.High, Ranges: []Range{
			{Type: "SEMVER", Events: []Event{{Introduced: "0"}, {Fixed: "9.0.0"}}},
		}}
	}
	l := newMemory(rec("GHSA-27h2", "CVE-2022-23529"), rec("GHSA-8cf7", "CVE-2022-23540"), rec("GHSA-two", "CVE-2022-1", "CVE-2022-2"))
	l.metas["CVE-2022-23529"] = Meta{ID: "CVE-2022-23529", Rejected: "nvd"}
	l.metas["CVE-2022-1"] = Meta{ID: "CVE-2022-1", Rejected: "nvd"}
	found, _ := match(t, l, &sbom.Inventory{Packages: []sbom.Package{pkg("npm", "", "jsonwebtoken", "8.5.1", "/app")}})
	ids := byID(found)
	if len(found) != 2 || ids["CVE-2022-23540 jsonwebtoken"].Vuln == nil || ids["CVE-2022-1 jsonwebtoken"].Vuln == nil {
		t.Errorf("%d found: %v", len(found), ids)
	}
}

// TestVEXQualifiers: what a statement says of its package beside name and
// version must be true of the one at hand.
func TestVEXQualifiers(t *testing.T) {
	s := finding.Subject{Kind: finding.KindFolder, Name: "/src/app"}
	known := map[finding.Subject]Known{s: {Distro: &sbom.Distro{ID: "debian", VersionID: "12", Codename: "bookworm"}, Names: []string{"pkg:npm/app@1.2.0", "pkg:golang/example.com/app"}}}
	os := finding.Finding{Subject: s, Vuln: &finding.Vuln{ID: "CVE-1", Package: "pkg:deb/debian/openssl@3.0.11-1"}, Evidence: []finding.Evidence{
		{Package: &finding.Installed{Name: "libssl3", Version: "3.0.11-1", Arch: "amd64"}},
	}}
	lib := finding.Finding{Subject: s, Vuln: &finding.Vuln{ID: "CVE-1", Package: "pkg:npm/lodash@4.17.15"}}
	for _, test := range []struct {
		f       finding.Finding
		product Product
		want    bool
	}{
		{os, Product{IDs: []string{"pkg:deb/debian/openssl"}}, true},
		{os, Product{IDs: []string{"pkg:deb/debian/openssl?arch=aarch64"}}, false},
		{os, Product{IDs: []string{"pkg:deb/debian/openssl?arch=x86_64"}}, true},
		{os, Product{IDs: []string{"pkg:deb/debian/openssl?arch=source"}}, false},
		{os, Product{IDs: []string{"pkg:deb/debian/libssl3?arch=amd64"}}, true},
		{os, Product{IDs: []string{"pkg:deb/debian/libssl3?arch=arm64"}}, false},
		{os, Product{IDs: []string{"pkg:deb/debian/openssl@3.0.11-1?arch=amd64&distro=debian-12.4"}}, true},
		{os, Product{IDs: []string{"pkg:deb/debian/openssl?distro=bookworm"}}, true},
		{os, Product{IDs: []string{"pkg:deb/debian/openssl?distro=debian-11"}}, false},
		{os, Product{IDs: []string{"pkg:deb/debian/openssl?distro=ubuntu-12"}}, false},
		{lib, Product{IDs: []string{"pkg:npm/lodash?vcs_url=git%2Bhttps://example.com/lodash.git"}}, false},
		{lib, Product{IDs: []string{"pkg:npm/app@1.2.0"}, Subcomponents: []string{"pkg:npm/lodash@4.17.15"}}, true},
		{lib, Product{IDs: []string{"pkg:npm/app"}, Subcomponents: []string{"pkg:npm/lodash"}}, true},
		{lib, Product{IDs: []string{"pkg:npm/app@1.1.0"}, Subcomponents: []string{"pkg:npm/lodash"}}, false},
		{lib, Product{IDs: []string{"pkg:npm/other@1.2.0"}, Subcomponents: []string{"pkg:npm/lodash"}}, false},
		{lib, Product{IDs: []string{"pkg:golang/example.com/app@v1.0.0"}, Subcomponents: []string{"pkg:npm/lodash"}}, true},
		{lib, Product{IDs: []string{"pkg:npm/app@1.2.0"}, Subcomponents: []string{"pkg:npm/express"}}, false},
		{lib, Product{IDs: []string{"pkg:npm/app@1.2.0"}}, false}, // the project itself, whose parts it does not name
	} {
		st := []Statement{{VulnIDs: []string{"CVE-1"}, Status: NotAffected, Products: []Product{test.product}}}
		if got := ApplyVEXTo([]finding.Finding{test.f}, st, known)[0].Suppressed != nil; got != test.want {
			t.Errorf("%s by %v: suppressed %t", test.f.Vuln.Package, test.product, got)
		}
	}
	// An SBOM is of what its name says.
	lib.Subject = finding.Subject{Kind: finding.KindSBOM, Name: "app:1.2.0"}
	st := []Statement{{VulnIDs: []string{"CVE-1"}, Status: NotAffected, Products: []Product{{IDs: []string{"pkg:npm/app@1.2.0"}, Subcomponents: []string{"pkg:npm/lodash"}}}}}
	if ApplyVEX([]finding.Finding{lib}, st)[0].Suppressed == nil {
		t.Error("the project of an SBOM is not it")
	}
}
