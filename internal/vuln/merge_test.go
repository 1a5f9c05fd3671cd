package vuln

import (
	"testing"

	"github.com/drydock-dev/drydock/internal/sbom"
)

// What several records of one vulnerability say together.
func TestRecordsTogether(t *testing.T) {
	rec := func(eco, id string, es ...Event) Advisory {
		return Advisory{ID: id, Ecosystem: eco, Package: "x", Ranges: events(es...)}
	}
	alias := func(a Advisory, aliases ...string) Advisory {
		a.Aliases = aliases
		return a
	}
	ubuntu := &sbom.Distro{ID: "ubuntu", VersionID: "18.04"}
	alpine := &sbom.Distro{ID: "alpine", VersionID: "3.18.9"}
	for _, test := range []struct {
		name   string
		advs   []Advisory
		distro *sbom.Distro
		p      sbom.Package
		want   string // fixed version; "-": affected without a fix; empty: not affected
	}{
		{
			"secdb's zero over an open record of another feed",
			[]Advisory{rec("Alpine:v3.18", "CVE-1", in("0")), rec("Alpine:v3.18", "CVE-1", in("0"), fix("0"))},
			alpine,
			sbom.Package{Type: "apk", Name: "x", Version: "1.0-r0"},
			"",
		},
		{
			"fixed by the release, open in Pro",
			[]Advisory{rec("Ubuntu:18.04:LTS", "UBUNTU-CVE-1", in("0"), fix("1.0-2")), rec("Ubuntu:Pro:18.04:LTS", "UBUNTU-CVE-1", in("0"))},
			ubuntu,
			sbom.Package{Type: "deb", Name: "x", Version: "1.0-2"},
			"",
		},
		{
			"open in Pro alone",
			[]Advisory{rec("Ubuntu:18.04:LTS", "UBUNTU-CVE-2", in("0")), rec("Ubuntu:Pro:18.04:LTS", "UBUNTU-CVE-1", in("0"))},
			ubuntu,
			sbom.Package{Type: "deb", Name: "x", Version: "1.0-2"},
			"-",
		},
		{
			"a fix that all records accept",
			[]Advisory{alias(rec("npm", "GHSA-a", in("0"), fix("1.2.0")), "CVE-1"), alias(rec("npm", "GHSA-b", in("0"), fix("1.2.0"), in("2.0.0"), fix("2.1.0")), "CVE-1"), alias(rec("npm", "GHSA-c", in("1.0.0"), fix("1.3.0"), in("1.4.0")), "CVE-1")},
			nil,
			sbom.Package{Type: "npm", Name: "x", Version: "1.0.0"},
			"1.3.0",
		},
		{
			"of fixes that all records accept, the smallest, late first",
			[]Advisory{alias(rec("npm", "GHSA-a", in("0"), last("1.1.0"), in("2.0.0"), fix("2.1.0")), "CVE-1"), alias(rec("npm", "GHSA-b", in("0"), fix("1.4.0")), "CVE-1")},
			nil,
			sbom.Package{Type: "npm", Name: "x", Version: "1.0.0"},
			"1.4.0",
		},
		{
			"no fix that all records accept: the greatest",
			[]Advisory{alias(rec("npm", "GHSA-a", in("0"), fix("2.0.0"), in("2.5.0")), "CVE-1"), alias(rec("npm", "GHSA-b", in("0"), fix("1.1.0"), in("1.2.0"), fix("3.0.0")), "CVE-1")},
			nil,
			sbom.Package{Type: "npm", Name: "x", Version: "1.0.0"},
			"2.0.0",
		},
		{
			"a record without a fix does not hide another's",
			[]Advisory{alias(rec("npm", "GHSA-a", in("0")), "CVE-1"), alias(rec("npm", "GHSA-b", in("0"), fix("1.1.0")), "CVE-1")},
			nil,
			sbom.Package{Type: "npm", Name: "x", Version: "1.0.0"},
			"1.1.0",
		},
		{
			"a notice that is fixed later than the CVE's record",
			[]Advisory{
				rec("Debian:11", "CVE-1", in("0"), fix("1.0-2")),
				{ID: "DSA-1-1", Related: []string{"CVE-1"}, Ecosystem: "Debian:11", Package: "x", Ranges: events(in("0"), fix("1.0-3"))},
			},
			&sbom.Distro{ID: "debian", VersionID: "11"},
			sbom.Package{Type: "deb", Name: "x", Version: "1.0-1"},
			"1.0-3",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			found, unknown := match(t, newMemory(test.advs...), &sbom.Inventory{Distro: test.distro, Packages: []sbom.Package{test.p}})
			if len(unknown) != 0 {
				t.Error(unknown)
			}
			got := ""
			for _, f := range found {
				if f.Vuln.ID != "CVE-1" {
					continue
				}
				if got = f.Vuln.FixedIn; got == "" {
					got = "-"
				}
			}
			if got != test.want {
				t.Errorf("%q, want %q (%v)", got, test.want, found)
			}
		})
	}
}
