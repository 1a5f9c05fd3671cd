package report

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/ulikunitz/xz"
)

const sbomSchemas = "../sbom/testdata/schema"

// document is the JSON of a file that may be compressed.
func document(t testing.TB, path string) any {
	t.Helper()
	f, err := os.Open(filepath.FromSlash(path))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	in := io.Reader(f)
	if strings.HasSuffix(path, ".xz") {
		if in, err = xz.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	v, err := jsonschema.UnmarshalJSON(in)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// compiled is the validator of a schema, formats asserted.
func compiled(t testing.TB, path string, others map[string]any) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for url, doc := range others {
		if err := c.AddResource(url, doc); err != nil {
			t.Fatal(err)
		}
	}
	const name = "http://schema.test/main"
	if err := c.AddResource(name, document(t, path)); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func schemas(t testing.TB) map[string]*jsonschema.Schema {
	// No report has a use for the enumerations of cryptographic algorithms.
	enums := map[string]any{"definitions": map[string]any{
		"algorithmFamiliesEnum": map[string]any{"type": "string"}, "ellipticCurvesEnum": map[string]any{"type": "string"},
	}}
	return map[string]*jsonschema.Schema{
		"sarif":  compiled(t, "testdata/schema/sarif-2.1.0.schema.json.xz", nil),
		"gitlab": compiled(t, "testdata/schema/gitlab-container-scanning.check.json", nil),
		"cyclonedx": compiled(t, sbomSchemas+"/bom-1.7.schema.json.xz", map[string]any{
			"http://cyclonedx.org/schema/spdx.schema.json":              document(t, sbomSchemas+"/spdx.schema.json.xz"),
			"http://cyclonedx.org/schema/jsf-0.82.schema.json":          document(t, sbomSchemas+"/jsf-0.82.schema.json.xz"),
			"http://cyclonedx.org/schema/cryptography-defs.schema.json": enums,
		}),
		"spdx": compiled(t, sbomSchemas+"/spdx-2.3.schema.json.xz", nil),
	}
}

func TestOutputIsValidAgainstItsSchema(t *testing.T) {
	empty := realistic(t)
	empty.Findings, empty.Unknown, empty.Warnings, empty.Card = nil, nil, nil, nil
	results := map[string]func() string{}
	for format, s := range schemas(t) {
		results["realistic"] = func() string { return printed(t, format, realistic(t), options()) }
		results["hostile"] = func() string { return printed(t, format, hostile(t), options()) }
		results["empty"] = func() string { return printed(t, format, empty, options()) }
		results["no clock, no version"] = func() string { return printed(t, format, realistic(t), Options{}) }
		for name, print := range results {
			t.Run(format+"/"+name, func(t *testing.T) {
				out := print()
				doc, err := jsonschema.UnmarshalJSON(strings.NewReader(out))
				if err != nil {
					t.Fatal(err)
				}
				if err := s.Validate(doc); err != nil {
					t.Errorf("%v", err)
				}
			})
		}
	}
}

// TestTheSchemasSayNo breaks a valid report in one place at a time.
func TestTheSchemasSayNo(t *testing.T) {
	all := schemas(t)
	for _, c := range []struct{ format, old, new string }{
		{"sarif", `"startLine": 3`, `"startLine": 0`},
		{"sarif", `"level": "error"`, `"level": "high"`},
		{"sarif", `"ruleId"`, `"rule_id"`},
		{"sarif", `"uri": "Dockerfile"`, `"uri": "%zz"`},
		{"sarif", `"kind": "external"`, `"kind": "other"`},
		{"gitlab", `"severity": "High"`, `"severity": "high"`},
		{"gitlab", `"image"`, `"picture"`},
		{"gitlab", `"vector": "CVSS:3.1`, `"vector": "CVSS:5.1`},
		{"cyclonedx", `"method": "CVSSv31"`, `"method": "CVSS"`},
		{"cyclonedx", `"state": "not_affected"`, `"state": "fine"`},
	} {
		out := printed(t, c.format, realistic(t), options())
		if !strings.Contains(out, c.old) {
			t.Errorf("%s has no %s", c.format, c.old)
			continue
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(strings.Replace(out, c.old, c.new, 1))))
		if err != nil {
			t.Fatal(err)
		}
		if all[c.format].Validate(doc) == nil {
			t.Errorf("%s: %s is valid", c.format, c.new)
		}
	}
}
