package catalog

import (
	"strings"
	"testing"
)

// TestBrokenDatabase: a package database of which something cannot be read, or
// that holds nothing where a distribution's packages must be, is never clean.
func TestBrokenDatabase(t *testing.T) {
	const (
		alpine  = "ID=alpine\nVERSION_ID=3.18.9\nPRETTY_NAME=\"Alpine Linux v3.18\"\n"
		fedora  = "ID=fedora\nVERSION_ID=40\nPRETTY_NAME=\"Fedora Linux 40\"\n"
		arch    = "ID=arch\nPRETTY_NAME=\"Arch Linux\"\n"
		garbage = "\x00\xff\x13\x37 zzz\nmore of \x01: it\n"
		musl    = "P:musl\nV:1.2.5-r0\nA:x86_64\n\n"
	)
	sh := file{name: "bin/sh", body: "#!"}
	release := func(s string) file { return file{name: "etc/os-release", body: s} }
	for _, tc := range []struct {
		name     string
		files    []file
		packages int
		want     string // of the one Unknown; "" none
	}{
		{"dpkg of garbage", []file{sh, release(bookworm), {name: statusFile, body: garbage}}, 0, "packages of /var/lib/dpkg/status: 2 of its lines"},
		{"dpkg with a garbage paragraph", []file{sh, release(bookworm), {name: statusFile, body: stanza("a", "1") + garbage + "\n" + stanza("b", "1")}}, 2, "the first of them line 6"},
		{"dpkg paragraph without a name", []file{sh, release(bookworm), {name: statusFile, body: stanza("a", "1") + "Version: 2\n\n"}}, 1, "1 of its paragraphs"},
		{"dpkg without status", []file{sh, release(bookworm), {name: statusFile, body: stanza("a", "1") + "Package: b\nVersion: 2\n\n"}}, 1, `package "b" is installed cannot be told`},
		{"dpkg purged", []file{sh, release(bookworm), {name: statusFile, body: stanza("a", "1") + "Package: b\nStatus: deinstall ok config-files\n\n"}}, 1, ""},
		{"dpkg empty", []file{sh, release(bookworm), {name: statusFile}}, 0, "packages of debian 12: its package database /var/lib/dpkg/status is empty"},
		{"dpkg absent", []file{sh, release(bookworm)}, 0, "packages of debian 12: its package database is not there"},
		{"dpkg linked", []file{sh, release(bookworm), {name: statusFile, link: "/opt/status"}, {name: "opt/status", body: stanza("a", "1")}}, 0, "is a symbolic link, to \"/opt/status\""},
		{"dpkg whole", []file{sh, release(bookworm), {name: statusFile, body: stanza("a", "1")}}, 1, ""},
		{"status.d", []file{sh, release(bookworm), {name: "var/lib/dpkg/status.d/a", body: "Package: a\nVersion: 1\n"}, {name: "var/lib/dpkg/status.d/a.postinst", body: "#!/bin/sh\n"}}, 1, ""},
		{"scratch with an os-release", []file{release(bookworm), {name: "app/server", body: "x"}}, 0, ""},
		{"apk of garbage", []file{sh, release(alpine), {name: "lib/apk/db/installed", body: garbage}}, 0, "packages of /lib/apk/db/installed: 2 of its lines"},
		{"apk with a garbage line", []file{sh, release(alpine), {name: "lib/apk/db/installed", body: musl + "garbage\n" + musl}}, 1, "packages may be missing"},
		{"apk empty", []file{sh, release(alpine), {name: "lib/apk/db/installed"}}, 0, "packages of Alpine Linux v3.18: its package database /lib/apk/db/installed is empty"},
		{"rpm empty", []file{sh, release(fedora), {name: "usr/lib/sysimage/rpm/rpmdb.sqlite"}}, 0, "packages of Fedora Linux 40: its package database /usr/lib/sysimage/rpm/rpmdb.sqlite is empty"},
		{"rpm of garbage", []file{sh, release(fedora), {name: "var/lib/rpm/rpmdb.sqlite", body: garbage}}, 0, "packages of /var/lib/rpm/rpmdb.sqlite"},
		{"pacman", []file{sh, release(arch), {name: "var/lib/pacman/local/bash-5.2-1/desc", body: "%NAME%\nbash\n"}}, 0, "packages of Arch Linux: the packages of pacman, in /var/lib/pacman/local, are not read"},
		{"pacman without its database", []file{sh, release(arch)}, 0, "packages of Arch Linux: the packages of pacman are not read"},
		{"pacman on Debian, unused", []file{sh, release(bookworm), {name: statusFile, body: stanza("a", "1")}, {name: "var/lib/pacman/local/ALPM_DB_VERSION", body: "9"}}, 1, ""},
		{"Nix without a distribution", []file{{name: "nix/store/abc-bash-5.2/bin/bash", body: "x"}}, 0, "packages of Nix"},
		{"a distribution nobody knows", []file{sh, release("ID=homegrown\nVERSION_ID=3\n")}, 0, "packages of homegrown 3: no package database"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inv := inventoryOf(t, scanOf(t, tarOf(t, tc.files...)))
			if len(inv.Packages) != tc.packages {
				t.Errorf("%d packages, want %d", len(inv.Packages), tc.packages)
			}
			var got []string
			for _, u := range inv.Unknown {
				got = append(got, u.What+": "+u.Why)
			}
			if tc.want == "" && len(got) > 0 || tc.want != "" && (len(got) != 1 || !strings.Contains(got[0], tc.want)) {
				t.Errorf("unknown: %q, want %q", got, tc.want)
			}
		})
	}
}

// TestReplacedDatabase: the packages of a database that a layer above empties
// are not what the image has, and that nothing is left is said.
func TestReplacedDatabase(t *testing.T) {
	inv := inventoryOf(t, scanOf(t,
		tarOf(t, file{name: "bin/sh", body: "x"}, file{name: "etc/os-release", body: bookworm}, file{name: statusFile, body: stanza("a", "1")}),
		tarOf(t, file{name: statusFile, link: "/dev/null"}),
	))
	if len(inv.Unknown) != 1 || !strings.Contains(inv.Unknown[0].Why, "symbolic link, to \"/dev/null\"") {
		t.Errorf("%+v", inv.Unknown)
	}
}
