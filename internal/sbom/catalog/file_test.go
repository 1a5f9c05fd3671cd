package catalog

import (
	"archive/zip"
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/damage"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/google/go-cmp/cmp"
)

func zipOf(tb testing.TB, pairs ...string) string {
	tb.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(pairs); i += 2 {
		w, err := z.CreateHeader(&zip.FileHeader{Name: pairs[i], Method: zip.Deflate})
		if err == nil {
			_, err = w.Write([]byte(pairs[i+1]))
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}

// A manifest of Kubernetes may have the name of conda's environment.
func TestOthersEnvironments(t *testing.T) {
	dir := lockFolder(t, map[string]string{"environment.yml": "apiVersion: v1\nkind: ConfigMap\n"})
	if Reads(filepath.Join(dir, "environment.yml")) {
		t.Error("taken for conda's")
	}
	if inv := dirScan(t, dir); len(inv.Packages)+len(inv.Unknown) > 0 {
		t.Error(dirLines(inv))
	}
}

func TestOneFileIsATarget(t *testing.T) {
	wheel := zipOf(t, "requests/__init__.py", "x", "requests-2.19.1.dist-info/METADATA", "Name: requests\nVersion: 2.19.1\n\n")
	lock := `{"lockfileVersion":3,"packages":{"node_modules/lodash":{"version":"4.17.4"}}}`
	nuspec := `<?xml version="1.0"?><package xmlns="http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd"><metadata>` +
		`<id>A.B</id><version>1.2.3-rc.1</version><license type="expression">MIT</license>` +
		`<dependencies><dependency id="C" version="9.0.0"/></dependencies></metadata></package>`
	for _, c := range []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{"app.jar", map[string]string{"app.jar": zipOf(
			t, "META-INF/maven/g/a/pom.properties", "groupId=g\nartifactId=a\nversion=1.2\n",
			"BOOT-INF/lib/b.jar", zipOf(t, "META-INF/maven/g/b/pom.properties", "groupId=g\nartifactId=b\nversion=3\n"),
		)}, []string{"pkg:maven/g/a@1.2 app.jar:0", "pkg:maven/g/b@3 app.jar!/BOOT-INF/lib/b.jar:0"}},
		{"requests-2.19.1-py3-none-any.whl", map[string]string{"requests-2.19.1-py3-none-any.whl": wheel}, []string{
			"pkg:pypi/requests@2.19.1 requests-2.19.1-py3-none-any.whl:0",
		}},
		{"PyYAML-5.1.egg", map[string]string{"PyYAML-5.1.egg": zipOf(t, "EGG-INFO/PKG-INFO", "Name: PyYAML\nVersion: 5.1\n")}, []string{
			"pkg:pypi/pyyaml@5.1 PyYAML-5.1.egg:0",
		}},
		{"package-lock.json", map[string]string{"package-lock.json": lock, "yarn.lock": "x"}, []string{"pkg:npm/lodash@4.17.4 package-lock.json:1"}},
		{"package.json", map[string]string{"package.json": `{"name":"lodash","version":"4.17.4"}`}, []string{"pkg:npm/lodash@4.17.4 package.json:1"}},
		{"package.json", map[string]string{"package.json": `{"dependencies":{"lodash":"4"}}`, "package-lock.json": lock}, []string{
			"pkg:npm/lodash@4.17.4 package-lock.json:1",
		}},
		{"package.json", map[string]string{"package.json": `{"dependencies":{"lodash":"4"}}`}, []string{"? versions of package.json's dependencies"}},
		{"requirements/base.txt", map[string]string{"requirements/base.txt": "a==1\n-r more.txt\n", "requirements/more.txt": "b==2\n"}, []string{
			"pkg:pypi/a@1 base.txt:1", "pkg:pypi/b@2 more.txt:1",
		}},
		{"x/app.deps.json", map[string]string{"x/app.deps.json": `{"libraries":{"A.B/1.0.0":{"type":"package"}}}`}, []string{"pkg:nuget/A.B@1.0.0 app.deps.json:1"}},
		{"environment.yml", map[string]string{"environment.yml": "dependencies:\n- numpy==1.0\n"}, []string{"pkg:conda/numpy@1.0 environment.yml:2"}},
		{"root/var/lib/dpkg/status", map[string]string{"root/var/lib/dpkg/status": stanza("bash", "5.2-1")}, []string{"pkg:deb/debian/bash@5.2-1?arch=amd64 status:0"}},
		{"A.B.1.2.3.nupkg", map[string]string{"A.B.1.2.3.nupkg": zipOf(
			t, "_rels/.rels", "<x/>", "A.B.nuspec", nuspec, "lib/net6.0/A.B.dll", "MZ",
		)}, []string{"pkg:nuget/A.B@1.2.3-rc.1 A.B.1.2.3.nupkg:0"}},
		{"Upper.NUPKG", map[string]string{"Upper.NUPKG": zipOf(t, "A.B.nuspec", nuspec)}, []string{"pkg:nuget/A.B@1.2.3-rc.1 Upper.NUPKG:0"}},
		{"download", map[string]string{"download": zipOf(t, "lib/x", "x", "a.nuspec", nuspec)}, []string{"pkg:nuget/A.B@1.2.3-rc.1 download:0"}},
		{"empty.nupkg", map[string]string{"empty.nupkg": zipOf(t, "lib/a.nuspec", nuspec)}, []string{"? packages of empty.nupkg"}},
		{"cut.nupkg", map[string]string{"cut.nupkg": zipOf(t, "lib/a.txt", "x")[:20]}, []string{"? packages of cut.nupkg"}},
		{"var.nupkg", map[string]string{"var.nupkg": zipOf(t, "a.nuspec", strings.Replace(nuspec, "1.2.3", "$version$", 1))}, []string{"? packages of var.nupkg"}},
		{"app.zip", map[string]string{"app.zip": zipOf(t, "META-INF/maven/g/a/pom.properties", "groupId=g\nartifactId=a\nversion=1.2\n")}, []string{
			"pkg:maven/g/a@1.2 app.zip:0",
		}},
		{"dist.bin", map[string]string{"dist.bin": zipOf(
			t, "app/README", "x", "app/lib/b.jar", zipOf(t, "META-INF/maven/g/b/pom.properties", "groupId=g\nartifactId=b\nversion=3\n"),
		)}, []string{"pkg:maven/g/b@3 dist.bin!/app/lib/b.jar:0"}},
		{"wheel", map[string]string{"wheel": wheel}, []string{"pkg:pypi/requests@2.19.1 wheel:0"}},
		{"egg.zip", map[string]string{"egg.zip": zipOf(t, "EGG-INFO/PKG-INFO", "Name: PyYAML\nVersion: 5.1\n")}, []string{"pkg:pypi/pyyaml@5.1 egg.zip:0"}},
		{"bad.jar", map[string]string{"bad.jar": "PK\x03\x04 and no more"}, []string{"? packages of bad.jar"}},
	} {
		dir := lockFolder(t, c.files)
		name := filepath.Join(dir, c.name)
		if !Reads(name) {
			t.Errorf("%s is not known", c.name)
		}
		inv, err := FromFile(context.Background(), name, finding.Subject{Kind: finding.KindFile, Name: name})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var got []string
		for _, p := range inv.Packages {
			for _, l := range p.Locations {
				got = append(got, p.PURL()+" "+l.Path+":"+string(rune('0'+l.Line)))
			}
			if p.Layer != "" || p.LayerIndex != -1 {
				t.Errorf("%s: %s is in a layer", c.name, p.PURL())
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

func TestAProgramIsATarget(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if !Reads(self) {
		t.Fatal("a Go program is not known")
	}
	body, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "app") // without its mode
	if err := os.WriteFile(name, body, 0o600); err != nil {
		t.Fatal(err)
	}
	inv, err := FromFile(context.Background(), name, finding.Subject{})
	if err != nil || len(inv.Packages) < 2 || inv.Packages[0].Locations[0].Path != "app" {
		t.Fatalf("%v: %d packages", err, len(inv.Packages))
	}
}

func TestFilesOfNoKind(t *testing.T) {
	dir := lockFolder(t, map[string]string{"app.tar": "x", "notes.md": "# x", "bom.json": `{"bomFormat":"CycloneDX"}`, "Dockerfile": "FROM scratch\n"})
	for _, name := range []string{"app.tar", "notes.md", "bom.json", "Dockerfile", "none", "."} {
		if Reads(filepath.Join(dir, name)) {
			t.Errorf("%s is taken for packages", name)
		}
	}
	if _, err := FromFile(context.Background(), dir, finding.Subject{}); err == nil {
		t.Error("a folder is read as a file")
	}
}

// The laws of an archive of Python: no panic; a package has a sound name and
// version; an archive that is damaged gives no more than a sound one.
func FuzzPyArchive(f *testing.F) {
	sound := []string{
		zipOf(f, "a/b.py", strings.Repeat("x", 200), "a-1.dist-info/METADATA", "Name: a\nVersion: 1\n\n"),
		zipOf(f, "EGG-INFO/PKG-INFO", "Name: a\nVersion: 1\n"),
		zipOf(f, "a.py", ""),
	}
	for i := range sound {
		f.Add(byte(i), []byte(nil))
	}
	f.Fuzz(func(t *testing.T, which byte, script []byte) {
		b := damage.Do([]byte(sound[int(which)%len(sound)]), script, "PK\x03\x04", "Name: b\n", "Version: 2\n", "EGG-INFO/PKG-INFO")
		ps, err := pyArchiveRead(context.Background(), layer.Input{Path: "a.whl", Size: int64(len(b)), Body: bytes.NewReader(b)})
		if len(script) == 0 && int(which)%len(sound) < 2 && (err != nil || len(ps) != 1) {
			t.Fatalf("a sound archive: %v, %v", ps, err)
		}
		for _, p := range ps {
			if why := unsound(p); why != "" || p.Type != "pypi" || len(p.Locations) > 0 {
				t.Fatalf("%+v: %s", p, why)
			}
		}
		if err == nil && len(ps) > len(b)/30 {
			t.Fatalf("%d packages of %d bytes", len(ps), len(b))
		}
	})
}

// The laws of a manifest of NuGet: no panic; what comes of it is a sound package with
// a place, or an error.
func FuzzNuspec(f *testing.F) {
	sound := `<package><metadata><id>A.B</id><version>1.2.3</version><license type="expression">MIT</license></metadata></package>`
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, script []byte) {
		b := damage.Do([]byte(sound), script, "<id>", "</id>", "<version>", "$version$", "</metadata>")
		p, err := nuspecRead(b, "a.nupkg")
		if len(script) == 0 && (err != nil || p.PURL() != "pkg:nuget/A.B@1.2.3" || len(p.Licenses) != 1) {
			t.Fatalf("a sound manifest: %v, %v", p, err)
		}
		if (err == nil) != (p != nil) {
			t.Fatalf("%v beside %v", p, err)
		}
		if p != nil && (unsound(*p) != "" || p.Locations[0].Path != "a.nupkg") {
			t.Fatalf("%+v: %s", p, unsound(*p))
		}
	})
}
