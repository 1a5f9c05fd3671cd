package vuln

import (
	"context"
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
