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

// TestSPDXKeepsReferences: external references of every category, and fields that say
// NONE, come out as they went in, through CycloneDX too.
func TestSPDXKeepsReferences(t *testing.T) {
	const doc = `{"spdxVersion":"SPDX-2.3","dataLicense":"CC0-1.0","SPDXID":"SPDXRef-DOCUMENT","name":"shop","documentNamespace":"https://x.example/1",
"creationInfo":{"created":"2024-01-01T00:00:00Z","creators":["Tool: x"]},"packages":[
{"SPDXID":"SPDXRef-a","name":"left-pad","versionInfo":"1.3.0","downloadLocation":"NONE","homepage":"NONE","copyrightText":"NONE",
 "licenseConcluded":"NONE","licenseDeclared":"NONE","externalRefs":[
 {"referenceCategory":"PACKAGE_MANAGER","referenceType":"purl","referenceLocator":"pkg:npm/left-pad@1.3.0"},
 {"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:generic/left-pad@1.3.0"},
 {"referenceCategory":"SECURITY","referenceType":"cpe23Type","referenceLocator":"cpe:2.3:a:x:left-pad:1.3.0:*:*:*:*:*:*:*"},
 {"referenceCategory":"SECURITY","referenceType":"advisory","referenceLocator":"https://x.example/advisory/1","comment":"the first"},
 {"referenceCategory":"SECURITY","referenceType":"fix","referenceLocator":"https://x.example/fix/1"},
 {"referenceCategory":"PERSISTENT-ID","referenceType":"swh","referenceLocator":"swh:1:cnt:94a9ed024d3859793618152ea559a168bbcbb5e2"},
 {"referenceCategory":"PERSISTENT-ID","referenceType":"gitoid","referenceLocator":"gitoid:blob:sha1:261eeb9e9f8b2b4b0d119366dda99c6fd7d35c64"},
 {"referenceCategory":"OTHER","referenceType":"LocationRef-acmeforge","referenceLocator":"acmecorp/left-pad/1.3.0","comment":"in our forge"},
 {"referenceCategory":"OTHER","referenceType":"token","referenceLocator":"https://ann:pa55word@x.example/"}]}],
"relationships":[{"spdxElementId":"SPDXRef-DOCUMENT","relationshipType":"DESCRIBES","relatedSpdxElement":"SPDXRef-a"}]}`
	text := doc
	for _, format := range []string{"spdx", "cyclonedx", "spdx-tag-value", "json", "cyclonedx-xml", "spdx"} {
		inv, err := Decode(strings.NewReader(text), "shop")
		if err != nil {
			t.Fatal(format, err)
		}
		var b bytes.Buffer
		if err := Encode(&b, format, inv, EncodeOptions{}); err != nil {
			t.Fatal(format, err)
		}
		text = b.String()
	}
	for _, want := range []string{
		`"pkg:npm/left-pad@1.3.0"`, `"pkg:generic/left-pad@1.3.0"`, `"cpe:2.3:a:x:left-pad:1.3.0:*:*:*:*:*:*:*"`, `"the first"`,
		`"https://x.example/advisory/1"`, `"referenceType": "fix"`, `"referenceType": "swh"`, `"gitoid:blob:sha1:261eeb9e9f8b2b4b0d119366dda99c6fd7d35c64"`,
		`"referenceType": "LocationRef-acmeforge"`, `"in our forge"`, `"downloadLocation": "NONE"`, `"homepage": "NONE"`, `"copyrightText": "NONE"`,
		`"licenseConcluded": "NONE"`, `"licenseDeclared": "NONE"`,
	} {
		if n := strings.Count(text, want); n != 1 {
			t.Errorf("%d times %s in\n%s", n, want, text)
		}
	}
	if strings.Contains(text, "pa55word") {
		t.Errorf("a password goes out:\n%s", text)
	}
}
