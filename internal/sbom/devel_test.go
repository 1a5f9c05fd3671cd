package sbom

import (
	"bytes"
	"testing"
)

// TestGoMainModule: Syft writes a Go program's own module without a version.
// That is the build's own word for it, as an image's inventory has it.
func TestGoMainModule(t *testing.T) {
	doc := `{"bomFormat":"CycloneDX","specVersion":"1.6","components":[
		{"type":"library","name":"example.com/app","purl":"pkg:golang/example.com/app"},
		{"type":"library","name":"left-pad","purl":"pkg:npm/left-pad"}]}`
	inv, err := Decode(bytes.NewReader([]byte(doc)), "app.cdx.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(inv.Unknown) != 1 || inv.Unknown[0].What != "vulnerabilities of pkg:npm/left-pad" {
		t.Errorf("unknown: %+v", inv.Unknown)
	}
	for _, p := range inv.Packages {
		if p.Type == "golang" && p.Version != "(devel)" {
			t.Errorf("%+v", p)
		}
	}
}
