package catalog

import (
	"testing"
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
		"https://registry.npmjs.org/a/-/a-1.0.0.tgz":        "",
		"https://npm.example.com/a/-/a-1.0.0.tgz#abc":       "",
		"git+ssh://git@github.com/acme/a.git#0123":          "git+ssh://git@github.com/acme/a.git#0123",
		"https://codeload.github.com/acme/a/tar.gz/0123":    "https://codeload.github.com/acme/a/tar.gz/0123",
		"https://github.com/acme/a/archive/refs/tags/v1.gz": "https://github.com/acme/a/archive/refs/tags/v1.gz",
		"https://github.com/acme/a.git#0123":                "git+https://github.com/acme/a.git#0123",
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
