package vuln

import (
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/sbom"
)

func ranged(eco, name, id string, events ...Event) Advisory {
	return Advisory{ID: id, Ecosystem: eco, Package: name, Ranges: []Range{{Type: "ECOSYSTEM", Events: events}}}
}

// TestDialects: versions and names as other tools write them.
func TestDialects(t *testing.T) {
	l := newMemory(
		ranged("Maven", "com.google.guava:guava", "CVE-2023-2976", Event{Introduced: "0"}, Event{Fixed: "32.0.0-android"}),
		ranged("Maven", "com.microsoft.sqlserver:mssql-jdbc", "CVE-2025-59250", Event{Introduced: "0"}, Event{Fixed: "10.2.4.jre11"}),
		ranged("Go", "stdlib", "GO-2021-0067", Event{Introduced: "1.16.0"}, Event{Fixed: "1.16.3"}),
		ranged("RubyGems", "nokogiri", "CVE-2022-24836", Event{Introduced: "0"}, Event{Fixed: "1.13.4"}),
		ranged("Ubuntu:22.04:LTS", "openssl", "UBUNTU-CVE-2022-3602", Event{Introduced: "0"}, Event{Fixed: "3.0.2-0ubuntu1.7"}),
	)
	for _, test := range []struct {
		purl, distro, want string // fixes, by blanks
	}{
		{"pkg:maven/com.google.guava/guava@24.1.1-jre", "", "32.0.0-jre"},
		{"pkg:maven/com.google.guava/guava@24.1.1-android", "", "32.0.0-android"},
		{"pkg:maven/com.google.guava/guava@20.0", "", "32.0.0-android"},
		{"pkg:maven/com.google.guava/guava@32.0.0-jre", "", ""},
		{"pkg:maven/com.microsoft.sqlserver/mssql-jdbc@10.2.4.jre8", "", ""},
		{"pkg:maven/com.microsoft.sqlserver/mssql-jdbc@10.2.3.jre8", "", "10.2.4.jre8"},
		{"pkg:golang/std@go1.16.2", "", "1.16.3"},
		{"pkg:golang/stdlib@1.16.3", "", ""},
		{"pkg:gem/nokogiri@1.13.4-x86_64-linux", "", ""},
		{"pkg:gem/nokogiri@1.13.3-java", "", "1.13.4"},
		{"pkg:deb/ubuntu/openssl@3.0.2-0ubuntu1.6?distro=jammy", "jammy", "3.0.2-0ubuntu1.7"},
	} {
		p, err := sbom.FromPURL(test.purl)
		if err != nil {
			t.Fatal(err)
		}
		inv := &sbom.Inventory{Packages: []sbom.Package{p}}
		if test.distro != "" {
			inv.Distro = &sbom.Distro{ID: p.Namespace, Codename: test.distro}
		}
		found, unknown := match(t, l, inv)
		var fixes []string
		for _, f := range found {
			fixes = append(fixes, f.Vuln.FixedIn)
		}
		if got := strings.Join(fixes, " "); got != test.want || len(unknown) > 0 {
			t.Errorf("%s: fixed in %q, want %q; unknown %v", test.purl, got, test.want, unknown)
		}
	}
}

// TestUntaggedCommit: a commit without a release before it is ordered with the
// releases that follow from it, and with no others.
func TestUntaggedCommit(t *testing.T) {
	l := newMemory(
		ranged("Go", "github.com/docker/cli", "GHSA-99pg", Event{Introduced: "0"}, Event{Fixed: "20.10.9"}),
		ranged("Go", "github.com/docker/cli", "GHSA-99ph", Event{Introduced: "0"}, Event{Fixed: "20.10.10"}),
		ranged("Go", "golang.org/x/crypto", "GO-1", Event{Introduced: "0"}, Event{Fixed: "0.17.0"}),
		ranged("Go", "golang.org/x/text", "GO-2", Event{Introduced: "0"}, Event{Fixed: "0.0.0-20220101000000-aaaaaaaaaaaa"}),
	)
	module := func(namespace, name, version string) sbom.Package {
		return pkg("golang", namespace, name, version, "/bin/x")
	}
	const commit = "v0.0.0-20210617193200-0123456789ab"
	found, unknown := match(t, l, &sbom.Inventory{Packages: []sbom.Package{
		module("github.com/docker", "cli", commit), module("golang.org/x", "crypto", commit), module("golang.org/x", "text", commit),
	}})
	if len(found) != 2 {
		t.Errorf("%d found", len(found))
	}
	if len(unknown) != 1 || !strings.Contains(unknown[0].What, "github.com/docker/cli "+commit) {
		t.Errorf("unknown: %v", unknown)
	}
}

// TestStampedCommit: a checkout without tags stamps a program's own module as
// though no release came before it: only what advisories say of commits tells.
func TestStampedCommit(t *testing.T) {
	l := newMemory(
		ranged("Go", "example.org/app/v2", "GO-1", Event{Introduced: "0"}, Event{Fixed: "2.9.0"}),
		ranged("Go", "example.org/app/v2", "GO-2", Event{Introduced: "0"}),
		ranged("Go", "example.org/app/v2", "GO-3", Event{Introduced: "0"}, Event{Fixed: "2.0.0-20220101000000-aaaaaaaaaaaa"}),
	)
	p := pkg("golang", "example.org/app", "v2", "v2.0.0-20210617193200-0123456789ab", "/bin/x")
	for _, main := range []bool{true, false} {
		p.Root = main
		found, unknown := match(t, l, &sbom.Inventory{Packages: []sbom.Package{p}})
		if want := map[bool]int{true: 2, false: 3}[main]; len(found) != want {
			t.Errorf("main %t: %d found, want %d", main, len(found), want)
		}
		if said := len(unknown) == 1 && strings.Contains(unknown[0].What, "example.org/app/v2 v2.0.0-"); said != main {
			t.Errorf("main %t: unknown %v", main, unknown)
		}
	}
}

// TestProBesideIgnored: what the release will not fix, Ubuntu Pro may have.
func TestProBesideIgnored(t *testing.T) {
	base := ranged("Ubuntu:20.04:LTS", "php7.4", "UBUNTU-CVE-1-1", Event{Introduced: "0"})
	base.NoFix = "won't fix"
	l := newMemory(base, ranged("Ubuntu:Pro:20.04:LTS", "php7.4", "UBUNTU-CVE-1-1", Event{Introduced: "0"}, Event{Fixed: "7.4.3-4ubuntu2.29+esm1"}))
	found, _ := match(t, l, &sbom.Inventory{Distro: &sbom.Distro{ID: "ubuntu", VersionID: "20.04"}, Packages: []sbom.Package{
		{Type: "deb", Namespace: "ubuntu", Name: "php7.4", Version: "7.4.3-4ubuntu2.29"},
	}})
	if len(found) != 1 || found[0].Vuln.NoFix != "won't fix; fixed in Ubuntu Pro: 7.4.3-4ubuntu2.29+esm1" {
		t.Errorf("%+v", found)
	}
}
