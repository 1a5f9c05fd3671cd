package vuln

import (
	"testing"

	"github.com/drydock-dev/drydock/internal/sbom"
)

func TestGoVersion(t *testing.T) {
	for in, want := range map[string]string{
		"1.20.3": "1.20.3", "go1.20.3": "1.20.3", "go1.21rc2": "1.21.0-rc.2", "go1.22.5 X:boringcrypto": "1.22.5", "1.9beta1": "1.9.0-beta.1", "1.21.0-rc.2": "1.21.0-rc.2",
		"go1.21.13 (Red Hat 1.21.13-3.el9)": "1.21.13", "1.21.11b3": "1.21.11", "1.22.5-1": "1.22.5", "1.22.5-fips": "1.22.5", "1.23-a1b2c3": "1.23-a1b2c3",
	} {
		if got := goVersion(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

// TestAfterTag: what is built of a release with something added is not before it, as a
// semantic version with a hyphen would be.
func TestAfterTag(t *testing.T) {
	for in, want := range map[string]string{
		"v1.7.22-5-gabcdef1":          "v1.7.22",
		"v1.7.22-5-gabcdef1-dirty":    "v1.7.22",
		"v1.7.22-dirty":               "v1.7.22",
		"v1.7.22-rc.1-5-gabcdef1":     "v1.7.22-rc.1",
		"v1.29.3-eks-adc7111":         "v1.29.3",
		"v1.29.3-gke.1000":            "v1.29.3",
		"v1.29.3+k3s1":                "v1.29.3+k3s1",
		"v1.7.22-rc.1":                "v1.7.22-rc.1",
		"v1.7.22-alpha-2":             "v1.7.22-alpha-2",
		"v0.0.0-20210101000000-abcde": "v0.0.0-20210101000000-abcde",
		"v1.7.23-0.20210101000000-gb": "v1.7.23-0.20210101000000-gb",
	} {
		if got := afterTag(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
	l := newMemory(Advisory{ID: "GO-1", Source: "osv", Ecosystem: "Go", Package: "example.org/tool", Ranges: []Range{{Type: "SEMVER", Events: []Event{{Introduced: "0"}, {Fixed: "1.7.22"}}}}})
	for version, n := range map[string]int{"v1.7.22-5-gabcdef1": 0, "v1.7.21-5-gabcdef1": 1, "v1.7.22-rc.1": 1} {
		found, _ := match(t, l, &sbom.Inventory{Packages: []sbom.Package{{Type: "golang", Namespace: "example.org", Name: "tool", Version: version}}})
		if len(found) != n {
			t.Errorf("%s: %d findings, want %d", version, len(found), n)
		}
	}
}
