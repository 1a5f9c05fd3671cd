package catalog

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestWhatProjectsOfNETTake: central versions and those that override them, what files
// above a project add, change and take away, and what NuGet takes of a range.
func TestWhatProjectsOfNETTake(t *testing.T) {
	project := func(body string) string {
		return "<Project Sdk=\"Microsoft.NET.Sdk\">" + body + "</Project>"
	}
	items := func(body string) string { return project("<ItemGroup>" + body + "</ItemGroup>") }
	ref := func(name, version string) string {
		return `<PackageReference Include="` + name + `" ` + version + ` />`
	}
	agreed := func(name, version string) string {
		return `<PackageVersion Include="` + name + `" Version="` + version + `" />`
	}
	const central = "Directory.Packages.props"
	upward := `<Import Project="$([MSBuild]::GetPathOfFileAbove('Directory.Packages.props', '$(MSBuildThisFileDirectory)../'))" />`
	lock := `{"version":2,"dependencies":{"net8.0":{"A":{"type":"Direct","requested":"[1.0.0, )","resolved":"1.5.0"}}}}`
	for _, c := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"overridden", map[string]string{central: items(agreed("A", "1.0.0") + agreed("B", "1.0.0")), "src/x/x.csproj": items(ref("A", `VersionOverride="2.0.0"`) + ref("b", ""))}, "A@2.0.0 B@1.0.0"},
		{"overridden by one of two", map[string]string{central: items(agreed("A", "1.0.0")), "x/x.csproj": items(ref("A", `VersionOverride="2.0.0"`)), "y/y.vbproj": items(ref("A", ""))}, "A@1.0.0 A@2.0.0"},
		{"overridden in an element", map[string]string{central: items(agreed("A", "1.0.0")), "x.fsproj": project(`<PropertyGroup><AV>2.0.0</AV></PropertyGroup><ItemGroup><PackageReference Include="A"><VersionOverride>$(AV)</VersionOverride></PackageReference></ItemGroup>`)}, "A@2.0.0"},
		{"the nearest", map[string]string{central: items(agreed("A", "1.0.0")), "b/" + central: items(agreed("A", "3.0.0")), "b/x.csproj": items(ref("A", ""))}, "A@1.0.0 A@3.0.0"},
		{"imported and updated", map[string]string{central: items(agreed("A", "1.0.0") + agreed("B", "1.0.0")), "b/" + central: project(upward + `<ItemGroup><PackageVersion Update="A" Version="3.0.0" /></ItemGroup>`), "b/x.csproj": items(ref("A", "") + ref("B", ""))}, "A@3.0.0 B@1.0.0"},
		{"properties of another file", map[string]string{central: project(`<Import Project="eng\Versions.props" /><ItemGroup>` + agreed("A", "$(AV)") + "</ItemGroup>"), "eng/Versions.props": project("<PropertyGroup><AV>1.0.0</AV></PropertyGroup>"), "x.csproj": items(ref("A", ""))}, "A@1.0.0"},
		{"files that import each other", map[string]string{central: project(`<Import Project="x.props" /><ItemGroup>` + agreed("A", "1.0.0") + "</ItemGroup>"), "x.props": project(`<Import Project="Directory.Packages.props" />`), "x.csproj": items(ref("A", ""))}, "A@1.0.0"},
		{"updated above and below", map[string]string{"Directory.Build.props": items(ref("A", `Version="1.0.0"`) + ref("C", `Version="1.0.0"`)), "x.csproj": items(`<PackageReference Update="A" Version="2.0.0" /><PackageReference Remove="C" />` + ref("B", `Version="1.0.0"`)), "Directory.Build.targets": items(`<PackageReference Update="B" Version="3.0.0" />`)}, "A@2.0.0 B@3.0.0"},
		{"of the SDK", map[string]string{"x.fsproj": items(`<PackageReference Update="FSharp.Core" Version="6.0.1" />`)}, "FSharp.Core@6.0.1"},
		{"several in one, for several frameworks", map[string]string{"x.csproj": items(ref("A;B", `Version="1.0.0" Condition="'$(TargetFramework)' == 'net48'"`) + ref("A", `Version="2.0.0"`))}, "A@1.0.0 A@2.0.0 B@1.0.0"},
		{"a default", map[string]string{"Directory.Build.props": project("<PropertyGroup><AV>2.0.0</AV></PropertyGroup>"), "x.csproj": project(`<PropertyGroup><AV Condition="'$(AV)' == ''">1.0.0</AV></PropertyGroup><ItemGroup>` + ref("A", `Version="$(AV)"`) + "</ItemGroup>")}, "A@2.0.0"},
		{"ranges", map[string]string{"x.csproj": items(ref("A", `Version="[1.0.0,2.0.0)"`) + ref("B", `Version="[1.2.3]"`) + ref("C", `Version="1.*"`) + ref("D", `Version="(1.0.0,2.0.0)"`) + ref("E", `Version="[1.0.0, )"`) + ref("F", `Version="(,2.0.0]"`) + ref("G", `Version="1.0.0-*"`))}, "A@1.0.0 B@1.2.3 E@1.0.0 ? C, D, F, G, transitive dependencies"},
		{"locked", map[string]string{central: items(agreed("A", "1.0.0")), "x.csproj": items(ref("A", "")), "packages.lock.json": lock}, "A@1.5.0"},
		{"one locked, one not", map[string]string{central: items(agreed("A", "1.0.0") + agreed("B", "2.0.0")), "x/x.csproj": items(ref("A", "")), "x/packages.lock.json": lock, "y/y.csproj": items(ref("B", ""))}, "A@1.0.0 A@1.5.0 B@2.0.0"},
		{"for all projects", map[string]string{central: items(`<GlobalPackageReference Include="G" Version="1.0.0" />`), "x.csproj": items(ref("A", `Version="1.0.0"`))}, "A@1.0.0 G@1.0.0:dev"},
		{"before NuGet knew of it", map[string]string{"Packages.props": items(`<PackageReference Update="A" Version="1.0.0" />`), "x/x.csproj": items(ref("A", ""))}, "A@1.0.0"},
	} {
		inv := dirScan(t, lockFolder(t, c.files))
		var got []string
		for _, p := range inv.Packages {
			of := p.Name + "@" + p.Version
			if p.Dev {
				of += ":dev"
			}
			got = append(got, of)
		}
		slices.Sort(got)
		for _, u := range inv.Unknown {
			what, _, _ := strings.Cut(strings.TrimPrefix(u.What, "versions of "), " in ")
			if what != "transitive dependencies" {
				got = append(got, "? "+what)
			}
		}
		if d := cmp.Diff(c.want, strings.Join(got, " ")); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
}
