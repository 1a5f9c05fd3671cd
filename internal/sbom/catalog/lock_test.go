package catalog

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/damage"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/google/go-cmp/cmp"
)

// lockFolder lays files out in a new folder.
func lockFolder(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, body := range files {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(body), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestLockFiles(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{
			"npm: aliases, links, workspaces, bundles, git",
			map[string]string{"package-lock.json": `{
"lockfileVersion": 3, "packages": {
"": {"name": "app", "version": "1.0.0"},
"packages/own": {"version": "1.0.0"},
"node_modules/own": {"resolved": "packages/own", "link": true},
"node_modules/alias": {"name": "minimist", "version": "1.2.0"},
"node_modules/a/node_modules/@s/b": {"version": "2.0.0", "inBundle": true, "license": "MIT"},
"packages/own/node_modules/c": {"version": "3.0.0", "dev": true},
"node_modules/peer": {"optional": true, "peer": true},
"node_modules/tar": {"version": "1.0.0", "resolved": "file:vendor/tar"},
"node_modules/git": {"resolved": "git+ssh://git@github.com/x/git.git#abc"}
}}`},
			[]string{
				"pkg:npm/%40s/b@2.0.0 package-lock.json:7", "pkg:npm/c@3.0.0 package-lock.json:8 dev", "pkg:npm/minimist@1.2.0 package-lock.json:6",
				"unknown: versions of git in package-lock.json: locked to a repository or an address, which does not say the version",
			},
		},
		{
			"npm 1: nested, git, bundled",
			map[string]string{"npm-shrinkwrap.json": "{\"lockfileVersion\": 1,\n\"dependencies\": {\"a\": {\"version\": \"1.0.0\",\n\"dependencies\": {\"b\": {\"version\": \"2.0.0\", \"bundled\": true}}},\n" +
				"\"g\": {\"version\": \"github:x/g#abc\"}, \"f\": {\"version\": \"file:../f\"}}}"},
			[]string{
				"pkg:npm/a@1.0.0 npm-shrinkwrap.json:2", "pkg:npm/b@2.0.0 npm-shrinkwrap.json:3",
				"unknown: versions of g in npm-shrinkwrap.json: locked to a repository or an address, which does not say the version",
			},
		},
		{
			"yarn 1: aliases and local folders",
			map[string]string{"yarn.lock": "# yarn lockfile v1\n\n\"@s/a@^1.0.0\", \"@s/a@^1.1.0\":\n  version \"1.1.0\"\n\n\"old@npm:minimist@^1.2.0\":\n  version \"1.2.0\"\n\n" +
				"\"own@file:../own\":\n  version \"0.0.0\"\n"},
			[]string{"pkg:npm/%40s/a@1.1.0 yarn.lock:3", "pkg:npm/minimist@1.2.0 yarn.lock:6"},
		},
		{
			"yarn 4: patches and workspaces",
			map[string]string{"yarn.lock": "__metadata:\n  version: 8\n\n\"app@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"app@workspace:.\"\n\n" +
				"\"ts@patch:ts@npm%3A5.0.2#optional\":\n  version: 5.0.2\n  resolution: \"ts@patch:ts@npm%3A5.0.2#optional::hash=x\"\n"},
			[]string{"pkg:npm/ts@5.0.2 yarn.lock:8"},
		},
		{
			"pnpm 5: hosts, peers, git",
			map[string]string{"pnpm-lock.yaml": "lockfileVersion: 5.3\n\npackages:\n\n  /@s/a_b/1.0.0_x@1.0.0+y@2.0.0:\n    dev: true\n  registry.example.org/c/2.0.0:\n    dev: false\n" +
				"  github.com/o/d/abc:\n    name: d\n    version: 3.0.0\n  file:own:\n    name: own\n    version: 0.0.0\n"},
			[]string{"pkg:npm/%40s/a_b@1.0.0 pnpm-lock.yaml:5 dev", "pkg:npm/c@2.0.0 pnpm-lock.yaml:7", "pkg:npm/d@3.0.0?download_url=https:%2F%2Fgithub.com%2Fo%2Fd%2Fabc pnpm-lock.yaml:9"},
		},
		{
			"requirements",
			map[string]string{
				"requirements.txt": "# all\n-r requirements/base.txt\n--index-url https://x\nFlask[async]==2.0.1 ; python_version > '3' \\\n    --hash=sha256:aa # why\nrequests>=2\nDjango === 3.2\n" +
					"git+https://github.com/x/y@main\npkg @ https://x/y.whl\n-e .\n",
				"requirements/base.txt": "Jinja2==3.0.0\n-r ../requirements.txt\n",
			},
			[]string{
				"pkg:pypi/django@3.2 requirements.txt:7", "pkg:pypi/flask@2.0.1 requirements.txt:4", "pkg:pypi/jinja2@3.0.0 requirements/base.txt:1",
				"unknown: versions of requests, git+https://github.com/x/y@main, pkg in requirements.txt: not pinned to one version with ==; pip-compile or pip freeze pins them",
			},
		},
		{
			"Pipfile.lock",
			map[string]string{"Pipfile.lock": "{\"_meta\": {\"hash\": {}},\n\"default\": {\"Flask\": {\"version\": \"==2.0.1\"},\n\"g\": {\"git\": \"https://x\"}},\n\"develop\": {\"pytest\": {\"version\": \"==7.0.0\"}}}"},
			[]string{
				"pkg:pypi/flask@2.0.1 Pipfile.lock:2", "pkg:pypi/pytest@7.0.0 Pipfile.lock:4 dev",
				"unknown: versions of g in Pipfile.lock: locked to a repository or a file, which does not say the version",
			},
		},
		{
			"poetry.lock",
			map[string]string{"poetry.lock": "[[package]]\nname = \"Flask\"\nversion = \"2.0.1\"\ndescription = \"\"\"\nname = \"no\"\n\"\"\"\ncategory = \"main\"\nfiles = [\n    {file = \"a]\"},\n]\n\n" +
				"[package.dependencies]\nname = \"no\"\n\n[[package]]\nname = \"pytest\"\nversion = \"7.0.0\"\ncategory = \"dev\"\n\n[[package]]\nname = \"mypy\"\nversion = \"1.0.0\"\ngroups = [\"dev\"]\n\n[metadata]\n"},
			[]string{"pkg:pypi/flask@2.0.1 poetry.lock:1", "pkg:pypi/mypy@1.0.0 poetry.lock:20 dev", "pkg:pypi/pytest@7.0.0 poetry.lock:15 dev"},
		},
		{
			"uv.lock",
			map[string]string{"uv.lock": "version = 1\n\n[[package]]\nname = \"own\"\nversion = \"0.1.0\"\nsource = { virtual = \".\" }\ndependencies = [\n    { name = \"pygments\" },\n]\n\n" +
				"[[package]]\nname = \"pygments\"\nversion = \"2.19.1\"\nsource = { registry = \"https://pypi.org/simple\" }\n"},
			[]string{"pkg:pypi/pygments@2.19.1 uv.lock:11"},
		},
		{
			"Cargo.lock",
			map[string]string{"Cargo.lock": "version = 4\n\n[[package]]\nname = \"own\"\nversion = \"0.1.0\"\ndependencies = [\n \"time\",\n]\n\n[[package]]\nname = \"time\"\nversion = \"0.1.42\"\n" +
				"source = \"registry+https://github.com/rust-lang/crates.io-index\"\n"},
			[]string{"pkg:cargo/time@0.1.42 Cargo.lock:10"},
		},
		{
			"Gemfile.lock",
			map[string]string{"Gemfile.lock": "PATH\n  remote: .\n  specs:\n    own (0.1)\n\nGEM\n  remote: https://rubygems.org/\n  specs:\n    nokogiri (1.10.0-x86_64-linux)\n      mini_portile2 (~> 2.4.0)\n    rack (2.0.1)\n\nDEPENDENCIES\n  rack\n"},
			[]string{"pkg:gem/nokogiri@1.10.0 Gemfile.lock:9", "pkg:gem/rack@2.0.1 Gemfile.lock:11"},
		},
		{
			"composer.lock",
			map[string]string{"composer.lock": "{\"packages\": [\n{\"name\": \"twig/twig\", \"version\": \"v1.42.0\"}],\n\"packages-dev\": [\n{\"name\": \"phpunit/phpunit\", \"version\": \"9.5.0\"}]}"},
			[]string{"pkg:composer/phpunit/phpunit@9.5.0 composer.lock:4 dev", "pkg:composer/twig/twig@v1.42.0 composer.lock:2"},
		},
		{
			"packages.lock.json",
			map[string]string{"packages.lock.json": "{\"version\": 1, \"dependencies\": {\"net6.0\": {\n\"Newtonsoft.Json\": {\"type\": \"Direct\", \"resolved\": \"12.0.1\"},\n\"own\": {\"type\": \"Project\"}}, \"net8.0\": {\n\"Newtonsoft.Json\": {\"type\": \"Direct\", \"resolved\": \"12.0.1\"}}}}"},
			[]string{"pkg:nuget/Newtonsoft.Json@12.0.1 packages.lock.json:2 packages.lock.json:4"},
		},
		{
			"go.mod",
			map[string]string{"go.mod": "module example.com/own\n\ngo 1.21\n\ntoolchain go1.21.5\n\nrequire (\n\tgithub.com/a/b v1.0.0\n\tgolang.org/x/net v0.1.0 // indirect\n\texample.com/local v1.0.0\n)\n\n" +
				"replace example.com/local => ./local\nreplace github.com/a/b => github.com/fork/b/v2 v2.0.1\n"},
			[]string{"pkg:golang/github.com/fork/b/v2@v2.0.1 go.mod:14", "pkg:golang/golang.org/x/net@v0.1.0 go.mod:9", "pkg:golang/stdlib@1.21.5 go.mod:5"},
		},
		{
			"an old go.mod",
			map[string]string{"go.mod": "module m\n\ngo 1.16\n\nrequire github.com/a/b v1.0.0\n"},
			[]string{
				"pkg:golang/github.com/a/b@v1.0.0 go.mod:5",
				"unknown: versions of indirect modules in go.mod: a go.mod from before Go 1.17 does not list them; run: go mod tidy -go=1.17",
			},
		},
		{
			"pom.xml",
			map[string]string{"pom.xml": `<?xml version="1.0" encoding="ISO-8859-1"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
<parent><groupId>com.own</groupId><artifactId>parent</artifactId><version>1.0</version></parent>
<properties><log4j.version>2.14.1</log4j.version><v>${log4j.version}</v><loop>${loop}</loop></properties>
<dependencyManagement><dependencies>
<dependency><groupId>junit</groupId><artifactId>junit</artifactId><version>4.12</version><scope>test</scope></dependency>
</dependencies></dependencyManagement>
<dependencies>
<dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-core</artifactId><version>${v}</version>
<exclusions><exclusion><groupId>x</groupId><artifactId>y</artifactId></exclusion></exclusions></dependency>
<dependency><groupId>junit</groupId><artifactId>junit</artifactId></dependency>
<dependency><groupId>${project.groupId}</groupId><artifactId>sibling</artifactId><version>${project.version}</version></dependency>
<dependency><groupId>g</groupId><artifactId>managed</artifactId></dependency>
<dependency><groupId>g</groupId><artifactId>looped</artifactId><version>${loop}</version></dependency>
<dependency><groupId>g</groupId><artifactId>range</artifactId><version>[1,2)</version></dependency>
</dependencies>
<build><plugins><plugin><dependencies><dependency><groupId>p</groupId><artifactId>q</artifactId><version>1</version></dependency></dependencies></plugin></plugins></build>
</project>`},
			[]string{
				"pkg:maven/junit/junit@4.12 pom.xml:11 dev", "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1 pom.xml:9",
				"unknown: versions of g:managed, g:looped, g:range, transitive dependencies in pom.xml: a pom.xml does not say them; scan the built image or jar",
			},
		},
		{
			"gradle.lockfile",
			map[string]string{"gradle.lockfile": "# generated\norg.x:a:1.0=compileClasspath,testCompileClasspath\norg.x:b:2.0=testRuntimeClasspath\nempty=annotationProcessor\n"},
			[]string{"pkg:maven/org.x/a@1.0 gradle.lockfile:2", "pkg:maven/org.x/b@2.0 gradle.lockfile:3 dev"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(c.want, dirLines(dirScan(t, lockFolder(t, c.files)))); d != "" {
				t.Error(d)
			}
		})
	}
}

// A damaged lock file yields no package at all, and is said.
func TestDamagedLockFilesAreUnknown(t *testing.T) {
	conflict := "<<<<<<< HEAD\n=======\n>>>>>>> x\n"
	for name, body := range map[string]string{
		"package-lock.json": `{"lockfileVersion":3,"packages":{"node_modules/a":{"version":"1.0.0"},`,
		"yarn.lock":         "# yarn lockfile v1\na@1:\n  version \"1\"\n" + conflict,
		"pnpm-lock.yaml":    "packages:\n\n  /a@1.0.0:\n",
		"poetry.lock":       "[[package]]\nname = \"a\"\nversion = \"1\"\nx = [\n",
		"Cargo.lock":        "[[package]]\nname = \"a\"\nversion = \"1\"\n" + conflict,
		"Gemfile.lock":      "GEM\n  specs:\n    a (1)\n      b (1)\n",
		"composer.lock":     `{"packages":[{"name":"a/b","version":"1"},{`,
		"go.mod":            "module m\nrequire a\n",
		"pom.xml":           "<project><dependencies>",
		"requirements.txt":  "a==1\n\x00",
		"Pipfile.lock":      "",
		"uv.lock":           "[[package]]\nname = \"a\"\nversion = \"1\"\nx = {\n",
	} {
		inv := dirScan(t, lockFolder(t, map[string]string{name: body}))
		if len(inv.Packages) != 0 || len(inv.Unknown) != 1 || inv.Unknown[0].What != "packages of "+name {
			t.Errorf("%s: %v", name, dirLines(inv))
		}
	}
}

// lockSeed is a sound lock file and the index of its parser.
type lockSeed struct {
	parser int
	text   []byte
}

func lockSeeds(f *testing.F) (seeds []lockSeed) {
	f.Helper()
	for _, pattern := range []string{"testdata/shapes/*/*", "testdata/locks/*"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) < 8 {
			f.Fatal("the seeds are gone: ", pattern)
		}
		for _, p := range files {
			b, err := os.ReadFile(p)
			if err != nil {
				f.Fatal(err)
			}
			seeds = append(seeds, lockSeed{lockIndex(filepath.Base(p)), b[:min(len(b), 2500)]})
		}
	}
	for name, body := range map[string]string{
		"requirements.txt": "a==1 \\\n --hash=x\n-r b\n", "poetry.lock": "[[package]]\nname = \"a\"\nversion = '1'\nx = \"\"\"\n\"\"\"\n",
		"Gemfile.lock": "GEM\n  specs:\n    a (1-x)\n", "go.mod": "module m\ngo 1.21.1\nrequire a.b/c v1.0.0\nreplace a.b/c => d.e/f v1.0.0\n",
		"gradle.lockfile": "a:b:1=x\n", "composer.lock": `{"packages":[{"name":"a/b","version":"1"}]}`, "Pipfile.lock": `{"default":{"a":{"version":"==1"}}}`,
		"packages.lock.json": `{"dependencies":{"net6.0":{"A":{"resolved":"1","type":"Direct"}}}}`, "Cargo.lock": "[[package]]\nname = \"a\"\nversion = \"1\"\nsource = \"r\"\n",
	} {
		seeds = append(seeds, lockSeed{lockIndex(name), []byte(body)})
	}
	slices.SortFunc(seeds, func(a, b lockSeed) int {
		if a.parser != b.parser {
			return a.parser - b.parser
		}
		return bytes.Compare(a.text, b.text)
	})
	return seeds
}

func lockIndex(file string) int {
	for i, p := range lockParsers() {
		if p.Wants(file) {
			return i
		}
	}
	return 0
}

// The laws of every lock file: no panic; an error comes alone; a package has a
// sound name and version and a place within the file; what is unknown has a
// reason. What is fuzzed is the damage that is done to sound ones, which their own
// parser reads, or another.
func FuzzLock(f *testing.F) {
	seeds := lockSeeds(f)
	parsers := lockParsers()
	for i := range seeds {
		f.Add(uint16(i), byte(0), []byte(nil))
	}
	words := []string{
		"", "\t", `"`, "{", "[[package]]", `version = "1"`, `name = "a"`, "a@1:", "  a (1)", "- a", "\\", "'''", "\u2028", "\x00",
		"[[ package ]]", "package = [{", "packages:", "    resolution: {}", "{a: {version: 1}}", "GEM", "DEPENDENCIES",
	}
	f.Fuzz(func(t *testing.T, which uint16, other byte, script []byte) {
		seed := seeds[int(which)%len(seeds)]
		b := damage.Do(seed.text, script, words...)
		p := parsers[(seed.parser+int(other))%len(parsers)]
		r, err := p.Read("lock", b)
		if err != nil && (r.Packages != nil || r.Unknown != nil || r.Include != nil) {
			t.Fatalf("%s: a result and %v", p.Name, err)
		}
		if (len(r.Unknown) > 0) != (r.Why != "") {
			t.Fatalf("%s: unknown %q without a reason, or the reverse: %q", p.Name, r.Unknown, r.Why)
		}
		lines := strings.Count(string(b), "\n") + 1
		for _, g := range r.Packages {
			if why := unsound(g); why != "" || len(g.Locations) != 1 || g.Cataloger != p.Name {
				t.Fatalf("%s: %+v: %s", p.Name, g, why)
			}
			if l := g.Locations[0]; l.Path != "lock" || l.Line < 1 || l.Line > lines {
				t.Fatalf("%s: place %+v of %d lines", p.Name, l, lines)
			}
			if _, err := sbom.FromPURL(g.PURL()); err != nil {
				t.Fatalf("%s: %v", p.Name, err)
			}
		}
		if r.graph == nil {
			return
		}
		// The graph leads to all that has a place in it, and is as large as the file.
		inv := &sbom.Inventory{}
		r.graph.attach(inv, "lock", slices.Clone(r.Packages))
		if len(inv.Packages) != len(r.Packages) {
			t.Fatalf("%s: %d packages of %d", p.Name, len(inv.Packages), len(r.Packages))
		}
		inv.Merge()
		edges := 0
		for _, needs := range inv.Graph {
			edges += len(needs)
			for _, n := range needs {
				if n <= 0 || int(n) > len(inv.Packages)+len(inv.Components) {
					t.Fatalf("%s: node %d of %d and %d", p.Name, n, len(inv.Packages), len(inv.Components))
				}
			}
		}
		if most := lockNamesakes * (len(b) + 1); edges > most {
			t.Fatalf("%s: %d edges of %d bytes", p.Name, edges, len(b))
		}
		roots, _ := inv.Forest()
		if len(inv.Graph) > 0 && len(roots) == 0 {
			t.Fatalf("%s: a graph without a root: %v", p.Name, inv.Graph)
		}
	})
}
