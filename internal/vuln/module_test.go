package vuln

import (
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/sbom"
)

func erratum(id, name string, modules []string, fixes ...string) Advisory {
	a := Advisory{
		ID: id, Source: "almalinux", Ecosystem: "AlmaLinux:8", Package: name, Modules: modules,
		Related: []string{"CVE" + id[len("ALSA"):len("ALSA-2022")] + "-1" + id[len("ALSA-2022:"):]},
	}
	for _, f := range fixes {
		a.Ranges = append(a.Ranges, Range{Type: "ECOSYSTEM", Events: []Event{{Introduced: "0"}, {Fixed: f}}})
	}
	return a
}

// TestModules: a package of an RPM module is matched with the advisories of its
// own module and stream, and no other package with any module's.
func TestModules(t *testing.T) {
	l := newMemory(
		erratum("ALSA-2022:1762", "podman", []string{"container-tools:rhel8"}, "2:4.0.2-6.module_el8.6.0+2878+e681bc44"),
		erratum("ALSA-2022:2143", "podman", []string{"container-tools:3.0"}, "3.0.1-9.module_el8.6.0+2876+9ed4eae2"),
		erratum("ALSA-2023:5259", "mariadb", []string{"mariadb:10.3"}, "3:10.3.39-1.module_el8.8.0+3609+204d4ab0"),
		erratum("ALSA-2023:5683", "mariadb", []string{"mariadb:10.5"}, "3:10.5.22-1.module_el8.8.0+3670+f7b1e4a6"),
		erratum("ALSA-2021:0735", "nodejs", []string{"nodejs:10"}, "1:10.24.0-1.module_el8.3.0+2023+d2377ea3",
			"1:10.24.0-1.module_el8.4.0+2224+b07ac28e", "1:10.24.0-1.module_el8.5.0+2618+8d46dafd"),
		erratum("ALSA-2021:0734", "nodejs", []string{"nodejs:12"}, "1:12.21.0-1.module_el8.4.0+2221+5a2ac8dc"),
		erratum("ALSA-2021:0736", "npm", []string{"nodejs:12"}, "1:6.14.11-1.12.21.0.1.module_el8.4.0+2221+5a2ac8dc"),
		erratum("ALSA-2023:7743", "curl", nil, "7.61.1-33.el8_9.5"),
		erratum("ALSA-2023:9999", "curl", []string{"curls:7"}, "7.99.1-33.module_el8.9.0+1+aaaaaaaa"),
	)
	rpm := func(name, version, module string) sbom.Package {
		return sbom.Package{Type: "rpm", Namespace: "almalinux", Name: name, Version: version, Module: module}
	}
	for _, test := range []struct {
		name string
		pkgs []sbom.Package
		want map[string]string // vulnerability to fix
	}{
		{"the label's stream, whatever the version", []sbom.Package{
			rpm("podman", "2:3.4.2-9.module_el8.5.0+2614+87221ce8", "container-tools:rhel8"),
		}, map[string]string{"CVE-2022-11762": "2:4.0.2-6.module_el8.6.0+2878+e681bc44"}},
		{"of another stream", []sbom.Package{rpm("podman", "1:3.0.1-8.module_el8.6.0+1+a", "container-tools:3.0")}, map[string]string{}},
		{"fixed in its own stream", []sbom.Package{rpm("mariadb", "3:10.3.39-1.module_el8.8.0+3609+204d4ab0", "mariadb:10.3")}, map[string]string{}},
		{"a fixed build without label", []sbom.Package{rpm("mariadb", "3:10.3.39-1.module_el8.8.0+3609+204d4ab0", "")}, map[string]string{}},
		{"an older build without label", []sbom.Package{rpm("mariadb", "3:10.3.32-1.module_el8.5.0+1+abcdef01", "")}, map[string]string{
			"CVE-2023-15259": "3:10.3.39-1.module_el8.8.0+3609+204d4ab0",
		}},
		{"one of several builds of the fix", []sbom.Package{rpm("nodejs", "1:10.24.0-1.module_el8.4.0+2224+b07ac28e", "nodejs:10")}, map[string]string{}},
		{"below every build of the fix", []sbom.Package{rpm("nodejs", "1:10.23.1-1.module_el8.3.0+2000+aaaaaaaa", "nodejs:10")}, map[string]string{
			"CVE-2021-10735": "1:10.24.0-1.module_el8.3.0+2023+d2377ea3",
		}},
		{"a sibling tells the module", []sbom.Package{
			rpm("npm", "1:6.14.10-1.10.23.1.1.module_el8.3.0+2000+aaaaaaaa", ""),
			rpm("nodejs", "1:10.23.1-1.module_el8.3.0+2000+aaaaaaaa", "nodejs:10"),
		}, map[string]string{"CVE-2021-10735": "1:10.24.0-1.module_el8.3.0+2023+d2377ea3"}},
		{"a sibling without label looks like it", []sbom.Package{
			rpm("npm", "1:6.14.10-1.10.23.1.1.module_el8.3.0+2000+aaaaaaaa", ""),
			rpm("nodejs", "1:10.24.1-1.module_el8.3.0+2000+aaaaaaaa", ""),
		}, map[string]string{}},
		{"nothing tells the stream", []sbom.Package{rpm("podman", "2:3.4.2-9.module_el8.5.0+2614+87221ce8", "")}, map[string]string{}},
		{"of no module", []sbom.Package{rpm("curl", "7.61.1-22.el8", "")}, map[string]string{"CVE-2023-17743": "7.61.1-33.el8_9.5"}},
	} {
		found, unknown := match(t, l, &sbom.Inventory{Distro: &sbom.Distro{ID: "almalinux", VersionID: "8.6"}, Packages: test.pkgs})
		if strings.Contains(test.name, "nothing tells") {
			if len(unknown) != 1 || !strings.Contains(unknown[0].What, "podman") {
				t.Errorf("%s: %v", test.name, unknown)
			}
			unknown = nil
		}
		if len(unknown) > 0 {
			t.Errorf("%s: %v", test.name, unknown)
		}
		got := map[string]string{}
		for _, f := range found {
			got[f.Vuln.ID] = f.Vuln.FixedIn
		}
		if len(got) != len(test.want) {
			t.Errorf("%s: found %v, want %v", test.name, got, test.want)
		}
		for id, fix := range test.want {
			if got[id] != fix {
				t.Errorf("%s: %s is fixed in %q, want %q", test.name, id, got[id], fix)
			}
		}
	}
}

// TestVariant: Oracle's validated and live-patched builds are judged by notices about
// such builds only.
func TestVariant(t *testing.T) {
	notice := func(id, fix string) Advisory {
		return Advisory{ID: id, Source: "oracle", Ecosystem: "Oracle Linux:8", Package: "gnutls", Ranges: []Range{{Type: "ECOSYSTEM", Events: []Event{{Introduced: "0"}, {Fixed: fix}}}}}
	}
	l := newMemory(notice("ELSA-1", "3.6.16-4.el8"), notice("ELSA-2", "10:3.6.16-4.0.1.el8_fips"), notice("ELSA-3", "2:3.6.16-4.ksplice1.el8"), notice("ELSA-4", "5.15.0-204.147.6.2.el8uek"))
	for version, want := range map[string]string{
		"3.6.16-3.el8":             "ELSA-1",
		"3.6.16-4.el8":             "",
		"10:3.6.16-3.0.1.el8_fips": "ELSA-2",
		"10:3.6.16-4.0.1.el8_fips": "",
		"2:3.6.16-3.ksplice1.el8":  "ELSA-3",
		"5.15.0-100.el8uek":        "ELSA-4",
		"5.4.17-2136.300.7.el8uek": "", // of an older line of kernels of the same release
	} {
		found, _ := match(t, l, &sbom.Inventory{Distro: &sbom.Distro{ID: "ol", VersionID: "8.9"}, Packages: []sbom.Package{{Type: "rpm", Name: "gnutls", Version: version}}})
		got := ""
		for _, f := range found {
			got += f.Vuln.ID
		}
		if got != want {
			t.Errorf("%s: %q, want %q", version, got, want)
		}
	}
}
