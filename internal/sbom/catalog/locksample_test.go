package catalog

import (
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/damage"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/google/go-cmp/cmp"
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
			"pkg:nuget/Nerdbank.GitVersioning@3.5.109 Directory.Packages.props:10 dev", "pkg:nuget/Newtonsoft.Json@9.0.1 Directory.Packages.props:7",
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
			"pkg:nuget/Dapper@1.50.2 App.csproj:9", "pkg:nuget/Range@1.0 App.csproj:14", "pkg:nuget/Serilog@2.9.0 App.csproj:8", "pkg:nuget/xunit@2.4.1 App.csproj:10 dev",
			"unknown: versions of Newtonsoft.Json, transitive dependencies in App.csproj: a project file does not say them; dotnet restore --use-lock-file does",
		}},
		{"conan.lock", []string{
			"pkg:conan/cmake@3.21.3 conan.lock:8 dev",
			"pkg:conan/openssl@1.1.1k conan.lock:5",
			"pkg:conan/zlib@1.2.11 conan.lock:4",
		}},
		{"renv.lock", []string{
			"pkg:cran/commonmark@1.7 renv.lock:7",
			"pkg:cran/fork@0.2.0?vcs_url=git%2Bhttps:%2F%2Fgithub.com%2Facme%2Ffork%23abc renv.lock:15",
			"pkg:cran/mine@0.1 renv.lock:27",
			"pkg:cran/readxl@1.0.0 renv.lock:25",
			"unknown: versions of odd in renv.lock: line 26: not a package's name and version",
		}},
		{"rebar.lock", []string{
			"pkg:hex/cowboy@2.9.0 rebar.lock:2",
			"pkg:hex/ranch@1.8.0 rebar.lock:7",
			"unknown: versions of fork in rebar.lock: locked to a repository, which does not say the version",
		}},
		{"manifest.toml", []string{
			"pkg:hex/gleam_stdlib@0.34.0 manifest.toml:5",
		}},
		{"Manifest.toml", []string{
			"pkg:julia/Fork@0.3.0?uuid=11111111-1111-5111-8111-111111111111&vcs_url=git%2Bhttps:%2F%2Fgithub.com%2Facme%2FFork.jl.git%23main Manifest.toml:11",
			"pkg:julia/HTTP@1.10.8?uuid=cd3eb016-35fb-5094-929b-558a96fad6f3 Manifest.toml:19",
			"pkg:julia/OpenSSL_jll@1.1.23%2B0?uuid=458c3c95-2e84-50aa-8efc-19380b2a3a95 Manifest.toml:29",
			"pkg:julia/Printf@1.11.0?uuid=de0858da-6303-5e67-8744-51eddeeeb8d7 Manifest.toml:35",
			"pkg:julia/Shop@0.1.0?uuid=22222222-2222-5222-8222-222222222222 Manifest.toml:39",
		}},
		{".pnp.cjs", []string{
			"pkg:npm/local@1.2.3 .pnp.cjs:1", "pkg:npm/lodash@4.17.4 .pnp.cjs:1", "pkg:npm/react-dom@18.2.0 .pnp.cjs:1",
			"pkg:npm/typescript@5.1.6 .pnp.cjs:1", "pkg:npm/underscore@1.12.0 .pnp.cjs:1",
			"unknown: versions of fork in .pnp.cjs: locked to a repository or an address, which does not say the version",
		}},
		{"Cartfile.resolved", []string{
			"pkg:swift/example.com/acme/kit@v1.2.0 Cartfile.resolved:2",
			"pkg:swift/github.com/Alamofire/Alamofire@5.4.0 Cartfile.resolved:1",
			"unknown: versions of github.com/acme/branch, https://example.com/release.json in Cartfile.resolved: line 4: not a package's name and version",
		}},
		{"Gopkg.lock", []string{
			"pkg:golang/github.com/gin-gonic/gin@v1.3.0 Gopkg.lock:3",
			"unknown: versions of golang.org/x/net in Gopkg.lock: locked to a commit, which does not say the version",
		}},
		{"glide.lock", []string{
			"pkg:golang/github.com/gin-gonic/gin@v1.3.0 glide.lock:4",
			"pkg:golang/github.com/stretchr/testify@v1.2.0 glide.lock:11 dev",
			"unknown: versions of golang.org/x/net in glide.lock: locked to a commit, which does not say the version",
		}},
		{"conda-lock.yml", []string{
			"pkg:conda/numpy@1.19.5 conda-lock.yml:11",
			"pkg:pypi/flask@1.0 conda-lock.yml:22 dev",
		}},
		{"Podfile.lock", []string{
			"pkg:cocoapods/AFNetworking@4.0.1 Podfile.lock:2",
			"pkg:cocoapods/Fork@1.2.0?vcs_url=git%2Bhttps:%2F%2Fgithub.com%2Facme%2FFork.git%230123456789abcdef Podfile.lock:8",
			"pkg:cocoapods/GoogleUtilities@7.7.0 Podfile.lock:9",
		}},
		{"stack.yaml.lock", []string{
			"pkg:hackage/acme-missiles@0.3 stack.yaml.lock:5",
			"pkg:hackage/fork@1.2.1?vcs_url=git%2Bhttps:%2F%2Fgithub.com%2Facme%2Ffork.git%238a1bbf5ce1ac9cd3ba9c1fc30ee2a5b4c6d5ad2c stack.yaml.lock:12",
			"unknown: versions of what the snapshot lts-16.31 has in stack.yaml.lock: the lock file does not list it; stack ls dependencies does, or scan the built image",
		}},
		{"cabal.project.freeze", []string{
			"pkg:hackage/aeson@1.5.6.0 cabal.project.freeze:2",
			"pkg:hackage/base@4.14.3.0 cabal.project.freeze:4",
			"pkg:hackage/bytestring@0.10.12.0 cabal.project.freeze:5",
		}},
		{"environment.yml", []string{
			"pkg:conda/numpy@1.19.5 environment.yml:7",
			"pkg:conda/openssl@1.1.1k environment.yml:8",
			"pkg:conda/zlib@1.2 environment.yml:9",
			"pkg:pypi/flask@1.0 environment.yml:13",
			"unknown: versions of python, scipy, pip, requests, git+https://github.com/acme/x.git@main in environment.yml: not pinned to one version; conda env export says which, or scan the built image",
		}},
		{"build.sbt.lock", []string{
			"pkg:maven/com.typesafe.akka/akka-http_2.13@10.1.11 build.sbt.lock:9",
			"pkg:maven/org.scalatest/scalatest_2.13@3.2.5 build.sbt.lock:24 dev",
		}},
		{"App.deps.json", []string{
			"pkg:nuget/Newtonsoft.Json@12.0.1 App.deps.json:20",
			"unknown: versions of Broken in App.deps.json: line 22: not a package's name and version",
		}},
		{"gradle/verification-metadata.xml", []string{
			"pkg:maven/com.google.guava/guava@28.1-jre gradle/verification-metadata.xml:7",
		}},
		{"setup.cfg", []string{
			"pkg:pypi/black@20.8b1 setup.cfg:16",
			"pkg:pypi/flask@1.0 setup.cfg:9",
			"pkg:pypi/pytest@6.0.0 setup.cfg:14",
			"pkg:pypi/requests@2.19.0 setup.cfg:10",
			"unknown: versions of numpy, transitive dependencies in setup.cfg: no lock file; run: pip-compile",
		}},
		{"setup.py", []string{
			"pkg:pypi/flask@1.0 setup.py:6",
			"pkg:pypi/requests@2.19.0 setup.py:7",
			"unknown: versions of numpy, transitive dependencies in setup.py: no lock file; run: pip-compile",
		}},
		{"pyproject.toml", []string{
			"pkg:pypi/django@2.2.0 pyproject.toml:20",
			"pkg:pypi/flask@1.0 pyproject.toml:7",
			"pkg:pypi/jinja2@2.10 pyproject.toml:21",
			"pkg:pypi/pillow@6.2.0 pyproject.toml:13",
			"pkg:pypi/pytest@6.0.0 pyproject.toml:16 dev",
			"pkg:pypi/requests@2.19.0 pyproject.toml:8",
			"unknown: versions of numpy, pyyaml, transitive dependencies in pyproject.toml: no lock file; run: uv lock",
		}},
		{"go.sum", []string{
			"pkg:golang/github.com/gin-gonic/gin@v1.3.0 go.sum:1",
			"pkg:golang/golang.org/x/text@v0.3.2 go.sum:6",
		}},
		{"pom.xml", []string{
			"pkg:maven/com.fasterxml.jackson.core/jackson-databind@2.9.8 pom.xml:29",
			"pkg:maven/commons-io/commons-io@2.6 pom.xml:42",
			"pkg:maven/junit/junit@4.12 pom.xml:34 dev",
			"pkg:maven/org.postgresql/postgresql@42.2.5 pom.xml:53",
			"unknown: versions of org.springframework:spring-core, transitive dependencies in pom.xml: a pom.xml does not say them; scan the built image or jar",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := dirLines(dirScan(t, lockFolder(t, map[string]string{c.name: sample(t, strings.TrimPrefix(path.Base(c.name), "."))})))
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

// In every format, an entry that is none costs itself alone, and is said.
func TestOneOddEntryCostsItselfAlone(t *testing.T) {
	for name, c := range map[string]struct{ body, good, odd string }{
		"composer.lock":       {`{"packages":[{"name":"a/b","version":"1"},{"name":"c/d"}]}`, "pkg:composer/a/b@1", "c/d"},
		"packages.lock.json":  {`{"dependencies":{"net8.0":{"A":{"resolved":"1.0"},"B":{"resolved":"${V}"}}}}`, "pkg:nuget/A@1.0", "B"},
		"project.assets.json": {`{"libraries":{"A/1.0":{"type":"package"},"B":{"type":"package"}}}`, "pkg:nuget/A@1.0", "B"},
		"App.deps.json":       {`{"libraries":{"A/1.0":{"type":"package"},"B/x y":{"type":"package"}}}`, "pkg:nuget/A@1.0", "B"},
		"package-lock.json": {
			`{"lockfileVersion":3,"packages":{"node_modules/a":{"version":"1.0.0"},"node_modules/b":null}}`, "pkg:npm/a@1.0.0", "node_modules/b",
		},
		"npm-shrinkwrap.json": {`{"lockfileVersion":1,"dependencies":{"a":{"version":"1.0.0"},"b":"1.0.0"}}`, "pkg:npm/a@1.0.0", "b"},
		"Other.deps.json":     {`{"targets":{"net":[]},"libraries":{"A/1.0":{"type":"package"}}}`, "pkg:nuget/A@1.0", "net"},
		"requirements.txt":    {"a==1.0\nb==1..2\n", "pkg:pypi/a@1.0", "b"},
		"packages.config":     {`<packages><package id="A" version="1.0"/><package id="B" version="/foo/bar:"/></packages>`, "pkg:nuget/A@1.0", "B"},
		"Cargo.lock": {
			"[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"r\"\n[[package]]\nname = \"b\"\nsource = \"r\"\n",
			"pkg:cargo/a@1.0.0", "b",
		},
		"poetry.lock":      {"[[package]]\nname = \"a\"\nversion = \"1\"\n[[package]]\nversion = \"1\"\n", "pkg:pypi/a@1", "an entry without a name"},
		"pdm.lock":         {"[[package]]\nname = \"a\"\nversion = \"1\"\n[[package]]\nname = \"b\"\nversion = \"'1.2'\"\n", "pkg:pypi/a@1", "b"},
		"Pipfile.lock":     {`{"default":{"a":{"version":"==1"},"b":"x"}}`, "pkg:pypi/a@1", "b"},
		"Gemfile.lock":     {"GEM\n  specs:\n    a (1)\n    b\n      c (~> 1)\n", "pkg:gem/a@1", "b"},
		"mix.lock":         {"%{\n  \"a\": {:hex, :a, \"1.0.0\"},\n  \"b\": {:hex, :b},\n}\n", "pkg:hex/a@1.0.0", "b"},
		"pubspec.lock":     {"packages:\n  a:\n    version: \"1.0.0\"\n  b:\n    source: hosted\n", "pkg:pub/a@1.0.0", "b"},
		"Podfile.lock":     {"PODS:\n  - A (1.0)\n  - B\n", "pkg:cocoapods/A@1.0", "B"},
		"paket.lock":       {"NUGET\n  remote: x\n    A (1.0)\n    B\n", "pkg:nuget/A@1.0", "B"},
		"deno.lock":        {`{"version":"4","npm":{"a@1.0.0":{},"b":{}}}`, "pkg:npm/a@1.0.0", "b"},
		"bun.lock":         {`{"packages":{"a":["a@1.0.0"],"b":["b"]}}`, "pkg:npm/a@1.0.0", "b"},
		"Package.resolved": {`{"pins":[{"location":"https://g.x/a/b","state":{"version":"1.0"}},{"location":"b"}]}`, "pkg:swift/g.x/a/b@1.0", "b"},
		"build.sbt.lock":   {`{"dependencies":[{"org":"a","name":"b","version":"1"},{"org":"c","name":"d","version":"${V}"}]}`, "pkg:maven/a/b@1", `"c:d"`},
		"gradle.lockfile":  {"a:b:1=x\nc:d:LATEST=x\n", "pkg:maven/a/b@1", `"c:d:LATEST"`},
		"go.sum":           {"a.b/c v1.0.0 h1:x=\nd.e/f foo h1:x=\n", "pkg:golang/a.b/c@v1.0.0", "d.e/f"},
		"stack.yaml.lock":  {"packages:\n- completed: {hackage: a-1.0@x}\n- completed: {hackage: b}\n", "pkg:hackage/a@1.0", "an entry without a name"},
	} {
		got := dirLines(dirScan(t, lockFolder(t, map[string]string{name: c.body})))
		if len(got) != 2 || !strings.HasPrefix(got[0], c.good+" ") || !strings.HasPrefix(got[1], "unknown: versions of "+c.odd+" in "+name) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// What is damaged is said, and nothing of it is taken.
func TestDamagedSamples(t *testing.T) {
	for name, body := range map[string]string{
		"pylock.toml": "[[packages]]\nversion = \"1\"\nname =\n", "pdm.lock": "x", "packages.config": "<packages><package id=\"a\" version=\"1\"/>",
		"Directory.Packages.props": "<Other/>", "deno.lock": "{\"npm\": [\"a@1\"], \"x\"", "bun.lock": "{\"packages\": {\"a\": [\"a@1\"}}",
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
	kinds := []struct {
		name string
		pins func(*dirWalk, string, []byte) (lockResult, error)
	}{
		{"libs.versions.toml", gradleCatalogPins},
		{"App.csproj", nugetPins},
		{"pom.xml", mavenPins},
		{"verification-metadata.xml", gradleVerification},
		{"go.sum", goSumPins},
		{"setup.cfg", setupCfgPins},
		{"setup.py", setupPyPins},
		{"pyproject.toml", pyprojectPins},
		{"pnp.cjs", pnpPins},
	}
	for _, k := range kinds {
		name := k.name
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
	for i := range kinds {
		f.Add(byte(i), []byte(nil))
	}
	f.Fuzz(func(t *testing.T, which byte, script []byte) {
		k := kinds[int(which)%len(kinds)]
		b := damage.Do(seeds[k.name], script, `Version="1"`, "<PackageReference Include=\"a\" />", "$(a)", "[libraries]", `x = "a:b:1"`,
			"version.ref = 'x'", "${a}", "<profile>", "<parent>", "<scope>import</scope>", "<dependency>", "install_requires", "[tool.poetry.dependencies]\n", " h1:x", "'''")
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

// An archive that lies in the project is a copy of what a registry published, in
// every format; a folder is the project's own.
func TestLocalArchives(t *testing.T) {
	for _, c := range []struct{ name, body string }{
		{"package-lock.json", `{"lockfileVersion":3,"packages":{"node_modules/lodash":{"version":"4.17.4","resolved":"file:lodash-4.17.4.tgz"},"node_modules/own":{"version":"1.0.0","resolved":"file:own"}}}`},
		{"package-lock.json", `{"lockfileVersion":1,"dependencies":{"lodash":{"version":"file:vendor/lodash-4.17.4.tgz"},"own":{"version":"file:own"}}}`},
		{"yarn.lock", "# yarn lockfile v1\n\n\"lodash@file:./lodash-4.17.4.tgz\":\n  version \"4.17.4\"\n  resolved \"file:./lodash-4.17.4.tgz#abc\"\n\n\"own@file:./own\":\n  version \"1.0.0\"\n"},
		{"yarn.lock", "__metadata:\n  version: 8\n\n\"lodash@file:./lodash-4.17.4.tgz::locator=app%40workspace%3A.\":\n  version: 4.17.4\n" +
			"  resolution: \"lodash@file:./lodash-4.17.4.tgz#./lodash-4.17.4.tgz::hash=ab&locator=app%40workspace%3A.\"\n\n" +
			"\"own@file:./own::locator=app%40workspace%3A.\":\n  version: 1.0.0\n  resolution: \"own@file:./own#./own::hash=ab&locator=app%40workspace%3A.\"\n"},
		{"pnpm-lock.yaml", "lockfileVersion: '6.0'\n\ndependencies:\n  lodash:\n    specifier: file:lodash-4.17.4.tgz\n    version: file:lodash-4.17.4.tgz\n\npackages:\n\n  file:lodash-4.17.4.tgz:\n" +
			"    resolution: {integrity: sha512-x, tarball: file:lodash-4.17.4.tgz}\n    name: lodash\n    version: 4.17.4\n    dev: false\n\n  file:own:\n    resolution: {directory: own, type: directory}\n    name: own\n    version: 1.0.0\n"},
		{"pnpm-lock.yaml", "lockfileVersion: '9.0'\n\nimporters:\n\n  .:\n    dependencies:\n      lodash:\n        specifier: file:lodash-4.17.4.tgz\n        version: file:lodash-4.17.4.tgz\n\npackages:\n\n" +
			"  lodash@file:lodash-4.17.4.tgz:\n    resolution: {integrity: sha512-x, tarball: file:lodash-4.17.4.tgz}\n    version: 4.17.4\n\n  own@file:own:\n    resolution: {directory: own, type: directory}\n\n" +
			"snapshots:\n\n  lodash@file:lodash-4.17.4.tgz: {}\n"},
		{"bun.lock", `{"lockfileVersion":1,"workspaces":{"":{"name":"app","dependencies":{"lodash":"./lodash-4.17.4.tgz"}}},"packages":{"lodash":["lodash@./lodash-4.17.4.tgz",{},"sha512-x"],"own":["own@file:own",{}]}}`},
		{"poetry.lock", "[[package]]\nname = \"lodash\"\nversion = \"4.17.4\"\n[package.source]\ntype = \"file\"\nurl = \"lodash-4.17.4-py3-none-any.whl\"\n[[package]]\nname = \"own\"\nversion = \"1\"\n[package.source]\ntype = \"directory\"\nurl = \"own\"\n"},
		{"uv.lock", "version = 1\n[[package]]\nname = \"lodash\"\nversion = \"4.17.4\"\nsource = { path = \"lodash-4.17.4-py3-none-any.whl\" }\n[[package]]\nname = \"own\"\nversion = \"1\"\nsource = { directory = \"own\" }\n"},
		{"pylock.toml", "[[packages]]\nname = \"lodash\"\nversion = \"4.17.4\"\narchive = { path = \"lodash-4.17.4.tar.gz\" }\n[[packages]]\nname = \"own\"\ndirectory = { path = \"own\" }\n"},
	} {
		inv := dirScan(t, lockFolder(t, map[string]string{c.name: c.body}))
		if len(inv.Packages) != 1 || inv.Packages[0].Name != "lodash" || inv.Packages[0].Version != "4.17.4" ||
			inv.Packages[0].Origin != "" || inv.Packages[0].Dev || len(inv.Unknown) > 0 {
			t.Errorf("%s: %q, %+v", c.name, dirLines(inv), inv.Packages)
		}
	}
}
