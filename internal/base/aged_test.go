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

// TestAgedRuntimes: a runtime of .NET as a program brings it along, as Microsoft's
// packages do, and as a distribution builds it, which fixes its own.
func TestAgedRuntimes(t *testing.T) {
	const core, dotnet = "Microsoft.NETCore.App.Runtime.linux-x64", ".NET Core <dotnetpackages@dotnetfoundation.org>"
	type of = sbom.Package
	for _, tt := range []struct {
		p    of
		want string
	}{
		{of{Type: "nuget", Name: core, Version: "6.0.36"}, "dotnet 6"},
		{of{Type: "nuget", Name: "runtime.linux-x64.Microsoft.NETCore.App", Version: "2.1.30"}, "dotnet 2.1"},
		{of{Type: "nuget", Name: "Microsoft.AspNetCore.App.Runtime.linux-musl-x64", Version: "5.0.17"}, "dotnet 5"},
		{of{Type: "nuget", Name: core, Version: "10.0.0"}, ""},
		{of{Type: "nuget", Name: core, Version: "6.0.36", Removed: true}, ""},
		{of{Type: "nuget", Name: "Newtonsoft.Json", Version: "6.0.1"}, ""},
		{of{Type: "deb", Name: "dotnet-runtime-6.0", Version: "6.0.36-1", Vendor: dotnet}, "dotnet 6"},
		{of{Type: "rpm", Name: "aspnetcore-runtime-7.0", Version: "7.0.20-1", Vendor: "Microsoft Corporation"}, "dotnet 7"},
		{of{Type: "deb", Name: "dotnet-runtime-6.0", Version: "6.0.136-0ubuntu1", Vendor: "Ubuntu Developers <x@lists.ubuntu.com>"}, ""},
		{of{Type: "rpm", Name: "dotnet-runtime-deps-6.0", Version: "6.0.36-1", Vendor: "Microsoft Corporation"}, ""},
	} {
		got := ""
		for _, f := range Aged(&sbom.Inventory{Packages: []of{tt.p}}, now) {
			got = f.Key
		}
		if got != tt.want {
			t.Errorf("%s %s by %q: %q, want %q", tt.p.Name, tt.p.Version, tt.p.Vendor, got, tt.want)
		}
	}
}
