package minify

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image/keep"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/sbom/catalog"
)

func TestAbsent(t *testing.T) {
	inv := &sbom.Inventory{}
	add := func(kind, name, source, arch string) {
		inv.Packages = append(inv.Packages, sbom.Package{Type: kind, Namespace: "debian", Name: name, Version: "1", Source: source, SourceVersion: "1", Arch: arch})
	}
	var fates []keep.Package
	fate := func(name, arch string, f keep.Fate, paths ...string) {
		fates = append(fates, keep.Package{Owned: catalog.Owned{Name: name, Arch: arch, Paths: paths}, Fate: f})
	}
	var before, after []finding.Finding
	vuln := func(id, name string) finding.Finding {
		for _, p := range inv.Packages {
			if p.Name == name {
				return finding.Finding{Vuln: &finding.Vuln{ID: id, Package: sbom.SourcePURL(p, inv.Distro)}}
			}
		}
		t.Fatal(name)
		return finding.Finding{}
	}
	add("deb", "gone", "gone", "amd64")
	fate("gone", "", keep.Removed, "usr/bin/gone", "usr/bin/other")
	add("deb", "stays", "stays", "amd64")
	fate("stays", "amd64", keep.Whole, "usr/bin/stays")
	add("deb", "part", "part", "amd64")
	fate("part", "amd64", keep.Part, "usr/bin/part")
	add("deb", "half-bin", "half", "amd64")
	add("deb", "half-lib", "half", "amd64")
	fate("half-bin", "amd64", keep.Removed, "usr/bin/half")
	fate("half-lib", "amd64", keep.Whole, "usr/lib/half")
	add("deb", "unlisted", "unlisted", "amd64")
	add("deb", "empty", "empty", "amd64")
	fate("empty", "amd64", keep.Removed)
	add("deb", "two", "two", "amd64")
	add("deb", "two", "two", "i386")
	fate("two", "amd64", keep.Removed, "usr/lib/64/two")
	fate("two", "i386", keep.Whole, "usr/lib/32/two")
	add("npm", "module", "", "")
	for _, name := range []string{"gone", "stays", "part", "half-bin", "unlisted", "empty", "two", "module"} {
		before = append(before, vuln("CVE-2024-0001", name))
	}
	found := vuln("CVE-2024-0002", "gone") // by a copy that no package owns
	before, after = append(before, found), append(after, found)
	excused := vuln("CVE-2024-0003", "gone")
	excused.Suppressed = &finding.Suppression{}
	before = append(before, excused)

	got := absent(inv, fates, before, after)
	want := []Absent{{*before[0].Vuln, []string{inv.Packages[0].PURLIn(inv.Distro)}, 2}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
