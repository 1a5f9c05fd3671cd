package base

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// TestAgedHasAPlace: what says the release, in the layer that brought it, and
// the program's own file.
func TestAgedHasAPlace(t *testing.T) {
	inv := &sbom.Inventory{
		Subject: finding.Subject{Kind: finding.KindImage, Name: "x"},
		Distro:  &sbom.Distro{ID: "debian", VersionID: "9"},
		Packages: []sbom.Package{
			{Type: "deb", Name: "base-files", Version: "9.8", Layer: "sha256:old", Removed: true},
			{Type: "deb", Name: "base-files", Version: "9.9", Layer: "sha256:aa"},
			{Type: "generic", Name: "node", Version: "12.0.0", Layer: "sha256:bb", Locations: []sbom.Location{{Path: "/usr/local/bin/node", Layer: "sha256:bb"}}},
			{Type: "generic", Name: "python", Version: "3.6.0", Layer: "sha256:cc"},
		},
	}
	want := [][]finding.Location{
		{{Path: "/etc/os-release", Layer: "sha256:aa"}},
		{{Path: "/usr/local/bin/node", Layer: "sha256:bb"}},
		{{Layer: "sha256:cc"}},
	}
	var got [][]finding.Location
	for _, f := range Aged(inv, now) {
		got = append(got, f.At)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	inv.Subject.Kind, inv.Packages = finding.KindDockerfile, nil
	if f, ok := DistroFinding(inv, now); !ok || len(f.At) != 0 {
		t.Errorf("a Dockerfile has no os-release: %+v", f.At)
	}
}
