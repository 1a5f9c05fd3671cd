package catalog

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func debian(paragraphs ...string) string {
	var b strings.Builder
	for _, p := range paragraphs {
		name, more, _ := strings.Cut(p, "\n")
		b.WriteString("Package: " + name + "\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n")
		if more != "" {
			b.WriteString(more + "\n")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// TestImagesTellTheGraph: what the package databases and the files of installed
// packages come to.
func TestImagesTellTheGraph(t *testing.T) {
	release := file{name: "etc/os-release", body: "ID=debian\nVERSION_ID=12\n"}
	status := debian("apt\nDepends: libapt (>= 1), gone | gpgv | gpg, libc6:any", "libapt\nPre-Depends: libc6 (>= 2.3)", "gpgv", "gpg", "libc6",
		"curl\nDepends: libssl\nRecommends: ca-certificates, absent", "libssl3\nProvides: libssl (= 3), other", "ca-certificates\nDepends: openssl | libssl", "loop-a\nDepends: loop-b", "loop-b\nDepends: loop-a")
	for name, c := range map[string]struct {
		layers [][]file
		want   []string
	}{
		"dpkg": {
			[][]file{{release, {name: "var/lib/dpkg/status", body: status}}},
			[]string{
				"[debian@12]!? > apt@1 ca-certificates@1 curl@1 gpg@1 loop-a@1", "apt@1 > gpgv@1 libapt@1 libc6@1", "ca-certificates@1 > libssl3@1", "curl@1 > libssl3@1",
				"gpg@1 >", "gpgv@1 >", "libapt@1 > libc6@1", "libc6@1 >", "libssl3@1 >", "loop-a@1 > loop-b@1", "loop-b@1 > loop-a@1",
			},
		},
		"dpkg, with apt's states": {
			[][]file{{release, {name: "var/lib/dpkg/status", body: status}, {name: "var/lib/apt/extended_states", body: "Package: libssl3\nArchitecture: amd64\nAuto-Installed: 1\n\nPackage: ca-certificates\nAuto-Installed: 1\n\nPackage: gpg\nAuto-Installed: 0\n\nPackage: loop-b\nAuto-Installed: 1\n"}}},
			[]string{
				"[debian@12]! > apt@1 curl@1 gpg@1 gpgv@1 libapt@1 libc6@1 loop-a@1", "apt@1 > gpgv@1 libapt@1 libc6@1", "ca-certificates@1 > libssl3@1",
				"curl@1 > ca-certificates@1 libssl3@1", "gpg@1 >", "gpgv@1 >", "libapt@1 > libc6@1", "libc6@1 >", "libssl3@1 >", "loop-a@1 > loop-b@1", "loop-b@1 > loop-a@1",
			},
		},
		"dpkg, a layer above removes a package": {
			[][]file{{release, {name: "var/lib/dpkg/status", body: debian("a\nDepends: b", "b")}}, {{name: "var/lib/dpkg/status", body: debian("a\nDepends: b", "c")}}},
			[]string{"[debian@12]!? > a@1 c@1", "a@1 >", "c@1 >"},
		},
		"distroless": {
			[][]file{{
				release,
				{name: "var/lib/dpkg/status.d/a", body: "Package: a\nVersion: 1\nDepends: virtual, libc6 (>= 2)\n"},
				{name: "var/lib/dpkg/status.d/b", body: "Package: b\nVersion: 1\nProvides: virtual\n"},
				{name: "var/lib/dpkg/status.d/libc6", body: "Package: libc6\nVersion: 1\n"},
			}},
			[]string{"[debian@12]!? > a@1", "a@1 > b@1 libc6@1", "b@1 >", "libc6@1 >"},
		},
		"apk": {
			[][]file{{
				{name: "etc/os-release", body: "ID=alpine\nVERSION_ID=3.20.3\n"},
				{name: "etc/apk/world", body: "curl@edge\nlibc-utils\nbusybox>1\n!bad\n"},
				{name: "lib/apk/db/installed", body: "P:busybox\nV:1\nD:so:libc.musl-x86_64.so.1\np:/bin/sh cmd:sh=1\n\nP:musl\nV:1\np:so:libc.musl-x86_64.so.1=1\n\nP:curl\nV:1\nD:libcurl=1 !nocurl /bin/sh\n\nP:libcurl\nV:1\nD:so:libc.musl-x86_64.so.1 so:gone.so.1\n\n" +
					"P:musl-utils\nV:1\np:libc-utils=1 cmd:ldd=1\n\nP:ssl_client\nV:1\nD:musl\ni:busybox=1 curl\n\n"},
			}},
			[]string{
				"[alpine@3.20.3]! > busybox@1 curl@1 musl-utils@1", "busybox@1 > musl@1 ssl_client@1", "curl@1 > busybox@1 libcurl@1", "libcurl@1 > musl@1", "musl-utils@1 >", "musl@1 >", "ssl_client@1 > musl@1",
			},
		},
		"npm: the nearest, a project, links of pnpm and of a workspace, global": {
			[][]file{{
				{name: "app/package.json", body: `{"name":"shop","version":"1.0.0","dependencies":{"a":"1","lib":"*"},"devDependencies":{"gone":"1"}}`},
				{name: "app/packages/lib/package.json", body: `{"name":"lib","dependencies":{"b":"1"}}`},
				{name: "app/node_modules/lib", link: "../packages/lib"},
				{name: "app/node_modules/a/package.json", body: `{"name":"a","version":"1.0.0","dependencies":{"b":"1"},"peerDependencies":{"p":"*"}}`},
				{name: "app/node_modules/a/node_modules/b/package.json", body: `{"name":"b","version":"1.0.0"}`},
				{name: "app/node_modules/b/package.json", body: `{"name":"b","version":"2.0.0","optionalDependencies":{"a":"1"}}`},
				{name: "app/node_modules/p/package.json", body: `{"name":"p","version":"1.0.0"}`},
				{name: "usr/lib/node_modules/npm/package.json", body: `{"name":"npm","version":"10.0.0","dependencies":{"c":"1"}}`},
				{name: "usr/lib/node_modules/npm/node_modules/c/package.json", body: `{"name":"c","version":"1.0.0"}`},
				{name: "srv/package.json", body: `{"name":"srv","dependencies":{"x":"1"}}`},
				{name: "srv/node_modules/x", link: ".pnpm/x@1.0.0/node_modules/x"},
				{name: "srv/node_modules/.pnpm/x@1.0.0/node_modules/x/package.json", body: `{"name":"x","version":"1.0.0","dependencies":{"y":"1"}}`},
				{name: "srv/node_modules/.pnpm/x@1.0.0/node_modules/y", link: "../../y@1.0.0/node_modules/y"},
				{name: "srv/node_modules/.pnpm/y@1.0.0/node_modules/y/package.json", body: `{"name":"y","version":"1.0.0"}`},
				{name: "none/package.json", body: `{"name":"none","dependencies":{"q":"1"}}`},
			}},
			[]string{
				"[/usr/lib/node_modules]!? > npm@10.0.0", "[lib]! > b@2.0.0", "[shop@1.0.0]! > [lib]! a@1.0.0", "[srv]! > x@1.0.0",
				"a@1.0.0 > b@1.0.0 p@1.0.0", "b@1.0.0 >", "b@2.0.0 > a@1.0.0", "c@1.0.0 >", "npm@10.0.0 > c@1.0.0", "p@1.0.0 >", "x@1.0.0 > y@1.0.0", "y@1.0.0 >",
			},
		},
		"python: markers, extras, what was asked for": {
			[][]file{{
				{name: "usr/lib/python3.11/site-packages/flask-2.0.dist-info/METADATA", body: "Metadata-Version: 2.1\nName: Flask\nVersion: 2.0\nRequires-Dist: Jinja2 (>=3.0)\nRequires-Dist: importlib-metadata ; python_version < \"3.10\"\n" +
					"Requires-Dist: colorama ; platform_system == \"Windows\"\nRequires-Dist: asgiref (>=3.2) ; extra == 'async'\nRequires-Dist: python-dotenv ; extra == 'dotenv'\nProvides-Extra: async\nProvides-Extra: dotenv\n"},
				{name: "usr/lib/python3.11/site-packages/flask-2.0.dist-info/REQUESTED"},
				{name: "usr/lib/python3.11/site-packages/Jinja2-3.0.dist-info/METADATA", body: "Name: Jinja2\nVersion: 3.0\n"},
				{name: "usr/lib/python3.11/site-packages/shop-1.0.dist-info/METADATA", body: "Name: shop\nVersion: 1.0\nRequires-Dist: flask[Async]>=2; (sys_platform == 'linux' and python_version >= '3.9') or extra == 'x'\n"},
				{name: "usr/lib/python3.11/site-packages/shop-1.0.dist-info/REQUESTED"},
				{name: "usr/lib/python3.11/site-packages/asgiref-3.5.dist-info/METADATA", body: "Name: asgiref\nVersion: 3.5\n"},
				{name: "usr/lib/python3.11/site-packages/colorama-0.4.dist-info/METADATA", body: "Name: colorama\nVersion: 0.4\n"},
				{name: "usr/lib/python3.11/site-packages/importlib_metadata-4.0.dist-info/METADATA", body: "Name: importlib_metadata\nVersion: 4.0\n"},
				{name: "opt/venv/lib/python3.11/site-packages/click-8.0.dist-info/METADATA", body: "Name: click\nVersion: 8.0\nRequires-Dist: colorama\n"},
				{name: "opt/old/EGG-INFO/PKG-INFO", body: "Name: old\nVersion: 1\n"},
			}},
			[]string{
				"[/opt/venv/lib/python3.11/site-packages]!? > click@8.0", "[/usr/lib/python3.11/site-packages]! > flask@2.0 shop@1.0",
				"asgiref@3.5 >", "click@8.0 >", "colorama@0.4 >", "flask@2.0 > asgiref@3.5 jinja2@3.0", "importlib-metadata@4.0 >", "jinja2@3.0 >", "shop@1.0 > flask@2.0",
			},
		},
		"conda": {
			[][]file{{
				{name: "opt/conda/conda-meta/a-1.json", body: `{"name":"a","version":"1","depends":["b >=1,<2.0a0","__glibc"]}`},
				{name: "opt/conda/conda-meta/b-1.json", body: `{"name":"b","version":"1","depends":[]}`},
			}},
			[]string{"[/opt/conda/conda-meta]!? > a@1", "a@1 > b@1", "b@1 >"},
		},
		"gems: the newest that is allowed": {
			[][]file{{
				{name: "usr/lib/ruby/gems/3.0/specifications/rails-6.0.gemspec", body: "Gem::Specification.new do |s|\n  s.name = \"rails\".freeze\n  s.version = \"6.0\"\n  s.add_runtime_dependency(%q<rack>.freeze, [\"~> 2.0\".freeze, \">= 2.0.8\".freeze])\n  s.add_development_dependency(%q<rake>.freeze, [\">= 0\".freeze])\n  s.add_dependency(%q<json>, [\">= 0\"])\nend\n"},
				{name: "usr/lib/ruby/gems/3.0/specifications/rack-2.0.7.gemspec", body: "s.name = \"rack\"\ns.version = \"2.0.7\"\n"},
				{name: "usr/lib/ruby/gems/3.0/specifications/rack-2.2.0.gemspec", body: "s.name = \"rack\"\ns.version = \"2.2.0\"\n"},
				{name: "usr/lib/ruby/gems/3.0/specifications/rack-3.0.0.gemspec", body: "s.name = \"rack\"\ns.version = \"3.0.0\"\n"},
				{name: "usr/lib/ruby/gems/3.0/specifications/rake-13.0.gemspec", body: "s.name = \"rake\"\ns.version = \"13.0\"\n"},
				{name: "usr/lib/ruby/gems/3.0/specifications/default/json-2.6.gemspec", body: "s.name = \"json\"\ns.version = \"2.6\"\n"},
			}},
			[]string{
				"[/usr/lib/ruby/gems/3.0/specifications]!? > rack@2.0.7 rack@3.0.0 rails@6.0 rake@13.0", "json@2.6 >", "rack@2.0.7 >", "rack@2.2.0 >", "rack@3.0.0 >", "rails@6.0 > json@2.6 rack@2.2.0", "rake@13.0 >",
			},
		},
		"composer": {
			[][]file{{{name: "app/vendor/composer/installed.json", body: `{"packages":[{"name":"a/a","version":"1","require":{"b/b":"*"}},{"name":"b/b","version":"1"}]}`}}},
			[]string{"[/app/vendor/composer/installed.json]!? > a/a@1", "a/a@1 > b/b@1", "b/b@1 >"},
		},
		"deps.json": {
			[][]file{{{name: "app/Shop.deps.json", body: `{"targets":{"x":{"Shop/1.0.0":{"dependencies":{"A":"1.0.0","Ref":"1.0.0"},"runtime":{"Shop.dll":{}}},"A/1.0.0":{"runtime":{"a.dll":{}}},"Ref/1.0.0":{}}},"libraries":{"Shop/1.0.0":{"type":"project"},"A/1.0.0":{"type":"package"},"Ref/1.0.0":{"type":"package"}}}`}}},
			[]string{"A@1.0.0 >", "[Shop@1.0.0]! > A@1.0.0"},
		},
		"embedded SBOMs: joined with what a cataloger found, without a distribution's packages": {
			[][]file{{
				{name: "opt/app/bom.json", body: `{"bomFormat":"CycloneDX","specVersion":"1.5","metadata":{"component":{"bom-ref":"r","type":"application","name":"shop","version":"2"}},"components":[
					{"bom-ref":"a","type":"library","name":"a","version":"1","purl":"pkg:maven/org.a/a@1"},{"bom-ref":"n","type":"library","name":"n","version":"1","purl":"pkg:npm/n@1"},
					{"bom-ref":"s","type":"library","name":"silent","version":"1","purl":"pkg:npm/silent@1"},{"bom-ref":"d","type":"library","name":"libc","version":"1","purl":"pkg:deb/debian/libc@1"}],
					"dependencies":[{"ref":"r","dependsOn":["a","n"]},{"ref":"a","dependsOn":["n","d","s"]},{"ref":"n","dependsOn":[]}]}`},
				{name: "opt/app/a-1.jar", body: string(jar(t, "META-INF/MANIFEST.MF", "Implementation-Title: a\nImplementation-Version: 1\nImplementation-Vendor-Id: other.group\n"))},
				{name: "opt/bitnami/x/.spdx-x.spdx", body: `{"spdxVersion":"SPDX-2.3","name":"x","packages":[{"SPDXID":"SPDXRef-x","name":"x","versionInfo":"3","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:bitnami/x@3"}]},
					{"SPDXID":"SPDXRef-y","name":"y","versionInfo":"1","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:npm/y@1"}]}],
					"relationships":[{"spdxElementId":"SPDXRef-DOCUMENT","relationshipType":"DESCRIBES","relatedSpdxElement":"SPDXRef-x"},{"spdxElementId":"SPDXRef-y","relationshipType":"DEPENDENCY_OF","relatedSpdxElement":"SPDXRef-x"}]}`},
			}},
			[]string{"[shop@2]! > n@1 other.group:a@1", "n@1 >", "other.group:a@1 > n@1 silent@1", "x@3! > y@1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var layers [][]byte
			for _, files := range c.layers {
				layers = append(layers, tarOf(t, files...))
			}
			want := slices.Clone(c.want)
			slices.Sort(want)
			inv := inventoryOf(t, scanOf(t, layers...))
			if d := cmp.Diff(want, graphLines(inv)); d != "" || len(inv.Unknown) > 0 {
				t.Error(d, inv.Unknown)
			}
		})
	}
}

func TestMarkers(t *testing.T) {
	for marker, want := range map[string]bool{
		`python_version < "3.10"`: false, `python_version >= '3.9'`: true, `python_version == "3.11"`: true, `python_version != "3.11.*"`: false, `python_version ~= "3.8"`: true,
		`"3.9" <= python_version`: true, `python_full_version >= "3.11.2"`: true, `sys_platform == "win32"`: false, `sys_platform != 'win32' and os_name == 'posix'`: true,
		`extra == "a"`: true, `extra == 'A_b' or extra == "a"`: true, `extra == 'b'`: false, `(python_version < "3" or extra == "a") and platform_system in "Linux Darwin"`: true,
		`platform_machine == "arm64"`: true, `platform_system not in "Linux"`: false, ``: true, `((((`: true, `python_version`: true,
	} {
		if got := pyMarker(marker, "3.11", "a"); got != want {
			t.Errorf("%s: %v", marker, got)
		}
	}
	if !pyMarker(`python_version < "3"`, "", "") {
		t.Error("a release that is not known excludes something")
	}
}
