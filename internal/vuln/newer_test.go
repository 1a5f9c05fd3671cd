package vuln

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

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

// covering is a Lookup that knows what it covers.
type covering struct {
	*memory
	by map[string]Coverage
}

func (c covering) Coverage(_ context.Context, eco string) (Coverage, bool, error) {
	v, ok := c.by[eco]
	return v, ok, nil
}

// How far a distribution supports a package stands with what is found in it, and
// explains that there is no fix; packages without findings are told too.
func TestSupportIsTold(t *testing.T) {
	day := func(y, d int) time.Time { return time.Date(y, 2, d, 0, 0, 0, 0, time.UTC) }
	unfixed := func(name string) Advisory {
		return Advisory{ID: "CVE-1", Source: "debian", Ecosystem: "Debian:12", Package: name, Ranges: []Range{{Type: "ECOSYSTEM", Events: []Event{{Introduced: "0"}}}}}
	}
	l := covering{newMemory(unfixed("xen"), unfixed("binutils"), unfixed("bash")), map[string]Coverage{"Debian:12": {
		Ecosystem: "Debian:12", To: day(2026, 3), Unfixed: day(2025, 3), Lagging: []string{"firefox-esr", "thunderbird"},
		Support: []Support{{Package: "binutils", Level: LimitedSupport}, {Package: "golang*", Level: LimitedSupport}, {Package: "xen", Level: NoSupport, Since: day(2024, 9)}},
	}}}
	inv := &sbom.Inventory{Distro: &sbom.Distro{ID: "debian", VersionID: "12"}, Packages: []sbom.Package{
		{Type: "deb", Name: "libxen", Source: "xen", Version: "4.17"},
		{Type: "deb", Name: "binutils", Version: "2.40"},
		{Type: "deb", Name: "bash", Version: "5"},
		{Type: "deb", Name: "golang-1.19-go", Source: "golang-1.19", Version: "1"},
		{Type: "deb", Name: "firefox-esr", Version: "128"},
		{Type: "deb", Name: "thunderbird", Version: "128", Removed: true},
	}}
	found, _ := match(t, l, inv)
	got := map[string]string{}
	for _, f := range found {
		text := f.Vuln.NoFix + "|"
		for _, e := range f.Evidence {
			if e.Kind == "support" {
				text += e.Text
			}
		}
		got[f.Vuln.Name] = text
	}
	want := map[string]string{
		"xen": "no security support since 2024-02-09|no security support since 2024-02-09", "binutils": "|limited security support", "bash": "|",
	}
	if !maps.Equal(got, want) {
		t.Errorf("support %q, want %q", got, want)
	}
	covered, err := Coverages(t.Context(), inv, l)
	if err != nil || len(covered) != 1 || covered[0].Packages != 5 {
		t.Fatalf("%+v, %v", covered, err)
	}
	lines := []string{
		"Debian 12: fixes are recorded to 2026-02-03, vulnerabilities without a fix only to 2025-02-03",
		"firefox-esr: nothing is recorded after 2025-02-03",
		"limited security support: binutils, golang-1.19",
		"no security support since 2024-02-09: xen",
	}
	if s := covered[0].Sentences(); !slices.Equal(s, lines) {
		t.Errorf("sentences %q, want %q", s, lines)
	}
}

func TestSortAliases(t *testing.T) {
	ids := []string{"ALSA-2022:1065", "BIT-node-2022-1", "UBUNTU-CVE-2022-1", "DSA-1-1", "GHSA-b", "CVE-2022-1", "RUSTSEC-2022-0001", "GHSA-a", "GO-2022-1"}
	SortAliases(ids)
	want := []string{"CVE-2022-1", "GHSA-a", "GHSA-b", "GO-2022-1", "RUSTSEC-2022-0001", "DSA-1-1", "ALSA-2022:1065", "UBUNTU-CVE-2022-1", "BIT-node-2022-1"}
	if !slices.Equal(ids, want) {
		t.Errorf("%v, want %v", ids, want)
	}
}
