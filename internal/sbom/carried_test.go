package sbom

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestForeignSBOMsComeOutAsTheyWentIn: what is read of another tool's document is
// read of each that is written of it.
func TestForeignSBOMsComeOutAsTheyWentIn(t *testing.T) {
	names, err := filepath.Glob("testdata/*.*")
	if err != nil || len(names) < 7 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) { survives(t, decodeFile(t, filepath.Base(name))) })
	}
	t.Run("keycloak", func(t *testing.T) {
		doc := unxz(t, filepath.Join(shared(t), "sbom", "keycloak.cdx.json.xz"))
		inv, err := Decode(bytes.NewReader(doc), "keycloak")
		if err != nil {
			t.Fatal(err)
		}
		survives(t, inv)
	})
}

func survives(t *testing.T, inv *Inventory) {
	for _, format := range Formats() {
		var b bytes.Buffer
		if err := Encode(&b, format, inv, EncodeOptions{}); err != nil {
			t.Fatal(err)
		}
		doc := b.String()
		got, err := Decode(&b, "x")
		if err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		if diff := cmp.Diff(inv, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: -read +read again\n%s\n%.4000s", format, diff, doc)
		}
	}
}

const carriedDoc = `{"bomFormat":"CycloneDX","specVersion":"1.5","metadata":{"supplier":{"name":"Acme Supply"},
	"component":{"bom-ref":"root","type":"application","group":"com.acme","name":"shop","version":"2.0","purl":"pkg:maven/com.acme/shop@2.0?type=war",
		"cpe":"cpe:2.3:a:acme:shop:2.0:*:*:*:*:*:*:*","hashes":[{"alg":"SHA-256","content":"` + "aa11bb22cc33dd44ee55ff66aa11bb22cc33dd44ee55ff66aa11bb22cc33dd44" + `"}],
		"licenses":[{"license":{"id":"Apache-2.0","url":"https://example.com/apache"}}],"properties":[{"name":"acme:team","value":"web"}],
		"externalReferences":[{"type":"vcs","url":"https://example.com/shop.git","comment":"ours"}]}},
	"components":[
		{"bom-ref":"a","type":"framework","group":"org.a","name":"a","version":"1","purl":"pkg:maven/org.a/a@1?type=jar","scope":"required","publisher":"A Inc","description":"A thing",
			"copyright":"(c) A","cpe":"cpe:2.3:a:a:a:1:*:*:*:*:*:*:*","supplier":{"name":"A Inc","url":["https://a.example"],"contact":[{"name":"Ann","email":"ann@a.example"}]},
			"hashes":[{"alg":"MD5","content":"01b1a8cff910fdb9328cef5c437ff2f9"},{"alg":"odd","content":"zz"}],"licenses":[{"license":{"name":"A License","url":"https://a.example/license"}}],
			"externalReferences":[{"type":"website","url":"https://a.example"},{"type":"strange","url":"https://b.example"},{"type":"vcs","url":"not a url"}],
			"properties":[{"name":"x:y","value":"z"},{"name":"drydock:type","value":"forged"}]},
		{"bom-ref":"b","type":"library","name":"firmware","version":"9","cpe":"cpe:2.3:a:b:firmware:9:*:*:*:*:*:*:*"},
		{"bom-ref":"c","type":"library","group":"org.c","name":"c","version":"1","purl":"pkg:maven/org.c/c@1","scope":"excluded"}],
	"dependencies":[{"ref":"root","dependsOn":["a"]},{"ref":"a","dependsOn":["b"]},{"ref":"b","dependsOn":["c"]},{"ref":"c","dependsOn":[]}]}`

// TestWhatIsCarried: what an SBOM says of its components, and of what it is about,
// is in the CycloneDX and SPDX that come of it, in their own words.
func TestWhatIsCarried(t *testing.T) {
	inv, err := Decode(strings.NewReader(carriedDoc), "shop")
	if err != nil {
		t.Fatal(err)
	}
	survives(t, inv)
	for format, words := range map[string][]string{
		"cyclonedx": {
			`"bom-ref": "root"`, `"group": "com.acme"`, `"name": "shop"`, `"version": "2.0"`, `"purl": "pkg:maven/com.acme/shop@2.0?type=war"`, `"name": "Acme Supply"`,
			`"cpe": "cpe:2.3:a:acme:shop:2.0:*:*:*:*:*:*:*"`, `"content": "aa11bb22`, `"id": "Apache-2.0"`, `"url": "https://example.com/apache"`, `"name": "acme:team"`,
			`"url": "https://example.com/shop.git"`, `"comment": "ours"`, `"type": "framework"`, `"bom-ref": "a"`, `"purl": "pkg:maven/org.a/a@1?type=jar"`, `"scope": "required"`,
			`"publisher": "A Inc"`, `"description": "A thing"`, `"copyright": "(c) A"`, `"email": "ann@a.example"`, `"content": "01b1a8cff910fdb9328cef5c437ff2f9"`,
			`"url": "https://a.example/license"`, `"type": "other"`, `"name": "x:y"`, `"bom-ref": "b"`, `"cpe": "cpe:2.3:a:b:firmware:9:*:*:*:*:*:*:*"`, `"scope": "excluded"`,
			"\"ref\": \"root\",\n      \"dependsOn\": [\n        \"a\"\n      ]", "\"ref\": \"a\",\n      \"dependsOn\": [\n        \"b\"\n      ]", "\"ref\": \"c\",\n      \"dependsOn\": []",
		},
		"spdx": {
			`"name": "com.acme/shop"`, `"supplier": "Organization: Acme Supply"`, `"supplier": "Organization: A Inc"`, `"algorithm": "SHA256"`, `"checksumValue": "01b1a8cff910fdb9328cef5c437ff2f9"`,
			`"referenceLocator": "cpe:2.3:a:a:a:1:*:*:*:*:*:*:*"`, `"referenceLocator": "pkg:maven/com.acme/shop@2.0?type=war"`, `"description": "A thing"`, `"copyrightText": "(c) A"`,
			`"homepage": "https://a.example"`,
		},
	} {
		var b bytes.Buffer
		if err := Encode(&b, format, inv, EncodeOptions{}); err != nil {
			t.Fatal(err)
		}
		for _, w := range words {
			if !strings.Contains(b.String(), w) {
				t.Errorf("%s lacks %s\n%s", format, w, b.String())
			}
		}
		for _, w := range []string{"forged", "not a url", `"odd"`} {
			if strings.Contains(b.String(), w) {
				t.Errorf("%s has %s", format, w)
			}
		}
	}
	// A dependency that has no package URL stands between others.
	want := []string{"com.acme/shop 2.0 org.a:a firmware 9 org.c:c"}
	if d := cmp.Diff(want, waysOf(inv, "org.c:c", 4)); d != "" {
		t.Error(d)
	}
}

func TestNoPasswordIsCarried(t *testing.T) {
	for s, want := range map[string]bool{
		"pkg:npm/a@1?download_url=https://bob:hunter2@host/a.tgz":        true,
		"pkg:npm/a@1?vcs_url=git%2Bhttps:%2F%2Fbob%3Ahunter2%40host%2Fa": true,
		"https://:token@host/a":    true,
		"pkg:npm/%40scope/a@1.0.0": false,
		"pkg:npm/a@1?vcs_url=git%2Bssh:%2F%2Fgit%40github.com%2Facme%2Fa.git": false,
		"pkg:npm/a@1?download_url=https:%2F%2Fhost:8443%2Fa%40v1.tgz":         false,
		"https://host:8443/a@1.0.0":                                           false,
		"pkg:oci/a@sha256%3Aabc?repository_url=host:5000/a":                   false,
	} {
		c := (&Carried{PURL: s, Ref: s, Name: "a", References: []Reference{{Type: "vcs", URL: s}}}).sound()
		if got := hasPassword(s); got != want {
			t.Errorf("%s: %v", s, got)
		}
		if want && (c.PURL != "" || c.Ref != "" || len(c.References) > 0) || !want && c.Ref != s {
			t.Errorf("%s: %+v", s, c)
		}
	}
}
