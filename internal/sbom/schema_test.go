package sbom

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/ulikunitz/xz"
	"pgregory.net/rapid"

	"github.com/drydock-dev/drydock/internal/finding"
)

func unxz(t testing.TB, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	r, err := xz.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func schema(t testing.TB, name string) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(unxz(t, filepath.Join("testdata", "schema", name+".json.xz"))))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// compile makes a validator of the schema of a format, with what it refers to.
func compile(t testing.TB, main string, others map[string]any) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for url, doc := range others {
		if err := c.AddResource(url, doc); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.AddResource("http://schema.test/main", schema(t, main)); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("http://schema.test/main")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func schemas(t testing.TB) map[string]*jsonschema.Schema {
	// The enumerations of cryptographic algorithms are a file of their own,
	// which no inventory has a use for.
	enums := map[string]any{"definitions": map[string]any{
		"algorithmFamiliesEnum": map[string]any{"type": "string"}, "ellipticCurvesEnum": map[string]any{"type": "string"},
	}}
	return map[string]*jsonschema.Schema{
		"cyclonedx": compile(t, "bom-1.7.schema", map[string]any{
			"http://cyclonedx.org/schema/spdx.schema.json":              schema(t, "spdx.schema"),
			"http://cyclonedx.org/schema/jsf-0.82.schema.json":          schema(t, "jsf-0.82.schema"),
			"http://cyclonedx.org/schema/cryptography-defs.schema.json": enums,
		}),
		"spdx": compile(t, "spdx-2.3.schema", nil),
	}
}

func TestOutputIsValidAgainstThePublishedSchemas(t *testing.T) {
	for format, s := range schemas(t) {
		t.Run(format, rapid.MakeCheck(func(t *rapid.T) {
			var b bytes.Buffer
			opt := EncodeOptions{ToolVersion: "1.2.3"}
			if rapid.Bool().Draw(t, "now") {
				opt.Now = time.Unix(1<<30, 5)
			}
			if err := Encode(&b, format, drawInventory(t), opt); err != nil {
				t.Fatal(err)
			}
			doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b.Bytes()))
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Validate(doc); err != nil {
				t.Fatalf("%v\n%s", err, b.String())
			}
		}))
		// The validator does say no.
		doc, _ := jsonschema.UnmarshalJSON(strings.NewReader(`{"bomFormat":"CycloneDX","specVersion":"1.7","components":[{"name":"x"}]}`))
		if s.Validate(doc) == nil {
			t.Errorf("%s: a broken document is valid", format)
		}
	}
}

func TestVulnerabilitiesCanBeAdded(t *testing.T) {
	inv := &Inventory{
		Subject: finding.Subject{Kind: finding.KindImage, Name: "nginx:1.20"},
		Distro:  &Distro{ID: "debian", VersionID: "11"},
		Packages: []Package{
			{Type: "deb", Namespace: "debian", Name: "libssl1.1", Source: "openssl", Version: "1.1.1k-1+deb11u1", Arch: "amd64", LayerIndex: 0},
			{Type: "deb", Namespace: "debian", Name: "openssl", Version: "1.1.1k-1+deb11u1", Arch: "amd64", LayerIndex: 0},
		},
	}
	bill := CycloneDX(inv, EncodeOptions{})
	got := bill.Refs("pkg:deb/debian/openssl@1.1.1k-1+deb11u1")
	if len(got) != 2 || !strings.Contains(got[0], "libssl1.1") || !strings.Contains(got[1], "/openssl") {
		t.Fatalf("the source package is %q", got)
	}
	if one := bill.Refs(inv.Packages[0].PURL()); len(one) != 1 || one[0] != got[0] {
		t.Errorf("the binary package is %q", one)
	}
	if none := bill.Refs("pkg:deb/debian/other@1"); none != nil {
		t.Errorf("a package that is not there is %q", none)
	}
	added := []cdx.Vulnerability{{ID: "CVE-2022-0778", Affects: &[]cdx.Affects{{Ref: got[0]}, {Ref: got[1]}}}}
	var b bytes.Buffer
	if err := bill.Write(&b, slices.Values(added)); err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if err := schemas(t)["cyclonedx"].Validate(doc); err != nil {
		t.Error(err)
	}
	if found := inv.Find("pkg:deb/debian/openssl@1.1.1k-1+deb11u1"); len(found) != 2 {
		t.Errorf("Find gave %v", found)
	}
}

func TestTheLicenceListIsRight(t *testing.T) {
	list := map[string]bool{}
	for _, id := range schema(t, "spdx.schema").(map[string]any)["enum"].([]any) {
		list[id.(string)] = true
	}
	for _, id := range strings.Fields(spdxIDs + spdxExceptions) {
		if !list[id] {
			t.Errorf("%s is not on the SPDX licence list", id)
		}
		delete(list, id)
	}
	for id := range list {
		t.Errorf("%s is on the SPDX licence list, and not known", id)
	}
}

func TestLicenceExpressions(t *testing.T) {
	for s, want := range map[string]bool{
		"MIT": true, "MIT OR Apache-2.0": true, "(MIT AND ISC) OR Zlib": true, "GPL-2.0-only WITH Classpath-exception-2.0": true,
		"Apache-2.0+": true, "": false, "GPL": false, "MIT OR": false, "MIT ISC": false, "(MIT": false, "MIT)": false,
		"OR MIT": false, "MIT WITH MIT": false, "WITH LLVM-exception": false, "MIT and ISC": false, "()": false,
	} {
		if spdxExpression(s) != want {
			t.Errorf("%q is an expression: %v", s, !want)
		}
	}
	refs := spdxTerms{}
	got := refs.names([]string{"MIT OR ISC", "Public Domain!", "Zlib", "Zlib", ""})
	if !strings.HasPrefix(got, "(MIT OR ISC) AND LicenseRef-Public-Domain--") || !strings.HasSuffix(got, " AND Zlib") || len(refs) != 1 {
		t.Errorf("declared %q, %v", got, refs)
	}
	if got := refs.names(nil); got != "NOASSERTION" {
		t.Errorf("nothing declared is %q", got)
	}
}

// What is written component by component is what the libraries write of the whole.
func TestWrittenAsAWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		inv, opt := drawInventory(t), EncodeOptions{Now: time.Unix(1, 0)}
		var got, want bytes.Buffer
		if err := Encode(&got, "cyclonedx", inv, opt); err != nil {
			t.Fatal(err)
		}
		enc := cdx.NewBOMEncoder(&want, cdx.BOMFileFormatJSON).SetPretty(true).SetEscapeHTML(false)
		if err := enc.Encode(CycloneDX(inv, opt).whole()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.String(), got.String()); diff != "" {
			t.Fatal(diff)
		}
		got.Reset()
		want.Reset()
		if err := Encode(&got, "spdx", inv, opt); err != nil {
			t.Fatal(err)
		}
		doc := spdxOf(inv, opt).whole()
		for _, p := range doc.Packages {
			p.PrimaryPackagePurpose = strings.Replace(p.PrimaryPackagePurpose, purposeOS, purposeOSJSON, 1)
		}
		if err := spdxjson.Write(doc, &want, spdxjson.Indent("  "), spdxjson.EscapeHTML(false)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.String(), got.String()); diff != "" {
			t.Fatal(diff)
		}
	})
}
