package catalog

import (
	"runtime/debug"
	"slices"
	"strings"
	"testing"
)

// TestNotInstalled: what lies in a package for its tests, and what pip left
// behind, is not installed.
// An archive of Java that a server has unpacked is what its record says.
func TestUnpackedArchive(t *testing.T) {
	inv := inventoryOf(t, scanOf(t, tarOf(t,
		file{name: "tomcat/webapps/app/META-INF/maven/org.acme/shop/pom.properties", body: "groupId=org.acme\nartifactId=shop\nversion=1.2\n"},
		file{name: "tomcat/webapps/app/META-INF/maven/org.acme/none/pom.properties", body: "version=1.2\n"},
		file{name: "src/target/maven-archiver/pom.properties", body: "groupId=org.acme\nartifactId=built\nversion=1.2\n"},
	)))
	if got := purls(inv.Packages); len(got) != 1 || got[0] != "pkg:maven/org.acme/shop@1.2 /tomcat/webapps/app/META-INF/maven/org.acme/shop/pom.properties" {
		t.Error(got)
	}
}

func TestNotInstalled(t *testing.T) {
	const lodash = `{"name":"lodash","version":"4.17.15"}`
	inv := inventoryOf(t, scanOf(t, tarOf(t,
		file{name: "app/node_modules/resolve/test/fixtures/package.json", body: lodash},
		file{name: "app/node_modules/@s/a/examples/x/package.json", body: lodash},
		file{name: "app/node_modules/bench/package.json", body: `{"name":"bench","version":"1.0.0"}`},
		file{name: "app/node_modules/bench/vendor/b/package.json", body: `{"name":"b","version":"1.0.0"}`},
		file{name: "usr/lib/python3/site-packages/~equests-2.30.0.dist-info/METADATA", body: "Name: requests\nVersion: 2.30.0\n"},
		file{name: "usr/lib/python3/site-packages/requests-2.31.0.dist-info/METADATA", body: "Name: requests\nVersion: 2.31.0\n"},
	)))
	var got []string
	for _, p := range inv.Packages {
		got = append(got, p.Name+" "+p.Version)
	}
	slices.Sort(got)
	if want := []string{"b 1.0.0", "bench 1.0.0", "requests 2.31.0"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestUVGroups: the groups of a project that is no package itself.
func TestUVGroups(t *testing.T) {
	r, err := pyTables("uv-lock", "uv.lock", []byte(`version = 1
[manifest]
[manifest.dependency-groups]
dev = [{ name = "pytest", specifier = ">=8" }]
[[package]]
name = "pytest"
version = "8.0.0"
source = { registry = "https://pypi.org/simple" }
dependencies = [{ name = "pluggy" }]
[[package]]
name = "pluggy"
version = "1.0.0"
source = { registry = "https://pypi.org/simple" }
`))
	if err != nil || len(r.Packages) != 2 {
		t.Fatal(r.Packages, err)
	}
	for _, p := range r.Packages {
		if !p.Dev {
			t.Errorf("%s is not for development", p.Name)
		}
	}
}

// TestMainVersion: what the build says counts before what Go makes of a commit.
func TestMainVersion(t *testing.T) {
	for _, test := range []struct{ stamp, flags, want string }{
		{"v1.7.21-0.20240801120000-0123456789ab+dirty", "-s -X github.com/containerd/containerd/version.Version=v1.7.22", "v1.7.22"},
		{"v0.0.0-20240801120000-0123456789ab", "-X main.version=1.2.3", "v1.2.3"},
		{"v1.7.20", "-X main.version=1.2.3", "v1.7.20"},
		{"v0.0.0-20240801120000-0123456789ab", "", "v0.0.0-20240801120000-0123456789ab"},
		{"(devel)", "-X main.version=v2.0.0", "v2.0.0"},
		{"(devel)", "-X example.org/dep/version.Version=9.9.9 -X 'example.org/app/v2/cmd.AppVersion=v2.0.1'", "v2.0.1"},
		{"(devel)", `-X "main.GitTag=v2.0.2"`, "v2.0.2"},
		{"(devel)", "-X=main.BuildVersion=2.0.3", "v2.0.3"},
		{"(devel)", "-X main.goVersion=1.22.1 -X main.commit=1.2.3", "(devel)"},
		{"(devel)", "-X main.minAPIVersion=1.24.0 -X main.schemaVersion=1.2", "(devel)"},
		{"(devel)", "-X example.org/app/v2/pkg/version/app.ver=2.0.4", "v2.0.4"},
		{"(devel)", "-X main.tag=v2.0.5", "v2.0.5"},
		{"(devel)", "-X main.appVersion=2.0.6 -X main.toolVersion=9.0.0", "v2.0.6"},
		{"(devel)", "-X example.org/app/v2/cmd.CurrentVersion=app-v2.0.7", "v2.0.7"},
		{"(devel)", "-X main.version=release-2.0.8", "v2.0.8"},
		{"(devel)", "-X main.version=v2.1", "v2.1"},
		{"(devel)", "-X main.version=2.0.9 -X main.version=2.0.10", "v2.0.10"},
		{"(devel)", "-X main.version=2.0.11-3-g0123456-dirty", "v2.0.11-3-g0123456-dirty"},
		{"(devel)", "-X main.version=dev", "(devel)"},
		{"", "", "(devel)"},
	} {
		info := &debug.BuildInfo{Main: debug.Module{Path: "example.org/app/v2", Version: test.stamp}}
		if test.flags != "" {
			info.Settings = []debug.BuildSetting{{Key: "-ldflags", Value: test.flags}}
		}
		if got := mainVersion(info); got != test.want {
			t.Errorf("%q with %q: %q, want %q", test.stamp, test.flags, got, test.want)
		}
	}
}

// TestAlpineEdge: where packages come from says more than what was installed first.
func TestAlpineEdge(t *testing.T) {
	const edge = "https://dl-cdn.alpinelinux.org/alpine/edge/"
	for repositories, want := range map[string]string{
		edge + "main\n" + edge + "community\n":                                       "",
		"https://dl-cdn.alpinelinux.org/alpine/v3.20/main\n":                         "3.20.3",
		"https://dl-cdn.alpinelinux.org/alpine/v3.20/main\n@edge " + edge + "main\n": "3.20.3",
		"https://dl-cdn.alpinelinux.org/alpine/v3.20/main\n# " + edge + "main\n":     "3.20.3",
		"https://dl-cdn.alpinelinux.org/alpine/v3.20/main\n" + edge + "testing\n":    "3.20.3",
		"https://dl-cdn.alpinelinux.org/alpine/v3.20/main\n  " + edge + "main/  \n":  "",
	} {
		inv := inventoryOf(t, scanOf(t, tarOf(t,
			file{name: "etc/os-release", body: "ID=alpine\nVERSION_ID=3.20.3\nPRETTY_NAME=\"Alpine Linux v3.20\"\n"},
			file{name: "etc/apk/repositories", body: repositories},
		)))
		d := inv.Distro
		if d.VersionID != want || (want == "") != strings.Contains(d.Codename, "edge") {
			t.Errorf("%q: %+v", repositories, d)
		}
	}
}
