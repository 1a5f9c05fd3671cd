package catalog

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-dev/drydock/internal/damage"
	"github.com/drydock-dev/drydock/internal/finding"
)

// sample is a lock file of testdata/locks, or a text.
func sample(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata/locks", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Every format is held to a file as its program writes it.
func TestLockSamples(t *testing.T) {
	for _, c := range []struct {
		name string
		want []string
	}{
		{"pylock.toml", []string{
			"pkg:pypi/attrs@25.1.0 pylock.toml:6", "pkg:pypi/django@1.11.1 pylock.toml:14",
			"pkg:pypi/fork@0.3.0?vcs_url=git%2Bhttps:%2F%2Fgithub.com%2Facme%2Ffork.git%230123abcd pylock.toml:22",
		}},
		{"pdm.lock", []string{
			"pkg:pypi/fork@0.1.0?vcs_url=git%2Bhttps:%2F%2Fgithub.com%2Facme%2Ffork.git%23abc123 pdm.lock:40",
			"pkg:pypi/pytest@8.3.4 pdm.lock:13 dev", "pkg:pypi/requests@2.19.1 pdm.lock:26 pdm.lock:31",
		}},
		{"packages.config", []string{"pkg:nuget/Newtonsoft.Json@9.0.1 packages.config:3", "pkg:nuget/StyleCop.Analyzers@1.0.0 packages.config:4 dev"}},
		{"Directory.Packages.props", []string{
			"pkg:nuget/Nerdbank.GitVersioning@3.5.109 Directory.Packages.props:10", "pkg:nuget/Newtonsoft.Json@9.0.1 Directory.Packages.props:7",
			"pkg:nuget/Serilog@2.10.0 Directory.Packages.props:8",
			"unknown: versions of Dapper in Directory.Packages.props: not one version; dotnet restore --use-lock-file says which",
		}},
		{"paket.lock", []string{
			"pkg:nuget/FSharp.Core@6.0.5 paket.lock:5", "pkg:nuget/Newtonsoft.Json@9.0.1 paket.lock:6", "pkg:nuget/Serilog@2.10 paket.lock:8",
			"pkg:nuget/xunit@2.4.1 paket.lock:13",
		}},
		{"project.assets.json", []string{"pkg:nuget/Newtonsoft.Json@9.0.1 project.assets.json:5"}},
		{"deno.lock", []string{
			"pkg:jsr/%40std/assert@1.0.6 deno.lock:8", "pkg:npm/%40babel/core@7.0.0 deno.lock:13",
			"pkg:npm/eslint-plugin-x@1.2.3 deno.lock:17", "pkg:npm/lodash@4.17.4 deno.lock:20",
		}},
		{"bun.lock", []string{
			"pkg:npm/%40babel/core@7.0.0 bun.lock:21", "pkg:npm/lodash@4.17.4 bun.lock:25", "pkg:npm/mocha@5.2.0 bun.lock:27 dev",
			"pkg:npm/ms@2.0.0 bun.lock:33 dev", "pkg:npm/ms@2.1.3 bun.lock:29",
			"unknown: versions of git in bun.lock: locked to a repository or an address, which does not say the version",
		}},
		{"mix.lock", []string{
			"pkg:hex/cowboy@2.9.0 mix.lock:2", "pkg:hex/plug@1.3.0 mix.lock:4",
			"unknown: versions of fork in mix.lock: locked to a repository, which does not say the version",
		}},
		{"pubspec.lock", []string{
			"pkg:pub/dio@4.0.6 pubspec.lock:4", "pkg:pub/fork@1.0.0?vcs_url=git%2Bhttps:%2F%2Fgithub.com%2Facme%2Ffork.git%23abc123 pubspec.lock:17",
			"pkg:pub/test@1.24.0 pubspec.lock:26 dev",
		}},
		{"Package.resolved", []string{
			"pkg:swift/github.com/apple/swift-nio@2.40.0 Package.resolved:4",
			"unknown: versions of github.com/vapor/vapor in Package.resolved: locked to a branch or a revision, which does not say the version",
		}},
		{"libs.versions.toml", []string{
			"pkg:maven/com.google.guava/guava@30.1-jre libs.versions.toml:8", "pkg:maven/commons-io/commons-io@2.6 libs.versions.toml:9",
			"pkg:maven/org.apache.logging.log4j/log4j-api@2.14.1 libs.versions.toml:7", "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1 libs.versions.toml:6",
			"unknown: versions of g:open in libs.versions.toml: the catalog gives no version, or a range; gradle dependencies --write-locks says which",
		}},
		{"App.csproj", []string{
			"pkg:nuget/Dapper@1.50.2 App.csproj:9", "pkg:nuget/Serilog@2.9.0 App.csproj:8", "pkg:nuget/xunit@2.4.1 App.csproj:10 dev",
			"unknown: versions of Newtonsoft.Json, Range, transitive dependencies in App.csproj: a project file does not say them; dotnet restore --use-lock-file does",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := dirLines(dirScan(t, lockFolder(t, map[string]string{c.name: sample(t, c.name)})))
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// A project takes its versions from the files above it, and a lock file beside it
// speaks for it.
func TestProjectsOfNET(t *testing.T) {
	files := map[string]string{
		"Directory.Packages.props": sample(t, "Directory.Packages.props"), "src/App/App.csproj": sample(t, "App.csproj"),
		"Directory.Build.props": "<Project><ItemGroup><PackageReference Include=\"Shared\" Version=\"1.2.3\" /></ItemGroup></Project>",
	}
	all := strings.Join(dirLines(dirScan(t, lockFolder(t, files))), "\n")
	for _, want := range []string{
		"pkg:nuget/Newtonsoft.Json@9.0.1 Directory.Packages.props:7 src/App/App.csproj:7", "pkg:nuget/Serilog@2.9.0 src/App/App.csproj:8",
		"pkg:nuget/Shared@1.2.3 ",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("no %s in\n%s", want, all)
		}
	}
	files["src/App/packages.lock.json"] = `{"version":1,"dependencies":{"net8.0":{"Dapper":{"type":"Direct","resolved":"1.60.0"}}}}`
	if all = strings.Join(dirLines(dirScan(t, lockFolder(t, files))), "\n"); strings.Contains(all, "App.csproj") || !strings.Contains(all, "Dapper@1.60.0") {
		t.Errorf("the lock file does not speak for the project:\n%s", all)
	}
}

// One entry that is none costs itself, and shapes that are rare are read.
func TestOddEntries(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       []string
	}{
		{"gradle.lockfile", "a:b:1=x\nnonsense\nc:d:2=x\n", []string{
			"pkg:maven/a/b@1 gradle.lockfile:1", "pkg:maven/c/d@2 gradle.lockfile:3",
			"unknown: versions of \"nonsense\" in gradle.lockfile: line 2: not group:name:version",
		}},
		{"requirements.txt", "a==2.0.0,>=1.0\nb>=1,==3.0\nc==1.0 -C build=x\nd==1.0 --config-settings x=y\ne==${V}\nf=='1.2'\ng==3.0.0#comment\n", []string{
			"pkg:pypi/a@2.0.0 requirements.txt:1", "pkg:pypi/b@3.0 requirements.txt:2", "pkg:pypi/c@1.0 requirements.txt:3", "pkg:pypi/d@1.0 requirements.txt:4",
			"unknown: versions of e, f, g in requirements.txt: not pinned to one version with ==; pip-compile or pip freeze pins them",
		}},
		{"requirements.txt", "\xff\xfea\x00=\x00=\x001\x00\n\x00", []string{"pkg:pypi/a@1 requirements.txt:1"}},
		{"composer.lock", `{"packages":[{"name":"drupal/core-recommended","version":"9.0.0","type":"metapackage"}]}`, []string{
			"pkg:composer/drupal/core-recommended@9.0.0 composer.lock:1",
		}},
		{"package-lock.json", `{"lockfileVersion":3,"packages":{"node_modules/lodash":{"version":"4.17.4","resolved":"file:vendor/lodash-4.17.4.tgz"},` +
			`"node_modules/own":{"version":"1.0.0","resolved":"file:own"}}}`, []string{
			"pkg:npm/lodash@4.17.4 package-lock.json:1",
		}},
		{"npm-shrinkwrap.json", `{"lockfileVersion":1,"dependencies":{"@s/a":{"version":"file:s-a-1.2.3.tgz"},"own":{"version":"file:own"}}}`, []string{
			"pkg:npm/%40s/a@1.2.3 npm-shrinkwrap.json:1",
		}},
		{"yarn.lock", "\"a@^1.0.0\":\n  \"version\" \"1.0.0\"\n  \"resolved\" \"https://registry.yarnpkg.com/a/-/a-1.0.0.tgz#x\"\n", []string{
			"pkg:npm/a@1.0.0 yarn.lock:1",
		}},
	} {
		if d := cmp.Diff(c.want, dirLines(dirScan(t, lockFolder(t, map[string]string{c.name: c.body})))); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
}

// What is damaged is said, and nothing of it is taken.
func TestDamagedSamples(t *testing.T) {
	for name, body := range map[string]string{
		"pylock.toml": "[[packages]]\nversion = \"1\"\n", "pdm.lock": "x", "packages.config": "<packages><package id=\"a\" version=\"1\"/>",
		"Directory.Packages.props": "<Other/>", "deno.lock": "{\"npm\": {\"a\": {}}}", "bun.lock": "{\"packages\": {\"a\": [\"a\"]}}",
		"mix.lock": "%{\n  \"a\": {:hex, :a, \"1.0.0\"},\n", "pubspec.lock": "packages: [a]\n", "Package.resolved": "{}",
		"libs.versions.toml": "[libraries\n", "App.csproj": "<Project>",
	} {
		inv := dirScan(t, lockFolder(t, map[string]string{name: body}))
		if len(inv.Packages) != 0 || len(inv.Unknown) != 1 || inv.Unknown[0].What != "packages of "+name {
			t.Errorf("%s: %v", name, dirLines(inv))
		}
	}
}

// The laws of a manifest that pins are those of a lock file: see FuzzLock.
func FuzzPins(f *testing.F) {
	seeds := map[string][]byte{}
	for _, name := range []string{"App.csproj", "libs.versions.toml", "pom.xml"} {
		b, err := os.ReadFile(filepath.Join("testdata/locks", name))
		if err != nil {
			f.Fatal(err)
		}
		seeds[name] = b
	}
	root, err := os.OpenRoot(f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = root.Close() })
	kinds := []struct {
		name string
		pins func(*dirWalk, string, []byte) (lockResult, error)
	}{{"libs.versions.toml", gradleCatalogPins}, {"App.csproj", nugetPins}, {"pom.xml", mavenPins}}
	for i := range kinds {
		f.Add(byte(i), []byte(nil))
	}
	f.Fuzz(func(t *testing.T, which byte, script []byte) {
		k := kinds[int(which)%len(kinds)]
		b := damage.Do(seeds[k.name], script, `Version="1"`, "<PackageReference Include=\"a\" />", "$(a)", "[libraries]", `x = "a:b:1"`,
			"version.ref = 'x'", "${a}", "<profile>", "<parent>", "<scope>import</scope>", "<dependency>")
		r, err := k.pins(newDirWalk(root, finding.Subject{}), k.name, b)
		if err != nil && (r.Packages != nil || r.Unknown != nil) {
			t.Fatalf("a result and %v", err)
		}
		if (len(r.Unknown) > 0) != (r.Why != "") {
			t.Fatalf("unknown %q without a reason, or the reverse: %q", r.Unknown, r.Why)
		}
		lines := strings.Count(string(b), "\n") + 1
		for _, g := range r.Packages {
			if why := unsound(g); why != "" || len(g.Locations) != 1 || g.Locations[0].Line < 1 || g.Locations[0].Line > lines {
				t.Fatalf("%+v: %s", g, why)
			}
		}
	})
}
