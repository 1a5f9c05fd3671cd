package vuln

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// matchParts is what the parts of an inventory say together.
func matchParts(t *testing.T, l Lookup, inv *sbom.Inventory) []finding.Finding {
	t.Helper()
	var out []finding.Finding
	n := 0
	parts, at := Split(inv)
	for i, p := range parts {
		n += len(p.Inventory.Packages)
		found, _, err := p.Match(t.Context(), l, Options{})
		if err != nil {
			t.Fatal(err)
		}
		names, err := p.Names(t.Context(), l)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			if !slices.ContainsFunc(names, func(n Name) bool { a, _ := l.Advisories(t.Context(), n.Ecosystem, n.Package); return len(a) > 0 }) {
				t.Errorf("%s is of none of the names %v that its part asks for", f.Key, names)
			}
		}
		for k := range found {
			if len(found[k].At) > 0 {
				t.Errorf("%s: a part says where it lies: %v", found[k].Key, found[k].At)
			}
			out = append(out, p.Placed(found[k], at[i]))
		}
	}
	if n != len(inv.Packages) {
		t.Fatalf("%d of %d packages are in the parts", n, len(inv.Packages))
	}
	slices.SortStableFunc(out, finding.Compare)
	return out
}

// sameWord fails where two lists of findings differ in what they say.
func sameWord(t *testing.T, got, want []finding.Finding) {
	t.Helper()
	word := func(f finding.Finding) [8]string {
		by := ""
		if f.Suppressed != nil {
			by = f.Suppressed.By + " " + f.Suppressed.Source
		}
		evidence, err := json.Marshal(f.Evidence)
		if err != nil {
			t.Fatal(err)
		}
		return [8]string{f.Key, f.Severity.String(), f.Vuln.FixedIn, f.Vuln.NoFix, by, f.Message, fmt.Sprintf("%+v", f.At), string(evidence)}
	}
	has := map[[8]string]int{}
	for _, f := range want {
		has[word(f)]++
	}
	for _, f := range got {
		has[word(f)]--
	}
	for w, n := range has {
		if n != 0 {
			t.Errorf("the whole has %+d of %q", n, w)
		}
	}
}

func TestPartsSayWhatTheWholeSays(t *testing.T) {
	l := facts(t)
	owned := pkg("pypi", "", "Jinja2", "2.11.2", "/usr/lib/python3/dist-packages/Jinja2-2.11.2.egg-info")
	owned.Owner = "pkg:deb/debian/python3-jinja2@2.11.3-1"
	node := deb("nodejs", "21.6.1-1nodesource1", "nodejs", "21.6.1-1nodesource1")
	byForeign := pkg("npm", "", "lodash", "4.17.15", "/usr/lib/node_modules/lodash/package.json")
	byForeign.Owner = node.PURL()
	mixed := &sbom.Inventory{
		Distro: &sbom.Distro{ID: "debian", VersionID: "11"},
		Packages: []sbom.Package{
			owned, node, byForeign,
			deb("linux", "5.10.0-1", "linux-libc-dev", "5.10.0-1"),
			deb("openssl", "1.1.1k-1", "libssl1.1", "1.1.1k-1"), deb("openssl", "1.1.1k-1", "openssl", "1.1.1k-1"),
			deb("zlib", "1:1.2.11.dfsg-2", "zlib1g", "1:1.2.11.dfsg-2"),
		},
	}
	bare := &sbom.Inventory{Distro: mixed.Distro, Packages: slices.Clone(nginx120(t).Packages)}
	for i := range bare.Packages {
		bare.Packages[i].Source, bare.Packages[i].SourceVersion, bare.Packages[i].Cataloger = "", "", ""
	}
	for name, inv := range map[string]*sbom.Inventory{"mixed": mixed, "nginx": nginx120(t), "no sources": bare} {
		t.Run(name, func(t *testing.T) {
			whole, _ := match(t, l, inv)
			if len(whole) == 0 {
				t.Fatal("nothing is found: the test says nothing")
			}
			sameWord(t, matchParts(t, l, inv), whole)
		})
	}
	if parts, _ := Split(nginx120(t)); len(parts) < 60 {
		t.Errorf("nginx:1.20 is in %d parts", len(parts))
	}
}

// TestPartsKnowEpochs: whether none is zero, the whole inventory tells.
func TestPartsKnowEpochs(t *testing.T) {
	l := newMemory(
		ranged("AlmaLinux:9", "openssl-libs", "ALSA-1", Event{Introduced: "0"}, Event{Fixed: "1:3.5.5-4.el9_8"}),
		ranged("AlmaLinux:9", "openssl", "ALSA-1", Event{Introduced: "0"}, Event{Fixed: "1:3.5.5-4.el9_8"}),
		ranged("AlmaLinux:9", "bash", "ALSA-2", Event{Introduced: "0"}, Event{Fixed: "5.1.8-9.el9"}),
	)
	rpms := func(purls ...string) *sbom.Inventory {
		inv := &sbom.Inventory{Distro: &sbom.Distro{ID: "almalinux", VersionID: "9"}}
		for _, s := range purls {
			p, err := sbom.FromPURL(s)
			if err != nil {
				t.Fatal(err)
			}
			inv.Packages = append(inv.Packages, p)
		}
		return inv
	}
	for _, inv := range []*sbom.Inventory{
		rpms("pkg:rpm/almalinux/openssl-libs@3.5.5-3.el9_8", "pkg:rpm/almalinux/openssl@3.5.5-4.el9_8", "pkg:rpm/almalinux/bash@5.1.8-6.el9"),
		rpms("pkg:rpm/almalinux/openssl-libs@3.5.5-4.el9_8?upstream=openssl-3.5.5-4.el9_8.src.rpm", "pkg:rpm/almalinux/bash@5.1.8-6.el9"),
	} {
		whole, _ := match(t, l, inv)
		if len(whole) != 2 {
			t.Fatalf("%d found", len(whole))
		}
		sameWord(t, matchParts(t, l, inv), whole)
	}
}
