package vuln

import (
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/sbom"
)

// TestLostRange: a record that names no range yields to one of the same
// vulnerability that does, and is said to where it stands alone.
func TestLostRange(t *testing.T) {
	lost := ranged("PyPI", "langchain", "GHSA-hc5w", Event{Introduced: "0"})
	lost.Aliases = []string{"CVE-2024-7774"}
	told := ranged("PyPI", "langchain", "PYSEC-2024-111", Event{Introduced: "0"}, Event{Fixed: "0.2.19"})
	told.Aliases = []string{"CVE-2024-7774"}
	alone := ranged("PyPI", "langchain", "GHSA-alone", Event{Introduced: "0"})
	l := newMemory(lost, told, alone)
	for version, want := range map[string]int{"0.3.0": 1, "0.2.0": 2} {
		found, _ := match(t, l, &sbom.Inventory{Packages: []sbom.Package{pkg("pypi", "", "langchain", version, "/x")}})
		if len(found) != want {
			t.Errorf("%s: %d found, want %d", version, len(found), want)
		}
		for _, f := range found {
			said := false
			for _, e := range f.Evidence {
				said = said || strings.Contains(e.Text, "names no range")
			}
			if f.Vuln.ID == "GHSA-alone" && !said {
				t.Errorf("a silent 'all': %+v", f.Evidence)
			}
		}
	}
	debian := ranged("Debian:12", "x", "CVE-1", Event{Introduced: "0"})
	if debian.Everything() || !alone.Everything() || told.Everything() {
		t.Error("what names no range is not told")
	}
}
