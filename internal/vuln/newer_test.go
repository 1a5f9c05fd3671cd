package vuln

import (
	"slices"
	"testing"

	"github.com/drydock-dev/drydock/internal/sbom"
)

func fixedAt(id, eco, name, fixed string, aliases ...string) Advisory {
	return Advisory{
		ID: id, Aliases: aliases, Ecosystem: eco, Package: name,
		Ranges: []Range{{Type: "ECOSYSTEM", Events: []Event{{Introduced: "0"}, {Fixed: fixed}}}},
	}
}

// Two databases' records of one CVE are one vulnerability, also where they know
// each other by a third name only.
func TestRecordsOfOneVulnerability(t *testing.T) {
	l := newMemory(
		fixedAt("PYSEC-2026-1", "PyPI", "django", "5.0.2", "CVE-2026-1", "GHSA-aaaa"),
		fixedAt("GHSA-aaaa", "PyPI", "django", "5.0.2", "CVE-2026-1"),
		fixedAt("PYSEC-2026-2", "PyPI", "django", "5.0.3", "GHSA-bbbb"),
		fixedAt("GHSA-bbbb", "PyPI", "django", "5.0.3", "CVE-2026-2"),
		fixedAt("FOP-1", "Packagist", "drupal/core", "9.0.0", "CVE-2026-3"),
		fixedAt("DRUPAL-CORE-2026-1", "Drupal", "drupal/core", "9.0.0", "CVE-2026-3"),
		fixedAt("DRUPAL-CONTRIB-2026-1", "Drupal", "drupal/token", "1.5.0"),
		fixedAt("JLSEC-2026-1", "Julia", "curl_jll", "8.0.1+1", "CVE-2026-4"),
		fixedAt("HSEC-2026-1", "Hackage", "aeson", "2.0.1.0"),
	)
	found, unknown := match(t, l, &sbom.Inventory{Packages: []sbom.Package{
		{Type: "pypi", Name: "Django", Version: "5.0.1"},
		{Type: "composer", Namespace: "drupal", Name: "core", Version: "8.9.0"},
		{Type: "composer", Namespace: "drupal", Name: "token", Version: "1.4.0"},
		{Type: "julia", Name: "curl_jll", Version: "8.0.1+0"},
		{Type: "hackage", Name: "aeson", Version: "2.0.0.0"},
	}})
	if len(unknown) != 0 {
		t.Errorf("unknown: %v", unknown)
	}
	var got []string
	for _, f := range found {
		got = append(got, f.Vuln.ID+" "+f.Vuln.FixedIn)
	}
	slices.Sort(got)
	want := []string{"CVE-2026-1 5.0.2", "CVE-2026-2 5.0.3", "CVE-2026-3 9.0.0", "CVE-2026-4 8.0.1+1", "DRUPAL-CONTRIB-2026-1 1.5.0", "HSEC-2026-1 2.0.1.0"}
	if !slices.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
}

// A release goes by one name however an SBOM spells it, and one that the data do
// not have is Unknown.
func TestReleasesWithoutData(t *testing.T) {
	l := newMemory(fixedAt("CVE-1", "Debian:6.0", "bash", "4"), fixedAt("CVE-1", "Debian:9", "bash", "4"), fixedAt("CVE-1", "Ubuntu:22.04:LTS", "bash", "4"), fixedAt("CVE-1", "Alpine:v3.20", "bash", "4"))
	bash := func(typ string) []sbom.Package { return []sbom.Package{{Type: typ, Name: "bash", Version: "3"}} }
	for _, c := range []struct {
		distro sbom.Distro
		typ    string
		known  bool
	}{
		{sbom.Distro{ID: "debian", VersionID: "6.0.10"}, "deb", true},
		{sbom.Distro{ID: "debian", VersionID: "6"}, "deb", true},
		{sbom.Distro{ID: "debian", Codename: "stretch"}, "deb", true},
		{sbom.Distro{ID: "debian", VersionID: "5"}, "deb", false},
		{sbom.Distro{ID: "debian", VersionID: "14"}, "deb", false},
		{sbom.Distro{ID: "debian", Codename: "forky"}, "deb", false},
		{sbom.Distro{ID: "debian", VersionID: "sarge"}, "deb", false},
		{sbom.Distro{ID: "debian"}, "deb", false},
		{sbom.Distro{ID: "ubuntu", VersionID: "22.04"}, "deb", true},
		{sbom.Distro{ID: "ubuntu", VersionID: "24.10"}, "deb", false},
		{sbom.Distro{ID: "ubuntu"}, "deb", false},
		{sbom.Distro{ID: "alpine", VersionID: "3.20.3"}, "apk", true},
		{sbom.Distro{ID: "alpine", VersionID: "3.24.2"}, "apk", false},
		{sbom.Distro{ID: "alpine", VersionID: "edge"}, "apk", false},
	} {
		found, unknown := match(t, l, &sbom.Inventory{Distro: &c.distro, Packages: bash(c.typ)})
		if c.known != (len(found) == 1) || c.known == (len(unknown) == 1) {
			t.Errorf("%+v: %d found, unknown %v", c.distro, len(found), unknown)
		}
	}
}
