package sbom

import (
	"fmt"
	"strings"
	"testing"
)

// TestBuilders: who built a distribution's package, as each form of document says
// it; of a language's package the publisher is no builder.
func TestBuilders(t *testing.T) {
	const purl = "pkg:rpm/almalinux/htop@3.3.0-1.el9?distro=almalinux-9.3"
	cdx := func(purl, said string) string {
		return fmt.Sprintf(`{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"type":"library","name":"htop","purl":%q%s}]}`, purl, said)
	}
	spdx := func(said string) string {
		return fmt.Sprintf(`{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","name":"x","packages":[{"SPDXID":"SPDXRef-a","name":"htop","versionInfo":"3",`+
			`"externalRefs":[{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":%q}]%s}]}`, purl, said)
	}
	tags := "SPDXVersion: SPDX-2.3\nDataLicense: CC0-1.0\nSPDXID: SPDXRef-DOCUMENT\nDocumentName: x\n" +
		"PackageName: htop\nSPDXID: SPDXRef-a\nPackageVersion: 3\nPackageSupplier: Organization: Fedora Project\nPackageDownloadLocation: NONE\n" +
		"ExternalRef: PACKAGE-MANAGER purl " + purl + "\n"
	xml := `<bom xmlns="http://cyclonedx.org/schema/bom/1.5"><components><component type="library"><supplier><name>Fedora Project</name></supplier>` +
		`<name>htop</name><purl>` + purl + `</purl></component></components></bom>`
	for _, tt := range []struct{ name, text, want string }{
		{"publisher", cdx(purl, `,"publisher":"Fedora Project"`), "Fedora Project"},
		{"supplier", cdx(purl, `,"supplier":{"name":"Fedora Project","url":["https://x"]}`), "Fedora Project"},
		{"neither", cdx(purl, ``), ""},
		{"a language", cdx("pkg:npm/htop@3", `,"publisher":"Someone"`), ""},
		{"CycloneDX XML", xml, "Fedora Project"},
		{"SPDX supplier", spdx(`,"supplier":"Organization: Fedora Project"`), "Fedora Project"},
		{"SPDX originator", spdx(`,"supplier":"NOASSERTION","originator":"Person: A B (a@lists.mariadb.org)"`), "A B <a@lists.mariadb.org>"},
		{"SPDX, neither", spdx(`,"supplier":"NOASSERTION"`), ""},
		{"SPDX tag-value", tags, "Fedora Project"},
	} {
		inv, err := Decode(strings.NewReader(tt.text), tt.name)
		if err != nil || len(inv.Packages) != 1 {
			t.Errorf("%s: %v, %+v", tt.name, err, inv)
			continue
		}
		if got := inv.Packages[0].Vendor; got != tt.want {
			t.Errorf("%s: built by %q, want %q", tt.name, got, tt.want)
		}
	}
}
