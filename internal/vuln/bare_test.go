package vuln

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/sbom"
)

// packager is a memory that knows the sources of some packages.
type packager struct {
	*memory
	sources map[string]string
}

func (p packager) SourceOf(_ context.Context, _, binary string) (string, bool, error) {
	s, ok := p.sources[binary]
	return s, ok, nil
}

// TestBarePURLs: a package URL that names no source is looked up by the source that
// is known, and unknown is said.
func TestBarePURLs(t *testing.T) {
	l := packager{
		newMemory(ranged("Debian:11", "glibc", "CVE-2021-33574", Event{Introduced: "0"}, Event{Fixed: "2.31-14"}),
			ranged("Debian:11", "bash", "CVE-2022-3715", Event{Introduced: "0"})),
		map[string]string{"libc6": "glibc", "adduser": "adduser"},
	}
	bare := func(purls ...string) *sbom.Inventory {
		inv := &sbom.Inventory{Distro: &sbom.Distro{ID: "debian", VersionID: "11"}}
		for _, s := range purls {
			p, err := sbom.FromPURL(s)
			if err != nil {
				t.Fatal(err)
			}
			inv.Packages = append(inv.Packages, p)
		}
		return inv
	}
	found, unknown, err := Match(t.Context(), bare("pkg:deb/debian/libc6@2.31-13", "pkg:deb/debian/bash@5.1", "pkg:deb/debian/adduser@3", "pkg:deb/debian/odd@1"), l, Options{})
	if err != nil || len(found) != 2 || found[0].Vuln.Name+found[1].Vuln.Name != "glibcbash" && found[0].Vuln.Name+found[1].Vuln.Name != "bashglibc" {
		t.Errorf("found %+v, %v", found, err)
	}
	if len(unknown) != 1 || !strings.Contains(unknown[0].What, "odd 1") || strings.Contains(unknown[0].What, "adduser") {
		t.Errorf("unknown: %v", unknown)
	}
	// Where the SBOM names sources, a package without one has its source's name.
	found, unknown, err = Match(t.Context(), bare("pkg:deb/debian/libc6@2.31-13?upstream=glibc", "pkg:deb/debian/odd@1"), l, Options{})
	if err != nil || len(found) != 1 || len(unknown) != 0 {
		t.Errorf("found %+v, unknown %v, %v", found, unknown, err)
	}
}

// TestBareEpochs: where no RPM package of an SBOM has an epoch, its tool leaves them
// out, and none is not zero.
func TestBareEpochs(t *testing.T) {
	l := newMemory(ranged("AlmaLinux:9", "openssl-libs", "CVE-2026-1", Event{Introduced: "0"}, Event{Fixed: "1:3.5.5-4.el9_8"}),
		ranged("AlmaLinux:9", "bash", "CVE-2026-2", Event{Introduced: "0"}, Event{Fixed: "5.1.8-9.el9"}))
	for _, c := range []struct {
		packages, found string
	}{
		{"openssl-libs@3.5.5-4.el9_8 bash@5.1.8-9.el9", ""},
		{"openssl-libs@3.5.5-3.el9_8 bash@5.1.8-6.el9", "bash openssl-libs"},
		{"openssl-libs@3.5.5-4.el9_8 dbus@1.12.20-5.el9?epoch=1", "openssl-libs"}, // the tool does write them
		{"openssl-libs@3.5.5-4.el9_8?epoch=1", ""},
	} {
		inv := &sbom.Inventory{Distro: &sbom.Distro{ID: "almalinux", VersionID: "9"}}
		for s := range strings.FieldsSeq(c.packages) {
			p, err := sbom.FromPURL("pkg:rpm/almalinux/" + s)
			if err != nil {
				t.Fatal(err)
			}
			inv.Packages = append(inv.Packages, p)
		}
		found, _, err := Match(t.Context(), inv, l, Options{})
		var names []string
		for _, f := range found {
			names = append(names, f.Vuln.Name)
		}
		slices.Sort(names)
		if got := strings.Join(names, " "); err != nil || got != c.found {
			t.Errorf("%s: found %q, want %q (%v)", c.packages, got, c.found, err)
		}
		// The package database of a system has them all: what has none has zero.
		for i := range inv.Packages {
			inv.Packages[i].Cataloger = "rpm"
		}
		if found, _, err = Match(t.Context(), inv, l, Options{}); err != nil || strings.HasPrefix(c.packages, "openssl-libs@3.5.5-4.el9_8 ") && len(found) != 1 {
			t.Errorf("%s, of a database: %+v, %v", c.packages, found, err)
		}
	}
}
