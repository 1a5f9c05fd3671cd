package vuln

import (
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/sbom"
)

// TestNoFixIsNotGuessed: "end of life" is concluded only of what the release's
// own advisory stands behind.
func TestNoFixIsNotGuessed(t *testing.T) {
	const cve = "CVE-2022-41741"
	bitnami := func(evs ...Event) Advisory {
		return Advisory{
			ID: "BIT-nginx-2022-41741", Aliases: []string{cve}, Source: "bitnami", Ecosystem: "Bitnami", Package: "nginx",
			Ranges: []Range{{Type: "SEMVER", Events: evs}},
		}
	}
	debian := Advisory{ID: cve, Source: "debian", Ecosystem: "Debian:11", Package: "nginx", Ranges: events(in("0"))}
	other := Advisory{ID: "CVE-2000-1", Source: "debian", Ecosystem: "Debian:11", Package: "other", Ranges: events(in("0"))}
	const ours, theirs = "1.18.0-6.1", "1.20.1-1~bullseye"
	ended := func(string, string) (time.Time, bool) { return time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), true }
	for name, tc := range map[string]struct {
		version string
		advs    []Advisory
		want    string
	}{
		"the distribution's own":         {ours, []Advisory{debian}, "end of life"},
		"upstream's, last affected":      {theirs, []Advisory{bitnami(in("1.1.3"), last("1.22.0"))}, "only in versions after 1.22.0"},
		"upstream's of two branches":     {theirs, []Advisory{bitnami(in("1.1.3"), last("1.22.0"), in("1.23.0"), last("1.23.1"))}, "only in versions after 1.22.0"},
		"upstream's, which says no more": {theirs, []Advisory{bitnami(in("1.1.3"))}, ""},
		"upstream's build, both speak":   {theirs, []Advisory{debian, bitnami(in("1.1.3"), last("1.22.0"))}, "only in versions after 1.22.0"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newMemory(append(tc.advs, other, bitnami(in("9"), fix("10")))...)
			inv := &sbom.Inventory{Distro: &sbom.Distro{ID: "debian", VersionID: "11"}, Packages: []sbom.Package{deb("nginx", tc.version, "nginx", tc.version)}}
			found, _, err := Match(t.Context(), inv, l, Options{Now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), EndOfLife: ended})
			if err != nil {
				t.Fatal(err)
			}
			if f := one(t, found, cve, "nginx"); f.Vuln.NoFix != tc.want || f.Vuln.FixedIn != "" {
				t.Errorf("%q (fixed in %q), want %q", f.Vuln.NoFix, f.Vuln.FixedIn, tc.want)
			}
		})
	}
}
