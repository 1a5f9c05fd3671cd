package sbom

import (
	"fmt"
	"io"
	"strings"
	"testing"
)

// endless is a document that never ends: its head, and then one part after
// another.
type endless struct {
	rest string
	part func(i int) string
	i    int
	read int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.rest == "" {
		e.rest = e.part(e.i)
		e.i++
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	e.read += n
	return n, nil
}

// Too much is refused while it is read, and not after all of it is in memory.
func TestEndlessDocumentsAreRefused(t *testing.T) {
	cdx := func(i int) string {
		return fmt.Sprintf(`{"type":"library","name":"p%d","version":"1","purl":"pkg:npm/p%d@1"},`, i, i)
	}
	spdx := func(i int) string {
		return fmt.Sprintf(`{"SPDXID":"SPDXRef-%d","name":"p%d","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:npm/p%d@1"}]},`, i, i, i)
	}
	for name, c := range map[string]struct {
		head string
		part func(i int) string
		want string
	}{
		"CycloneDX":         {`{"bomFormat":"CycloneDX","components":[`, cdx, "more than 200000 packages"},
		"CycloneDX, in one": {`{"bomFormat":"CycloneDX","components":[{"type":"application","components":[`, cdx, "more than 200000 packages"},
		"CycloneDX XML": {`<bom xmlns="http://cyclonedx.org/schema/bom/1.5"><components>`, func(i int) string {
			return fmt.Sprintf(`<component type="library"><name>p</name><purl>pkg:npm/p%d@1</purl></component>`, i)
		}, "more than 200000 packages"},
		"CycloneDX XML, in one": {`<bom xmlns="http://cyclonedx.org/schema/bom/1.5"><components><component type="library"><components>`, func(i int) string {
			return fmt.Sprintf(`<component type="library"><name>p</name><purl>pkg:npm/p%d@1</purl></component>`, i)
		}, "more than 200000 packages"},
		"SPDX":           {`{"spdxVersion":"SPDX-2.3","packages":[`, spdx, "more than 200000 packages"},
		"our own":        {`{"schema":"` + Schema + `","packages":[`, func(i int) string { return fmt.Sprintf(`{"type":"npm","name":"p%d","version":"1"},`, i) }, "more than 200000 packages"},
		"SPDX tag-value": {"SPDXVersion: SPDX-2.3\nSPDXID: SPDXRef-DOCUMENT\n", func(i int) string { return fmt.Sprintf("PackageName: p%d\n", i) }, "more than 200000 packages"},
		"tag-value":      {"SPDXVersion: SPDX-2.3\nSPDXID: SPDXRef-DOCUMENT\n", func(i int) string { return fmt.Sprintf("FileName: p%d\n", i) }, "more than 2000000 lines"},
		"nested":         {`{"bomFormat":"CycloneDX","components":[`, func(int) string { return `{"components":[` }, "nest deeper than 64"},
		"a metadata's":   {`{"bomFormat":"CycloneDX","metadata":{"component":{"name":"`, func(int) string { return strings.Repeat("x", 4096) }, "larger than the limit of 32 MiB"},
		"a string":       {`{"bomFormat":"`, func(int) string { return strings.Repeat("x", 4096) }, "larger than the limit of 32 MiB"},
		"an attribute":   {`<bom xmlns="http://cyclonedx.org/schema/bom/1.5"><components><component type="`, func(int) string { return strings.Repeat("x", 4096) }, "larger than the limit of 32 MiB"},
		"one component":  {`{"bomFormat":"CycloneDX","components":[{"properties":[`, func(int) string { return `{"name":"a"},` }, "larger than the limit of 32 MiB"},
		"passed over":    {`{"x":{"y":"`, func(int) string { return strings.Repeat("x", 4096) }, "larger than the limit of 32 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			in := &endless{rest: c.head, part: c.part}
			_, err := Decode(in, "in")
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("after %d bytes: %v", in.read, err)
			}
		})
	}
}

// What is passed over may be large, as long as its parts are not: Syft lists
// every file of an image.
func TestManyFilesArePassedOver(t *testing.T) {
	parts := func(part string) io.Reader { return strings.NewReader(strings.Repeat(part, 300_000)) }
	in := io.MultiReader(
		strings.NewReader(`{"bomFormat":"CycloneDX","files":[0`), parts(`,{"fileName":"./usr/lib/x","checksums":[{"algorithm":"SHA1"}],"licenseConcluded":"NOASSERTION","a":"0123456789012345678901234567890123456789"}`),
		strings.NewReader(`],"components":[{"name":"p","purl":"pkg:npm/p@1"}`), parts(`,{"type":"file","name":"/usr/lib/x"}`), strings.NewReader(`]}`))
	inv, err := Decode(in, "in")
	if err != nil || len(inv.Packages) != 1 {
		t.Error(err)
	}
}
