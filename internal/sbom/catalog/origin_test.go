package catalog

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestOriginWanted: what a range of npm's says of where its package comes from.
func TestOriginWanted(t *testing.T) {
	for want, origin := range map[string]string{
		"^1.2.3":                                 "",
		">=1.0.0 <2.0.0 || 3":                    "",
		"latest":                                 "",
		"npm:other@1.0.0":                        "",
		"patch:lodash@npm%3A4.17.21#./fix.patch": "",
		"https://registry.npmjs.org/a/-/a-1.tgz": "",
		"git+https://example.com/a.git":          "git+https://example.com/a.git",
		"github:acme/a#main":                     "github:acme/a#main",
		"acme/a#main":                            "git+https://github.com/acme/a#main",
		"https://example.com/a.tgz":              "https://example.com/a.tgz",
	} {
		if got := npmWanted(want); got != origin {
			t.Errorf("%q is from %q, want %q", want, got, origin)
		}
	}
	for resolved, origin := range map[string]string{
		"https://registry.npmjs.org/a/-/a-1.0.0.tgz":          "",
		"https://npm.example.com/a/-/a-1.0.0.tgz#abc":         "",
		"git+ssh://git@github.com/acme/a.git#0123":            "git+ssh://git@github.com/acme/a.git#0123",
		"https://codeload.github.com/acme/a/tar.gz/0123":      "https://codeload.github.com/acme/a/tar.gz/0123",
		"https://github.com/acme/a/archive/refs/tags/v1.gz":   "https://github.com/acme/a/archive/refs/tags/v1.gz",
		"https://gitlab.com/acme/a/-/archive/v1/a-v1.tar.gz":  "https://gitlab.com/acme/a/-/archive/v1/a-v1.tar.gz",
		"https://bitbucket.org/acme/a/get/v1.tar.gz":          "https://bitbucket.org/acme/a/get/v1.tar.gz",
		"https://git.example.com/acme/a/archive/v1.tar.gz":    "https://git.example.com/acme/a/archive/v1.tar.gz",
		"https://api.github.com/repos/acme/a/tarball/0123":    "https://api.github.com/repos/acme/a/tarball/0123",
		"https://github.com/acme/a/releases/download/1/a.tgz": "https://github.com/acme/a/releases/download/1/a.tgz",
		"https://registry.npmjs.org/archive/-/archive-1.tgz":  "",
		"https://npm.pkg.github.com/download/a/1.0.0/0123":    "",
		"https://github.com/acme/a.git#0123":                  "git+https://github.com/acme/a.git#0123",
	} {
		if got := npmOrigin(resolved); got != origin {
			t.Errorf("%q is from %q, want %q", resolved, got, origin)
		}
	}
}

// TestOriginInImages: installed packages and programs say it too.
func TestOriginInImages(t *testing.T) {
	inv := inventoryOf(t, scanOf(t, tarOf(t,
		file{name: "app/node_modules/a/package.json", body: `{"name":"a","version":"1.0.0","_resolved":"git+https://example.com/a.git#01"}`},
		file{name: "app/node_modules/b/package.json", body: `{"name":"b","version":"1.0.0","_resolved":"https://registry.npmjs.org/b/-/b-1.0.0.tgz"}`},
		file{name: "usr/bin/tool", mode: 0o755, body: elf("x", auditSection(t,
			`{"packages":[{"name":"tool","version":"1.0.0","source":"local","root":true},{"name":"c","version":"1.0.0","source":"git"},{"name":"d","version":"1.0.0","source":"crates.io"}]}`))},
	)))
	want := map[string]string{"a": "git+https://example.com/a.git#01", "b": "", "tool": "file:", "c": "git:", "d": ""}
	for _, p := range inv.Packages {
		if origin, ok := want[p.Name]; !ok || origin != p.Origin {
			t.Errorf("%s is from %q, want %q", p.Name, p.Origin, origin)
		}
		delete(want, p.Name)
	}
	if len(want) > 0 {
		t.Errorf("not found: %v", want)
	}
}

// TestInstalledOrigins: where package managers note that a package comes from a
// repository, an archive or a folder, its namesake's advisories are not its own.
func TestInstalledOrigins(t *testing.T) {
	metadata := func(name string) string { return "Name: " + name + "\nVersion: 1.0\n\n" }
	site := "usr/lib/python3.12/site-packages/"
	js := func(name string) string { return `{"name":"` + name + `","version":"1.0.0"}` }
	inv := inventoryOf(t, scanOf(t, tarOf(t,
		file{name: site + "fork-1.0.dist-info/direct_url.json", body: `{"url":"https://user:secret@example.com/fork.git","vcs_info":{"vcs":"git","commit_id":"abc"}}`},
		file{name: site + "fork-1.0.dist-info/METADATA", body: metadata("fork")},
		file{name: site + "own-1.0.dist-info/METADATA", body: metadata("own")},
		file{name: site + "own-1.0.dist-info/direct_url.json", body: `{"url":"file:///app","dir_info":{"editable":true}}`},
		file{name: site + "wheel-1.0.dist-info/METADATA", body: metadata("wheel")},
		file{name: site + "wheel-1.0.dist-info/direct_url.json", body: `{"url":"file:///wheels/wheel-1.0-py3-none-any.whl","archive_info":{}}`},
		file{name: site + "zip-1.0.dist-info/METADATA", body: metadata("zip")},
		file{name: site + "zip-1.0.dist-info/direct_url.json", body: `{"url":"https://example.com/zip-1.0.zip","archive_info":{}}`},
		file{name: site + "index-1.0.dist-info/METADATA", body: metadata("index")},
		file{name: site + "index-1.0.dist-info/direct_url.json", body: `{"url":"https://files.pythonhosted.org/packages/index-1.0.whl","archive_info":{}}`},
		file{name: "app/node_modules/.package-lock.json", body: `{"packages":{"node_modules/n7":{"version":"1.0.0","resolved":"git+ssh://git@github.com/acme/n7.git#01"},
			"node_modules/plain":{"resolved":"https://registry.npmjs.org/plain/-/plain-1.0.0.tgz"},"node_modules/dir":{"resolved":"file:../dir"}}}`},
		file{name: "app/node_modules/n7/package.json", body: js("n7")},
		file{name: "app/node_modules/plain/package.json", body: js("plain")},
		file{name: "app/node_modules/dir/package.json", body: js("dir")},
		file{name: "y1/node_modules/.yarn-integrity", body: `{"lockfileEntries":{"y1@acme/y1":"https://codeload.github.com/acme/y1/tar.gz/01","y1b@^1":"https://registry.yarnpkg.com/y1b/-/y1b-1.0.0.tgz#x"}}`},
		file{name: "y1/node_modules/y1/package.json", body: js("y1")},
		file{name: "y1/node_modules/y1b/package.json", body: js("y1b")},
		file{name: "y4/node_modules/.yarn-state.yml", body: "__metadata:\n  version: 1\n\n\"y4@https://github.com/acme/y4.git#commit=01\":\n  locations:\n    - \"node_modules/y4\"\n\n\"y4b@npm:1.0.0\":\n  locations:\n    - \"node_modules/y4b\"\n"},
		file{name: "y4/node_modules/y4/package.json", body: js("y4")},
		file{name: "y4/node_modules/y4b/package.json", body: js("y4b")},
		file{name: "p/node_modules/.pnpm/p9@https+++codeload.github.com+acme+p9+tar.gz+01/node_modules/p9/package.json", body: js("p9")},
		file{name: "p/node_modules/.pnpm/github.com+acme+p6@01/node_modules/p6/package.json", body: js("p6")},
		file{name: "p/node_modules/.pnpm/@scope+p@1.0.0_peer@2.0.0/node_modules/@scope/p/package.json", body: js("@scope/p")},
		file{name: "srv/vendor/composer/installed.json", body: `{"packages":[
			{"name":"a/path","version":"1.0.0","dist":{"type":"path","url":"../path"}},
			{"name":"a/fork","version":"1.0.0","source":{"type":"git","url":"git@example.com:acme/fork.git","reference":"01"}},
			{"name":"a/plain","version":"1.0.0","source":{"type":"git","url":"https://github.com/a/plain.git","reference":"02"},"notification-url":"https://packagist.org/downloads/"}]}`},
		file{name: "b/ruby/3.3.0/bundler/gems/repo-0123456789ab/gem.gemspec", body: "Gem::Specification.new do |s|\n s.name = 'gem'\n s.version = '1.0'\nend\n"},
		file{name: "b/ruby/3.3.0/bundler/gems/repo-0123456789ab/part/part.gemspec", body: "Gem::Specification.new do |s|\n s.name = 'part'\n s.version = '1.0'\nend\n"},
		file{name: "b/ruby/3.3.0/bundler/gems/odd-0123456789ab/odd.gemspec", body: "Gem::Specification.new do |s|\n s.name = 'odd'\n s.version = Odd::VERSION\nend\n"},
	)))
	want := map[string]string{
		"fork": "git+https://example.com/fork.git#abc", "own": "file:/app", "wheel": "", "zip": "https://example.com/zip-1.0.zip", "index": "",
		"n7": "git+ssh://git@github.com/acme/n7.git#01", "plain": "", "dir": "file:../dir",
		"y1": "https://codeload.github.com/acme/y1/tar.gz/01", "y1b": "", "y4": "https://github.com/acme/y4.git#commit=01", "y4b": "",
		"p9": "https://codeload.github.com/acme/p9/tar.gz/01", "p6": "git+https://github.com/acme/p6@01", "p": "",
		"a/path": "file:../path", "a/fork": "git+ssh://git@example.com/acme/fork.git#01", "a/plain": "",
		"gem": "git:repo#0123456789ab", "part": "git:repo#0123456789ab",
	}
	got := map[string]string{}
	for _, p := range inv.Packages {
		name := p.Name
		if p.Namespace == "a" {
			name = "a/" + name
		}
		got[name] = p.Origin
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if len(inv.Unknown) != 1 || !strings.Contains(inv.Unknown[0].Why, "odd#0123456789ab computes its version") {
		t.Error(inv.Unknown)
	}
}

// A password in an address is nobody's business.
func TestOriginWithoutSecrets(t *testing.T) {
	for s, want := range map[string]string{
		"git+https://user:token@example.com/a.git#01": "git+https://example.com/a.git#01",
		"https://token@example.com":                   "https://example.com",
		"git+ssh://git:x@example.com/a.git":           "git+ssh://git@example.com/a.git",
		"git@example.com:acme/a.git#01":               "git+ssh://git@example.com/acme/a.git#01",
		"https://example.com/a@1":                     "https://example.com/a@1",
		"file:../a":                                   "file:../a",
		"github:acme/a#main":                          "github:acme/a#main",
	} {
		if got := lockOrigin(s); got != want {
			t.Errorf("%q becomes %q, want %q", s, got, want)
		}
	}
}

// TestVendor: who built a distribution's package.
func TestVendor(t *testing.T) {
	inv := inventoryOf(t, scanOf(t, tarOf(t,
		file{name: "etc/os-release", body: "ID=debian\nVERSION_ID=12\n"},
		file{name: "var/lib/dpkg/status", body: "Package: nginx\nStatus: install ok installed\nVersion: 1.26.2-1\nMaintainer: NGINX  Packaging <nginx-packaging@f5.com>\n"},
		file{name: "lib/apk/db/installed", body: "P:musl\nV:1-r0\nm:Natanael Copa <ncopa@alpinelinux.org>\n"},
	)))
	want := map[string]string{"nginx": "NGINX Packaging <nginx-packaging@f5.com>", "musl": "Natanael Copa <ncopa@alpinelinux.org>"}
	for _, p := range inv.Packages {
		if p.Vendor != want[p.Name] {
			t.Errorf("%s is built by %q, want %q", p.Name, p.Vendor, want[p.Name])
		}
	}
}

// TestSourceTrees: an .egg-info of a source tree is the project itself.
func TestSourceTrees(t *testing.T) {
	info := func(dir, name string) file {
		return file{name: dir + "/" + name + ".egg-info/PKG-INFO", body: "Name: " + name + "\nVersion: 1.0\n"}
	}
	inv := inventoryOf(t, scanOf(t, tarOf(t,
		info("app", "flat"), file{name: "app/setup.py"}, info("srv/src", "below"), file{name: "srv/pyproject.toml"},
		info("usr/lib/python3/dist-packages", "installed"), file{name: "usr/lib/python3/setup.py"}, info("opt/other", "alone"),
	)))
	got := map[string]string{}
	for _, p := range inv.Packages {
		got[p.Name] = p.Origin
	}
	want := map[string]string{"flat": "file:///app", "below": "file:///srv", "installed": "", "alone": ""}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestPnPInImages: what yarn installs without node_modules.
func TestPnPInImages(t *testing.T) {
	inv := inventoryOf(t, scanOf(t, tarOf(t,
		file{name: "app/.pnp.cjs", body: sample(t, "pnp.cjs")}, file{name: "app/package.json", body: `{"name":"shop"}`},
		file{name: "old/.pnp.js", body: "module.exports = hydrateRuntimeState({\"packageRegistryData\": [[\"ms\", [[\"npm:2.0.0\", {\"packageDependencies\": []}]]]]}, {basePath: __dirname});\n"},
		file{name: "one/.pnp.js", body: "let packageInformationStores = new Map([]);\n"},
	)))
	want := []string{
		"[fork] >", "[shop]! > lodash@4.17.4 react-dom@18.2.0 typescript@5.1.6", "[/old/.pnp.js]!? > ms@2.0.0", "local@1.2.3 >", "lodash@4.17.4 >", "ms@2.0.0 >",
		"react-dom@18.2.0 > underscore@1.12.0", "typescript@5.1.6 >", "underscore@1.12.0 >",
	}
	slices.Sort(want)
	if d := cmp.Diff(want, graphLines(inv)); d != "" {
		t.Error(d)
	}
	if len(inv.Unknown) != 2 {
		t.Errorf("not known: %v", inv.Unknown)
	}
}
