package catalog

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/google/go-cmp/cmp"
)

// TestSBOMInAJar: what an application's own SBOM lists is read where the archives do not
// tell it, and counts once. A library's lists what it was built with.
func TestSBOMInAJar(t *testing.T) {
	record := func(group, name, version string) (string, string) {
		return "META-INF/maven/" + group + "/" + name + "/pom.properties", "groupId=" + group + "\nartifactId=" + name + "\nversion=" + version + "\n"
	}
	nested := func(group, name, version string) string {
		p, body := record(group, name, version)
		return zipOf(t, p, body)
	}
	const list = `{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"metadata":{"component":{"type":"application","bom-ref":"app","group":"com.acme","name":"shop","version":"1.0","purl":"pkg:maven/com.acme/shop@1.0?type=jar"}},
"components":[{"type":"library","group":"org.a","name":"a","version":"1.0","purl":"pkg:maven/org.a/a@1.0?type=jar"},
{"type":"library","group":"org.b","name":"b","version":"2.0","purl":"pkg:maven/org.b/b@2.0?type=jar"},
{"type":"library","name":"left-pad","version":"1.3.0","purl":"pkg:npm/left-pad@1.3.0"},
{"type":"library","name":"bash","version":"5.2-1","purl":"pkg:deb/debian/bash@5.2-1"}]}`
	const at = "META-INF/sbom/application.cdx.json"
	const run = "Manifest-Version: 1.0\nMain-Class: org.springframework.boot.loader.launch.JarLauncher\nSbom-Location: " + at + "\n"
	own, body := record("com.acme", "shop", "1.0")
	for _, c := range []struct {
		name  string
		files []string
		want  []string
	}{
		{
			"nested",
			[]string{"META-INF/MANIFEST.MF", run, at, list, own, body, "BOOT-INF/lib/a-1.0.jar", nested("org.a", "a", "1.0"), "BOOT-INF/lib/b-2.0.jar", nested("org.b", "b", "2.0")},
			[]string{
				"pkg:maven/com.acme/shop@1.0 in shop.jar", "pkg:maven/org.a/a@1.0 in shop.jar!/BOOT-INF/lib/a-1.0.jar",
				"pkg:maven/org.b/b@2.0 in shop.jar!/BOOT-INF/lib/b-2.0.jar", "pkg:npm/left-pad@1.3.0 in shop.jar!/" + at,
			},
		},
		{
			"shaded, one with its record and of another version",
			[]string{"META-INF/MANIFEST.MF", run, own, body, "META-INF/maven/org.a/a/pom.properties", "groupId=org.a\nartifactId=a\nversion=1.1\n", at, list},
			[]string{
				"pkg:maven/com.acme/shop@1.0 in shop.jar", "pkg:maven/org.a/a@1.1 in shop.jar",
				"pkg:maven/org.b/b@2.0 in shop.jar!/" + at, "pkg:npm/left-pad@1.3.0 in shop.jar!/" + at,
			},
		},
		{
			"nested without records",
			[]string{at, list, own, body, "BOOT-INF/lib/a-1.0.jar", zipOf(t, "x/A.class", "x"), "BOOT-INF/lib/b-2.0.jar", nested("org.b", "b", "2.0")},
			[]string{
				"pkg:maven/com.acme/shop@1.0 in shop.jar", "pkg:maven/org.a/a@1.0 in shop.jar!/BOOT-INF/lib/a-1.0.jar",
				"pkg:maven/org.b/b@2.0 in shop.jar!/BOOT-INF/lib/b-2.0.jar", "pkg:npm/left-pad@1.3.0 in shop.jar!/" + at,
			},
		},
		{"a library", []string{own, body, at, list}, []string{"pkg:maven/com.acme/shop@1.0 in shop.jar"}},
		{"another's file", []string{"META-INF/MANIFEST.MF", run, own, body, "META-INF/sbom/x.json", `{"a":1}`}, []string{"pkg:maven/com.acme/shop@1.0 in shop.jar"}},
		{
			"a broken one",
			[]string{"META-INF/MANIFEST.MF", run, own, body, at, list[:200]},
			[]string{"pkg:maven/com.acme/shop@1.0 in shop.jar", "? packages of shop.jar"},
		},
	} {
		dir := lockFolder(t, map[string]string{"shop.jar": zipOf(t, c.files...)})
		inv, err := FromFile(context.Background(), filepath.Join(dir, "shop.jar"), finding.Subject{})
		if err != nil {
			t.Fatal(c.name, err)
		}
		var got []string
		for _, p := range inv.Packages {
			for _, l := range p.Locations {
				got = append(got, p.PURL()+" in "+l.Path)
			}
		}
		for _, u := range inv.Unknown {
			got = append(got, "? "+u.What)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
}
