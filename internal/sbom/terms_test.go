package sbom

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
)

// through writes what is read of a document in a format.
func through(t *testing.T, doc, format string) string {
	t.Helper()
	inv, err := Decode(strings.NewReader(doc), "shop")
	if err != nil {
		t.Fatalf("%v\n%.3000s", err, doc)
	}
	var b bytes.Buffer
	if err := Encode(&b, format, inv, EncodeOptions{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func holds(t *testing.T, format, doc string, words ...string) {
	t.Helper()
	flat := strings.Join(strings.Fields(doc), " ")
	for _, w := range words {
		if !strings.Contains(flat, w) {
			t.Errorf("%s lacks %s in\n%s", format, w, doc)
		}
	}
}

const termsSPDX = `{"spdxVersion":"SPDX-2.3","dataLicense":"CC0-1.0","SPDXID":"SPDXRef-DOCUMENT","name":"shop","documentNamespace":"https://x.example/1",
"creationInfo":{"created":"2024-01-01T00:00:00Z","creators":["Tool: x"]},"packages":[
{"SPDXID":"SPDXRef-root","name":"shop","versionInfo":"2.0","downloadLocation":"NOASSERTION","primaryPackagePurpose":"SOURCE","licenseDeclared":"LicenseRef-own OR Newest-9.0"},
{"SPDXID":"SPDXRef-a","name":"jinja2","versionInfo":"2.0","downloadLocation":"NOASSERTION","primaryPackagePurpose":"INSTALL","summary":"Templates","packageFileName":"jinja2.whl",
 "licenseDeclared":"LicenseRef-own","licenseConcluded":"BSD-3-Clause","licenseComments":"read by Ann","attributionTexts":["Made by Bob"],
 "externalRefs":[{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:pypi/jinja2@2.0"}]},
{"SPDXID":"SPDXRef-b","name":"b","versionInfo":"1","downloadLocation":"NOASSERTION","primaryPackagePurpose":"FRAMEWORK","licenseConcluded":"Sleepycat",
 "externalRefs":[{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:npm/b@1"}]}],
"hasExtractedLicensingInfos":[{"licenseId":"LicenseRef-own","extractedText":"  Do what\n  you like.\n","name":"Own","comment":"found in COPYING","seeAlsos":["https://own.example/"]},
{"licenseId":"LicenseRef-unused","extractedText":"Nobody has it"}],
"relationships":[{"spdxElementId":"SPDXRef-DOCUMENT","relationshipType":"DESCRIBES","relatedSpdxElement":"SPDXRef-root"}]}`

// TestTermsOfSPDX: the licences that an SPDX document defines, what is concluded, what
// packages are for and the other fields of SPDX alone come out of it as they went in,
// also through CycloneDX, which says of them what it can.
func TestTermsOfSPDX(t *testing.T) {
	words := []string{
		`"licenseId": "LicenseRef-own", "extractedText": " Do what\n you like.\n", "name": "Own", "seeAlsos": [ "https://own.example/" ], "comment": "found in COPYING"`,
		`"licenseId": "LicenseRef-unused", "extractedText": "Nobody has it"`, `"licenseDeclared": "LicenseRef-own OR Newest-9.0"`,
		`"licenseConcluded": "BSD-3-Clause"`, `"licenseDeclared": "LicenseRef-own"`, `"licenseConcluded": "Sleepycat"`, `"licenseDeclared": "NOASSERTION"`,
		`"primaryPackagePurpose": "SOURCE"`, `"primaryPackagePurpose": "INSTALL"`, `"primaryPackagePurpose": "FRAMEWORK"`,
		`"summary": "Templates"`, `"packageFileName": "jinja2.whl"`, `"licenseComments": "read by Ann"`, `"attributionTexts": [ "Made by Bob" ]`,
	}
	for i, w := range words {
		words[i] = strings.Join(strings.Fields(w), " ")
	}
	holds(t, "spdx", through(t, termsSPDX, "spdx"), words...)
	for _, between := range Formats() {
		holds(t, "spdx after "+between, through(t, through(t, termsSPDX, between), "spdx"), words...)
	}
	holds(t, "spdx-tag-value", through(t, termsSPDX, "spdx-tag-value"), "LicenseID: LicenseRef-own", "ExtractedText: <text> Do what", "PrimaryPackagePurpose: INSTALL")
	holds(t, "cyclonedx", through(t, termsSPDX, "cyclonedx"),
		`{ "license": { "name": "LicenseRef-own", "acknowledgement": "declared", "text": { "content": " Do what\n you like.\n" } } }`,
		`{ "license": { "id": "BSD-3-Clause", "acknowledgement": "concluded" } }`, `{ "license": { "id": "Sleepycat", "acknowledgement": "concluded" } }`,
		`{ "expression": "LicenseRef-own OR Newest-9.0", "expressionDetails": [ { "licenseIdentifier": "LicenseRef-own", "text": { "content": " Do what\n you like.\n" } } ] }`,
		`"description": "Templates"`, `"type": "framework"`)
}

// TestTermsOfCycloneDX: texts, acknowledgements and details of licences, and the older
// field of an author, stay in CycloneDX, and are in SPDX where that has a field.
func TestTermsOfCycloneDX(t *testing.T) {
	base64Text := base64.StdEncoding.EncodeToString([]byte("Words of\nAcme\n"))
	doc := `{"bomFormat":"CycloneDX","specVersion":"1.7","components":[
{"bom-ref":"a","type":"library","author":"Ann <ann@a.example>","name":"a","version":"1","purl":"pkg:npm/a@1","licenses":[
 {"license":{"id":"MIT","acknowledgement":"declared","text":{"content":"MIT, (c) Ann","contentType":"text/plain"}}},
 {"license":{"name":"Acme EULA","text":{"encoding":"base64","content":"` + base64Text + `"}}},
 {"license":{"name":"Found Licence","acknowledgement":"concluded","url":"https://found.example/"}}]},
{"bom-ref":"b","type":"firmware","name":"b","version":"1","purl":"pkg:npm/b@1","licenses":[
 {"expression":"MIT OR LicenseRef-b","acknowledgement":"concluded","expressionDetails":[{"licenseIdentifier":"LicenseRef-b","text":{"content":"B's words"}}]}]}]}`
	words := []string{
		`"author": "Ann <ann@a.example>"`, `"id": "MIT", "acknowledgement": "declared", "text": { "content": "MIT, (c) Ann", "contentType": "text/plain" }`,
		`"name": "Acme EULA", "text": { "content": "` + base64Text + `", "encoding": "base64" }`,
		`"name": "Found Licence", "acknowledgement": "concluded", "url": "https://found.example/"`,
		`{ "expression": "MIT OR LicenseRef-b", "expressionDetails": [ { "licenseIdentifier": "LicenseRef-b", "text": { "content": "B's words" } } ], "acknowledgement": "concluded" }`,
	}
	holds(t, "cyclonedx", through(t, doc, "cyclonedx"), words...)
	for _, between := range Formats() {
		holds(t, "cyclonedx after "+between, through(t, through(t, doc, between), "cyclonedx"), words...)
	}
	holds(t, "spdx", through(t, doc, "spdx"), `"extractedText": "Words of\nAcme\n", "name": "Acme EULA"`, `"extractedText": "B's words"`, `"licenseId": "LicenseRef-b"`,
		`"licenseConcluded": "MIT OR LicenseRef-b"`, `"licenseConcluded": "LicenseRef-Found-Licence-`, `"seeAlsos": [ "https://found.example/" ]`,
		`"licenseDeclared": "MIT AND LicenseRef-Acme-EULA-`, `"originator": "Person: Ann`, `"primaryPackagePurpose": "FIRMWARE"`, `"primaryPackagePurpose": "LIBRARY"`)
}

// TestSupplierOfXML: the supplier in a document's metadata is that of what it
// describes, in XML as in JSON.
func TestSupplierOfXML(t *testing.T) {
	doc := `<bom xmlns="http://cyclonedx.org/schema/bom/1.5"><metadata><component type="application" bom-ref="r"><name>shop</name><version>2</version></component>
<supplier><name>Acme Supply</name></supplier></metadata><components><component type="library" bom-ref="a"><author>Ann</author><name>a</name><version>1</version>
<licenses><license><name>Own</name><text content-type="text/plain">Words
of mine</text></license></licenses><purl>pkg:npm/a@1</purl></component></components></bom>`
	holds(t, "cyclonedx", through(t, doc, "cyclonedx"), `"supplier": { "name": "Acme Supply" }`, `"author": "Ann"`, `"content": "Words\nof mine", "contentType": "text/plain"`)
	holds(t, "cyclonedx-xml", through(t, doc, "cyclonedx-xml"), `<author>Ann</author>`, "Words&#xA;of mine</text>")
	holds(t, "spdx", through(t, doc, "spdx"), `"supplier": "Organization: Acme Supply"`, `"extractedText": "Words\nof mine"`)
}
