package catalog

import (
	"context"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/damage"
	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/google/go-cmp/cmp"
)

const bitnamiNode = `{"SPDXID":"SPDXRef-DOCUMENT","spdxVersion":"SPDX-2.3","name":"node","documentDescribes":["SPDXRef-node"],"packages":[
{"SPDXID":"SPDXRef-node","name":"node","versionInfo":"20.4.0-0","licenseDeclared":"MIT","licenseConcluded":"MIT","externalRefs":[
{"referenceCategory":"SECURITY","referenceType":"cpe23Type","referenceLocator":"cpe:2.3:a:nodejs:node.js:20.4.0:*:*:*:*:*:*:*"},
{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:bitnami/node@20.4.0-0?arch=amd64&distro=debian-11"}]},
{"SPDXID":"SPDXRef-libc","name":"libc6","versionInfo":"2.31","externalRefs":[
{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:deb/debian/libc6@2.31?arch=amd64"}]}]}`

func TestEmbeddedSBOMs(t *testing.T) {
	cdx := `{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"type":"library","name":"lodash","version":"4.17.4","purl":"pkg:npm/lodash@4.17.4"},` +
		`{"type":"library","name":"minimist","version":"1.2.0","purl":"pkg:npm/minimist@1.2.0"}]}`
	inv := inventoryOf(t, scanOf(
		t,
		tarOf(
			t,
			file{name: "opt/bitnami/node/.spdx-node.spdx", body: bitnamiNode},
			file{name: "usr/local/share/sbom/app.cdx.json", body: cdx},
			file{name: "srv/node_modules/lodash/package.json", body: `{"name":"lodash","version":"4.17.4"}`},
			file{name: "srv/test/x.cdx.json", body: cdx},
			file{name: "usr/lib/python3/site-packages/a-1.dist-info/sboms/a.cdx.json", body: strings.ReplaceAll(cdx, "minimist", "in-wheel")},
			file{name: "app/app.cdx.json", body: strings.ReplaceAll(cdx, "minimist", "in-app")},
			file{name: "layers/sbom/launch/x/sbom.cdx.json", body: strings.ReplaceAll(cdx, "minimist", "in-layer")},
			file{name: "app/bom.json", body: `{"browser":"object model"}`},
			file{name: "usr/share/doc/x/x.cdx.json", body: strings.ReplaceAll(cdx, "minimist", "in-doc")},
			file{name: "var/lib/db/sbom/x.cdx.json", body: strings.ReplaceAll(cdx, "minimist", "in-wolfi")},
			file{name: "opt/broken/sbom.json", body: `{"bomFormat":"CycloneDX",`},
		),
		tarOf(t, file{name: "usr/local/share/sbom/.wh.gone.cdx.json"}),
	))
	var got []string
	for _, p := range inv.Packages {
		line := p.PURL()
		for _, l := range p.Locations {
			line += " " + l.Path
		}
		got = append(got, line)
	}
	for _, u := range inv.Unknown {
		got = append(got, "? "+u.What)
	}
	want := []string{
		"pkg:bitnami/node@20.4.0-0?arch=amd64 /opt/bitnami/node/.spdx-node.spdx",
		"pkg:npm/in-app@1.2.0 /app/app.cdx.json", "pkg:npm/in-layer@1.2.0 /layers/sbom/launch/x/sbom.cdx.json",
		"pkg:npm/in-wheel@1.2.0 /usr/lib/python3/site-packages/a-1.dist-info/sboms/a.cdx.json",
		"pkg:npm/lodash@4.17.4 /app/app.cdx.json /layers/sbom/launch/x/sbom.cdx.json /srv/node_modules/lodash/package.json " +
			"/usr/lib/python3/site-packages/a-1.dist-info/sboms/a.cdx.json /usr/local/share/sbom/app.cdx.json",
		"pkg:npm/minimist@1.2.0 /usr/local/share/sbom/app.cdx.json",
		"? packages of /opt/broken/sbom.json",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// What an SBOM and the files both tell counts once.
func TestEmbeddedCountsOnce(t *testing.T) {
	j := &join{order: []*item{
		{sites: []site{{path: "opt/bitnami/node/.spdx-node.spdx", visible: true}}},
		{sites: []site{{path: "opt/bitnami/node/bin/node", visible: true}}},
		{sites: []site{{path: "usr/bin/node", visible: true}}},
		{sites: []site{{path: "opt/bitnami/java/.spdx-java.spdx", visible: true}}},
		{sites: []site{{path: "app/a.jar", visible: true}}},
	}}
	set := func(i int, typ, namespace, name, version string) {
		p := &j.order[i].pkg
		p.Type, p.Namespace, p.Name, p.Version = typ, namespace, name, version
	}
	set(0, "bitnami", "", "node", "20.4.0-0")
	set(1, "generic", "", "node", "20.4.0")
	set(2, "generic", "", "node", "20.4.0")
	set(3, "maven", "g", "a", "1")
	set(4, "maven", "", "a", "1")
	j.embedded()
	var got []string
	for _, it := range j.order {
		got = append(got, it.pkg.PURL()+" "+it.sites[0].path)
	}
	want := []string{"pkg:bitnami/node@20.4.0-0 opt/bitnami/node/.spdx-node.spdx", "pkg:generic/node@20.4.0 usr/bin/node", "pkg:maven/a@1 app/a.jar"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// The laws of an embedded SBOM: no panic, no package with an error, and none of a
// distribution or without a sound name and version.
func FuzzEmbedded(f *testing.F) {
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, script []byte) {
		b := damage.Do([]byte(bitnamiNode), script, `"name":"x"`, `"versionInfo":"1"`, "pkg:npm/a@1", "pkg:apk/alpine/a@1", "}]")
		got, err := embeddedRead(context.Background(), layer.Input{Path: "sbom/a.spdx", Size: int64(len(b)), Body: strings.NewReader(string(b))})
		if err != nil && len(got.packages) > 0 {
			t.Fatalf("%d packages and %v", len(got.packages), err)
		}
		if d, err := decodeFacts(got.encode()); err != nil {
			t.Fatal(err, d)
		}
		for _, p := range got.packages {
			if p.Name == "" || p.Version == "" || p.FromDistro() || len(p.Locations) > 0 || p.Layer != "" {
				t.Fatalf("%+v", p)
			}
		}
	})
}
