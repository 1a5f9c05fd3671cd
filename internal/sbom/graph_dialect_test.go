package sbom

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// toldBy is what a document tells: a line for each that tells what it needs.
func toldBy(t *testing.T, doc string) []string {
	t.Helper()
	inv, err := Decode(strings.NewReader(doc), "sbom")
	if err != nil {
		t.Fatal(err)
	}
	survives(t, inv)
	steps := inv.steps()
	label := func(n int32) string {
		s := steps[n]
		l := strings.ReplaceAll(s.Label(), " ", "@")
		if c := s.Component; c != nil {
			if l = "[" + l + "]"; c.Guessed {
				l += "?"
			}
		} else if s.Package.Root {
			l += "!"
		}
		return l
	}
	var out []string
	for n, needs := range inv.Graph {
		if needs == nil {
			continue
		}
		var to []string
		for _, need := range needs {
			to = append(to, label(need))
		}
		slices.Sort(to)
		out = append(out, strings.TrimSpace(label(int32(n))+" > "+strings.Join(to, " ")))
	}
	slices.Sort(out)
	return out
}

func TestOtherToolsGraphs(t *testing.T) {
	npm := func(ref, name, more string) string {
		return fmt.Sprintf(`{"bom-ref":%q,"type":"library","name":%q,"version":"1","purl":"pkg:npm/%s@1"%s}`, ref, name, name, more)
	}
	trivy := func(kind string) string {
		return `,"properties":[{"name":"aquasecurity:trivy:PkgID","value":"x"},{"name":"aquasecurity:trivy:PkgType","value":"` + kind + `"}]`
	}
	spdx := func(id, name string) string {
		return fmt.Sprintf(`{"SPDXID":"SPDXRef-%s","name":%q,"versionInfo":"1","externalRefs":[{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:npm/%s@1"}]}`, id, name, name)
	}
	related := func(from, kind, to string) string {
		return fmt.Sprintf(`{"spdxElementId":"SPDXRef-%s","relationshipType":%q,"relatedSpdxElement":"%s"}`, from, kind, to)
	}
	for name, c := range map[string]struct {
		doc  string
		want []string
	}{
		"Trivy: an image's system and its lock files": {
			`{"bomFormat":"CycloneDX","specVersion":"1.6","metadata":{"component":{"bom-ref":"root","type":"container","name":"web"}},"components":[
				{"bom-ref":"os","type":"operating-system","name":"debian","version":"12"},
				{"bom-ref":"npm","type":"application","name":"app/package-lock.json","properties":[{"name":"aquasecurity:trivy:Class","value":"lang-pkgs"}]},
				{"bom-ref":"pip","type":"application","name":"app/requirements.txt","properties":[{"name":"aquasecurity:trivy:Class","value":"lang-pkgs"}]},
				{"bom-ref":"libc","type":"library","name":"libc6","version":"2","purl":"pkg:deb/debian/libc6@2"` + trivy("debian") + `},
				` + npm("a", "a", trivy("npm")) + `,` + npm("b", "b", trivy("npm")) + `,` + npm("flask", "flask", trivy("pip")) + `],
				"dependencies":[{"ref":"root","dependsOn":["os","npm","pip"]},{"ref":"os","dependsOn":["libc"]},{"ref":"npm","dependsOn":["a"]},{"ref":"a","dependsOn":["b"]},{"ref":"b","dependsOn":[]},
				{"ref":"libc","dependsOn":[]},{"ref":"pip","dependsOn":["flask"]},{"ref":"flask","dependsOn":[]}]}`,
			[]string{
				"[app/package-lock.json] > a@1", "[app/requirements.txt] > flask@1", "[debian@12] > libc6@2", "[web] > [app/package-lock.json] [app/requirements.txt] [debian@12]", "a@1 > b@1", "b@1 >",
				"libc6@2 >",
			},
		},
		"Syft: entries of those with dependencies alone": {
			`{"bomFormat":"CycloneDX","specVersion":"1.6","metadata":{"component":{"bom-ref":"dir","type":"file","name":"."}},"components":[` + npm("a", "a", "") + `,` + npm("b", "b", "") + `,` + npm("c", "c", "") + `],
				"dependencies":[{"ref":"a","dependsOn":["b","gone"]},{"ref":"gone","dependsOn":["c"]}]}`,
			[]string{"[.]? > a@1 c@1", "a@1 > b@1"},
		},
		"nested, the graph first, what has no purl between": {
			`{"bomFormat":"CycloneDX","specVersion":"1.4","dependencies":[{"ref":"root","dependsOn":["m"]},{"ref":"m","dependsOn":["a"]},{"ref":"a"}],"components":[{"bom-ref":"m","type":"library","name":"module","components":[` + npm("a", "a", "") + `]}],
				"metadata":{"component":{"bom-ref":"root","type":"application","name":"shop","version":"1"}}}`,
			[]string{"[module] > a@1", "[shop@1] > [module]", "a@1 >"},
		},
		"XML": {
			`<bom xmlns="http://cyclonedx.org/schema/bom/1.5"><metadata><component type="application" bom-ref="root"><name>shop</name></component></metadata><components><component type="library" bom-ref="a"><name>a</name><version>1</version><purl>pkg:npm/a@1</purl></component>` +
				`<component type="library" bom-ref="b"><name>b</name><version>1</version><purl>pkg:npm/b@1</purl></component></components><dependencies><dependency ref="root"><dependency ref="a"/></dependency><dependency ref="a"><dependency ref="b"/></dependency><dependency ref="b"/></dependencies></bom>`,
			[]string{"[shop] > a@1", "a@1 > b@1", "b@1 >"},
		},
		"one purl, two references": {
			`{"bomFormat":"CycloneDX","specVersion":"1.5","metadata":{"component":{"bom-ref":"root","type":"application","name":"shop"}},"components":[` + npm("a1", "a", "") + `,` + npm("a2", "a", "") + `,` + npm("b", "b", "") + `,` + npm("c", "c", "") + `],
				"dependencies":[{"ref":"root","dependsOn":["a1","a2"]},{"ref":"a1","dependsOn":["b"]},{"ref":"a2","dependsOn":["c"]}]}`,
			[]string{"[shop] > a@1", "a@1 > b@1 c@1"},
		},
		"SPDX of Syft: backwards, with what contains": {
			`{"spdxVersion":"SPDX-2.3","name":"dir","packages":[{"SPDXID":"SPDXRef-DocumentRoot-Directory-dir","name":"dir"},` + spdx("A", "a") + `,` + spdx("B", "b") + `],"relationships":[` +
				related("DOCUMENT", "DESCRIBES", "SPDXRef-DocumentRoot-Directory-dir") + `,` + related("DocumentRoot-Directory-dir", "CONTAINS", "SPDXRef-A") + `,` + related("DocumentRoot-Directory-dir", "CONTAINS", "SPDXRef-B") + `,` +
				related("B", "DEPENDENCY_OF", "SPDXRef-A") + `]}`,
			[]string{"[dir]? > a@1", "a@1 > b@1"},
		},
		"SPDX of npm: about a package": {
			`{"spdxVersion":"SPDX-2.3","name":"shop@1","packages":[` + spdx("S", "shop") + `,` + spdx("A", "a") + `,` + spdx("B", "b") + `],"relationships":[` +
				related("DOCUMENT", "DESCRIBES", "SPDXRef-S") + `,` + related("A", "DEPENDENCY_OF", "SPDXRef-S") + `,` + related("B", "OPTIONAL_DEPENDENCY_OF", "SPDXRef-A") + `,` + related("B", "DEPENDS_ON", "NONE") + `,` + related("A", "DEPENDS_ON", "NOASSERTION") + `]}`,
			[]string{"a@1 > b@1", "b@1 >", "shop@1! > a@1"},
		},
		"SPDX, tag-value": {
			"SPDXVersion: SPDX-2.3\nDataLicense: CC0-1.0\nSPDXID: SPDXRef-DOCUMENT\nDocumentName: x\nDocumentNamespace: https://example.com/x\nCreator: Tool: t\nCreated: 2024-01-01T00:00:00Z\n\n" +
				"PackageName: a\nSPDXID: SPDXRef-A\nPackageVersion: 1\nPackageDownloadLocation: NONE\nFilesAnalyzed: false\nExternalRef: PACKAGE-MANAGER purl pkg:npm/a@1\n\n" +
				"PackageName: b\nSPDXID: SPDXRef-B\nPackageVersion: 1\nPackageDownloadLocation: NONE\nFilesAnalyzed: false\nExternalRef: PACKAGE-MANAGER purl pkg:npm/b@1\n\n" +
				"Relationship: SPDXRef-A DEPENDS_ON SPDXRef-B\nRelationship: SPDXRef-B DEPENDS_ON NONE\n",
			[]string{"[x]? > a@1", "a@1 > b@1", "b@1 >"},
		},
		"none": {`{"bomFormat":"CycloneDX","specVersion":"1.5","components":[` + npm("a", "a", "") + `]}`, nil},
		"odd entries": {
			`{"bomFormat":"CycloneDX","specVersion":"1.5","metadata":{"component":{"bom-ref":"root","name":"x","type":"application"}},"components":[` + npm("a", "a", "") + `],"dependencies":[{"ref":5},{"ref":"root","dependsOn":["a","a","root"]},{"dependsOn":["a"]}]}`,
			[]string{"[x] > a@1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			want := slices.Clone(c.want)
			slices.Sort(want)
			if d := cmp.Diff(want, toldBy(t, c.doc)); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestSPDXRelationships: each kind of relationship that says that something is needed, and
// which packages are there for development alone.
func TestSPDXRelationships(t *testing.T) {
	read := func(relationships ...string) (*Inventory, []string) {
		t.Helper()
		var doc, tags strings.Builder
		doc.WriteString(`{"spdxVersion":"SPDX-2.3","name":"x","packages":[`)
		tags.WriteString("SPDXVersion: SPDX-2.3\nDataLicense: CC0-1.0\nSPDXID: SPDXRef-DOCUMENT\nDocumentName: x\nDocumentNamespace: https://example.com/x\nCreator: Tool: t\nCreated: 2024-01-01T00:00:00Z\n")
		for i, name := range []string{"a", "b", "c", "d"} {
			if i > 0 {
				doc.WriteString(",")
			}
			fmt.Fprintf(&doc, `{"SPDXID":"SPDXRef-%s","name":%q,"versionInfo":"1","externalRefs":[{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:npm/%s@1"}]}`, name, name, name)
			fmt.Fprintf(&tags, "\nPackageName: %s\nSPDXID: SPDXRef-%s\nPackageVersion: 1\nPackageDownloadLocation: NONE\nFilesAnalyzed: false\nExternalRef: PACKAGE-MANAGER purl pkg:npm/%s@1\n", name, name, name)
		}
		doc.WriteString(`],"relationships":[`)
		for i, r := range relationships {
			w := strings.Fields(r)
			if i > 0 {
				doc.WriteString(",")
			}
			fmt.Fprintf(&doc, `{"spdxElementId":"SPDXRef-%s","relationshipType":%q,"relatedSpdxElement":"SPDXRef-%s"}`, w[0], w[1], w[2])
			fmt.Fprintf(&tags, "\nRelationship: SPDXRef-%s %s SPDXRef-%s\n", w[0], w[1], w[2])
		}
		doc.WriteString("]}")
		want := toldBy(t, doc.String())
		if d := cmp.Diff(want, toldBy(t, tags.String())); d != "" {
			t.Errorf("in JSON (-) and in tags (+): %s", d)
		}
		inv, err := Decode(strings.NewReader(doc.String()), "sbom")
		if err != nil {
			t.Fatal(err)
		}
		return inv, want
	}
	for kind, forward := range map[string]bool{
		"DEPENDS_ON": true, "HAS_PREREQUISITE": true, "STATIC_LINK": true, "DYNAMIC_LINK": true,
		"DEPENDENCY_OF": false, "BUILD_DEPENDENCY_OF": false, "DEV_DEPENDENCY_OF": false, "OPTIONAL_DEPENDENCY_OF": false,
		"PROVIDED_DEPENDENCY_OF": false, "TEST_DEPENDENCY_OF": false, "RUNTIME_DEPENDENCY_OF": false, "PREREQUISITE_FOR": false,
		"BUILD_TOOL_OF": false, "DEV_TOOL_OF": false, "TEST_TOOL_OF": false,
	} {
		r := "a " + kind + " b"
		if !forward {
			r = "b " + kind + " a"
		}
		if _, got := read(r); !slices.Contains(got, "a@1 > b@1") {
			t.Errorf("%s: %q", r, got)
		}
	}
	if _, got := read("a DESCRIBED_BY DOCUMENT", "b DEPENDENCY_OF a"); !slices.Contains(got, "a@1! > b@1") {
		t.Errorf("DESCRIBED_BY: %q", got)
	}
	if _, got := read("a CONTAINS b", "c GENERATED_FROM d"); len(got) > 0 {
		t.Errorf("what is no dependency: %q", got)
	}
	for _, c := range []struct {
		dev           string
		relationships []string
	}{
		{"b c", []string{"b DEV_DEPENDENCY_OF a", "c DEPENDENCY_OF b"}},
		{"b", []string{"b TEST_DEPENDENCY_OF a", "c DEPENDENCY_OF b", "c DEPENDENCY_OF a"}},
		{"", []string{"b DEV_DEPENDENCY_OF a", "b DEPENDENCY_OF c"}},
		{"c", []string{"a DEPENDS_ON b", "b DEPENDS_ON a", "c DEV_TOOL_OF b"}},
		{"", []string{"b BUILD_DEPENDENCY_OF a", "c OPTIONAL_DEPENDENCY_OF a"}},
	} {
		inv, _ := read(c.relationships...)
		var dev []string
		for _, p := range inv.Packages {
			if p.Dev {
				dev = append(dev, p.Name)
			}
		}
		if got := strings.Join(dev, " "); got != c.dev {
			t.Errorf("%q: for development are %q, want %q", c.relationships, got, c.dev)
		}
	}
}
