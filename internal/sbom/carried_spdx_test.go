package sbom

import (
	"bytes"
	"strings"
	"testing"
)

// TestSPDXKeepsItsWords: what an SPDX document calls its packages, who supplies them,
// and the identifiers of its own licences come out as they went in, twice.
func TestSPDXKeepsItsWords(t *testing.T) {
	const doc = `{"spdxVersion":"SPDX-2.3","dataLicense":"CC0-1.0","SPDXID":"SPDXRef-DOCUMENT","name":"shop","documentNamespace":"https://x.example/1",
"creationInfo":{"created":"2024-01-01T00:00:00Z","creators":["Tool: x"]},"packages":[
{"SPDXID":"SPDXRef-root","name":"shop","versionInfo":"2.0","downloadLocation":"NOASSERTION","supplier":"Organization: Acme (sales@acme.example)",
 "externalRefs":[{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:maven/com.acme/shop@2.0"}]},
{"SPDXID":"SPDXRef-a","name":"Jinja2","versionInfo":"2.0","downloadLocation":"NOASSERTION","supplier":"Person: Ann (ann@a.example)","originator":"Person: Bob","licenseDeclared":"LicenseRef-own",
 "externalRefs":[{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:pypi/jinja2@2.0"}]}],
"hasExtractedLicensingInfos":[{"licenseId":"LicenseRef-own","extractedText":"words"}],
"relationships":[{"spdxElementId":"SPDXRef-DOCUMENT","relationshipType":"DESCRIBES","relatedSpdxElement":"SPDXRef-root"}]}`
	text := doc
	for range 2 {
		inv, err := Decode(strings.NewReader(text), "shop")
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := Encode(&b, "spdx", inv, EncodeOptions{}); err != nil {
			t.Fatal(err)
		}
		text = b.String()
		for _, want := range []string{
			`"name": "shop"`, `"name": "Jinja2"`, `"supplier": "Organization: Acme (sales@acme.example)"`, `"supplier": "Person: Ann (ann@a.example)"`,
			`"originator": "Person: Bob"`, `"licenseDeclared": "LicenseRef-own"`, `"licenseId": "LicenseRef-own"`,
		} {
			if !strings.Contains(text, want) {
				t.Errorf("no %s in\n%s", want, text)
			}
		}
	}
}
