package catalog

import (
	"fmt"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/sbom"
)

const (
	statusFile = "var/lib/dpkg/status"
	bookworm   = "ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n"
)

func stanza(name, version string) string {
	return fmt.Sprintf("Package: %s\nStatus: install ok installed\nArchitecture: amd64\nVersion: %s\n\n", name, version)
}

func byName(inv *sbom.Inventory, name string) []sbom.Package {
	var out []sbom.Package
	for _, p := range inv.Packages {
		if p.Name == name {
			out = append(out, p)
		}
	}
	return out
}

// TestLayerOfPackage: every layer that installs anything rewrites the whole
// database, and yet each package keeps the layer that brought it.
func TestLayerOfPackage(t *testing.T) {
	s := scanOf(t,
		tarOf(t, file{name: "etc/os-release", body: bookworm},
			file{name: statusFile, body: stanza("base", "1") + stanza("upgraded", "1.0") + stanza("gone", "3")}),
		tarOf(t, file{name: "app/readme", body: "nothing"}),
		tarOf(t, file{name: statusFile, body: stanza("base", "1") + stanza("upgraded", "1.1") + stanza("gone", "3") + stanza("added", "2")}),
		tarOf(t, file{name: statusFile, body: stanza("base", "1") + stanza("upgraded", "1.1") + stanza("added", "2")}),
	)
	inv := inventoryOf(t, s)
	type row struct {
		version string
		layer   int
		removed bool
		places  int
	}
	for name, want := range map[string][]row{
		"base":     {{"1", 0, false, 1}},
		"added":    {{"2", 2, false, 1}},
		"upgraded": {{"1.0", 0, true, 1}, {"1.1", 2, false, 1}},
		"gone":     {{"3", 0, true, 1}},
	} {
		var got []row
		for _, p := range byName(inv, name) {
			got = append(got, row{p.Version, p.LayerIndex, p.Removed, len(p.Locations)})
			if p.Layer != s.Records[p.LayerIndex].DiffID {
				t.Errorf("%s: layer %d is not %s", name, p.LayerIndex, p.Layer)
			}
			if !p.Removed && p.Locations[0].Layer != s.Records[3].DiffID {
				t.Errorf("%s was not read from the topmost database", name)
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

func TestDatabaseThatWasDeleted(t *testing.T) {
	base := tarOf(t, file{name: statusFile, body: stanza("base", "1")})
	t.Run("deleted", func(t *testing.T) {
		inv := inventoryOf(t, scanOf(t, base, tarOf(t, file{name: "var/lib/.wh.dpkg"})))
		if p := get(t, inv, "deb", "base"); p.Removed {
			t.Error("deleting the database removed the package")
		}
		if len(inv.Unknown) != 1 || !strings.Contains(inv.Unknown[0].Why, "deletes the package database") {
			t.Errorf("unknown: %v", inv.Unknown)
		}
	})
	t.Run("emptied", func(t *testing.T) {
		inv := inventoryOf(t, scanOf(t, base, tarOf(t, file{name: statusFile, body: "\n"})))
		if ps := byName(inv, "base"); len(ps) != 1 || !ps[0].Removed || len(inv.Unknown) != 0 {
			t.Errorf("%+v %v", ps, inv.Unknown)
		}
	})
	t.Run("moved", func(t *testing.T) {
		const db = "P:musl\nV:1.2.5-r0\nA:x86_64\n\n"
		inv := inventoryOf(t, scanOf(t,
			tarOf(t, file{name: "lib/apk/db/installed", body: db + "P:old\nV:1\n\n"}),
			tarOf(t, file{name: "lib/apk/db/.wh.installed"}, file{name: "usr/lib/apk/db/installed", body: db}),
		))
		if p := get(t, inv, "apk", "musl"); p.LayerIndex != 0 || len(p.Locations) != 1 || len(inv.Unknown) != 0 {
			t.Errorf("%+v %v", p, inv.Unknown)
		}
		if ps := byName(inv, "old"); len(ps) != 1 || !ps[0].Removed {
			t.Errorf("%+v", ps)
		}
	})
}

// TestOwner: a program, and the crates in it, are the distribution package's
// that lists the file, under any name that the merged folders give it, unless
// a layer above put other bytes there.
func TestOwner(t *testing.T) {
	exe := elf("OpenSSL 3.0.9 30 May 2023", auditSection(t, `{"packages":[{"name":"serde","version":"1.0.1"},{"name":"cc","version":"1.0.0","kind":"build"}]}`))
	other := elf("OpenSSL 3.0.8 7 Feb 2023", auditSection(t, `{"packages":[{"name":"serde","version":"1.0.1"},{"name":"more","version":"2.0.0"}]}`))
	base := []file{
		{name: statusFile, body: stanza("libssl3", "3.0.9-1")},
		{name: "var/lib/dpkg/info/libssl3:amd64.list", body: "/.\n/lib\n/lib/x86_64-linux-gnu/libssl.so.3\n"},
		{name: "lib", link: "usr/lib"},
		{name: "usr/lib/x86_64-linux-gnu/libssl.so.3", body: exe},
	}
	const purl = "pkg:deb/debian/libssl3@3.0.9-1?arch=amd64"

	t.Run("owned", func(t *testing.T) {
		inv := inventoryOf(t, scanOf(t, tarOf(t, base...)))
		if p := get(t, inv, "cargo", "serde"); p.Owner != purl {
			t.Errorf("owner is %q", p.Owner)
		}
		if ps := byName(inv, "openssl"); len(ps) != 0 {
			t.Errorf("a program that is a distribution package is listed besides: %+v", ps)
		}
		if ps := byName(inv, "cc"); len(ps) != 0 {
			t.Error("a crate that only ran at build time is listed")
		}
	})
	t.Run("copied elsewhere too", func(t *testing.T) {
		inv := inventoryOf(t, scanOf(t, tarOf(t, append(base, file{name: "opt/libssl.so.3", body: exe})...)))
		if p := get(t, inv, "cargo", "serde"); p.Owner != "" || len(p.Locations) != 2 {
			t.Errorf("%+v", p)
		}
	})
	t.Run("replaced above", func(t *testing.T) {
		inv := inventoryOf(t, scanOf(t, tarOf(t, base...), tarOf(t, file{name: "usr/lib/x86_64-linux-gnu/libssl.so.3", body: other})))
		if p := get(t, inv, "cargo", "serde"); p.Owner != "" || p.LayerIndex != 0 {
			t.Errorf("%+v", p)
		}
		if p := get(t, inv, "cargo", "more"); p.Owner != "" || p.LayerIndex != 1 {
			t.Errorf("%+v", p)
		}
		if p := get(t, inv, "generic", "openssl"); p.Version != "3.0.8" || p.Cataloger != "program" {
			t.Errorf("%+v", p)
		}
	})
	t.Run("touched above", func(t *testing.T) {
		inv := inventoryOf(t, scanOf(t, tarOf(t, base...), tarOf(t, file{name: "usr/lib/x86_64-linux-gnu/libssl.so.3", body: exe, mode: 0o755})))
		if p := get(t, inv, "cargo", "serde"); p.Owner != purl || p.LayerIndex != 0 {
			t.Errorf("%+v", p)
		}
	})
	t.Run("removed with its package", func(t *testing.T) {
		inv := inventoryOf(t, scanOf(t, tarOf(t, base...), tarOf(t,
			file{name: statusFile, body: stanza("base", "1")},
			file{name: "var/lib/dpkg/info/.wh.libssl3:amd64.list"},
			file{name: "usr/lib/x86_64-linux-gnu/.wh.libssl.so.3"})))
		if ps := byName(inv, "serde"); len(ps) != 1 || !ps[0].Removed || ps[0].Owner != purl {
			t.Errorf("%+v", ps)
		}
	})
	t.Run("distroless", func(t *testing.T) {
		inv := inventoryOf(t, scanOf(t, tarOf(t,
			file{name: "usr/lib/os-release", body: bookworm},
			file{name: "etc/os-release", link: "../usr/lib/os-release"},
			file{name: "var/lib/dpkg/status.d/libssl3", body: "Package: libssl3\nVersion: 3.0.9-1\nArchitecture: amd64\nSource: openssl\n"},
			file{name: "var/lib/dpkg/status.d/libssl3.md5sums", body: "d41d8cd98f00b204e9800998ecf8427e  usr/lib/x86_64-linux-gnu/libssl.so.3\n"},
			file{name: "usr/lib/x86_64-linux-gnu/libssl.so.3", body: exe})))
		if p := get(t, inv, "cargo", "serde"); !strings.HasPrefix(p.Owner, purl) {
			t.Errorf("owner is %q", p.Owner)
		}
		if inv.Distro == nil || inv.Distro.VersionID != "12" || len(inv.Packages) != 2 {
			t.Errorf("%+v %+v", inv.Distro, inv.Packages)
		}
	})
	t.Run("apk", func(t *testing.T) {
		inv := inventoryOf(t, scanOf(t, tarOf(t,
			file{name: "lib/apk/db/installed", body: "P:libssl3\nV:3.0.9-r1\nA:x86_64\no:openssl\nF:usr/lib\nR:libssl.so.3\n\n"},
			file{name: "usr/lib/libssl.so.3", body: exe})))
		if p := get(t, inv, "cargo", "serde"); p.Owner != "pkg:apk/alpine/libssl3@3.0.9-r1?arch=x86_64&upstream=openssl" {
			t.Errorf("owner is %q", p.Owner)
		}
	})
}

// TestOnePurlOnePackage: the same package in several databases and under
// several links is one, with all its places.
func TestOnePurlOnePackage(t *testing.T) {
	exe := elf("x", auditSection(t, `{"packages":[{"name":"serde","version":"1.0.1"}]}`))
	inv := inventoryOf(t, scanOf(t, tarOf(t,
		file{name: statusFile, body: stanza("libc6", "2.36") + stanza("libc6", "2.36")},
		file{name: "var/lib/dpkg/status.d/libc6", body: "Package: libc6\nVersion: 2.36\nArchitecture: amd64\n"},
		file{name: "opt/a/tool", body: exe, mode: 0o755},
		file{name: "opt/a/link", link: "opt/a/tool", hard: true},
		file{name: "opt/a/sym", link: "tool"},
		file{name: "opt/b/tool", body: exe, mode: 0o755},
	), tarOf(t, file{name: "opt/a/.wh.tool"})))
	if p := get(t, inv, "deb", "libc6"); len(p.Locations) != 2 {
		t.Errorf("%+v", p.Locations)
	}
	// The hard link keeps the content of the name that a layer above removed.
	if p := get(t, inv, "cargo", "serde"); len(p.Locations) != 2 {
		t.Errorf("%+v", p.Locations)
	}
}

func TestUnreadableIsSaid(t *testing.T) {
	broken := file{name: "usr/bin/tool", body: elf("x", auditSection(t, `{"packages":[{"name":`)), mode: 0o755}
	inv := inventoryOf(t, scanOf(t, tarOf(t, broken, file{name: statusFile, body: "Package: half\nStatus: install ok installed\n\n" + stanza("whole", "1")})))
	if len(inv.Unknown) != 2 {
		t.Fatalf("unknown: %v", inv.Unknown)
	}
	for i, want := range []string{"packages of /usr/bin/tool", "packages of /var/lib/dpkg/status"} {
		if u := inv.Unknown[i]; u.What != want || u.Why == "" || u.Subject != inv.Subject {
			t.Errorf("%+v, want %s", u, want)
		}
	}
	get(t, inv, "deb", "whole")
	gone := inventoryOf(t, scanOf(t, tarOf(t, broken), tarOf(t, file{name: "usr/bin/.wh.tool"})))
	if len(gone.Unknown) != 0 {
		t.Errorf("a file that is not in the image: %v", gone.Unknown)
	}
}

func TestDeclaredLicences(t *testing.T) {
	inv := inventoryOf(t, scanOf(t, tarOf(t,
		file{name: statusFile, body: stanza("zlib1g", "1") + stanza("old", "1")},
		file{name: "usr/share/doc/zlib1g/copyright", body: "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nLicense: Zlib\n text\n\nFiles: b\nLicense: GPL-2+  or Artistic\n\nLicense: Zlib\n"},
		file{name: "usr/share/doc/old/copyright", body: "This package\nLicense: whatever\n"},
	)))
	if p := get(t, inv, "deb", "zlib1g"); strings.Join(p.Licenses, "|") != "GPL-2+ or Artistic|Zlib" {
		t.Errorf("%q", p.Licenses)
	}
	if p := get(t, inv, "deb", "old"); len(p.Licenses) != 0 {
		t.Errorf("%q", p.Licenses)
	}
}
