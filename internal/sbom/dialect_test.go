package sbom

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/drydock-dev/drydock/internal/finding"
)

func decodeFile(t testing.TB, name string) *Inventory {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	inv, err := Decode(f, name)
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

const noPURL = "it has no package URL, so nothing can be looked up for it"

func TestOtherToolsDialects(t *testing.T) {
	digest := func(c string) finding.Digest { return finding.Digest("sha256:" + strings.Repeat(c, 64)) }
	main := func(kind, name, version string) Component {
		return Component{Kind: kind, Name: name, Version: version, Root: true, Main: true}
	}
	for name, want := range map[string]*Inventory{
		"syft.cdx.json": {
			Subject: finding.Subject{Kind: finding.KindSBOM, Name: "example/web", Digest: digest("1")},
			Distro:  &Distro{ID: "debian", VersionID: "11", Codename: "bullseye", PrettyName: "Debian GNU/Linux 11 (bullseye)"},
			Components: []Component{
				main("container", "example/web", "sha256:"+strings.Repeat("1", 64)), {Kind: "application", Name: "mystery", Version: "3"},
			},
			Packages: []Package{
				{
					Type: "deb", Namespace: "debian", Name: "libssl1.1", Version: "1.1.1n-0+deb11u1", Source: "openssl", Arch: "amd64",
					Licenses: []string{"openssl"}, Layer: "sha256:aaaa", LayerIndex: -1, Cataloger: "dpkg-db-cataloger", Locations: []Location{
						{Path: "/usr/share/doc/libssl1.1/copyright", Layer: "sha256:aaaa"}, {Path: "/var/lib/dpkg/status", Layer: "sha256:bbbb"},
					},
				},
				{Type: "deb", Namespace: "debian", Name: "libstdc++6", Version: "12.2.0-14+b1", Source: "gcc-12", SourceVersion: "12.2.0-14", Arch: "amd64", LayerIndex: -1},
				{
					Type: "golang", Namespace: "github.com/BurntSushi", Name: "toml", Version: "v1.2.0", Layer: "sha256:bbbb", LayerIndex: -1,
					Locations: []Location{{Path: "/usr/bin/tool", Layer: "sha256:bbbb"}},
				},
				{
					Type: "npm", Namespace: "@babel", Name: "core", Version: "7.0.0", Licenses: []string{"MIT", "MIT OR ISC"}, LayerIndex: -1,
					Locations: []Location{{Path: "/app/a/package.json"}, {Path: "/app/b/package.json"}},
				},
				{Type: "rpm", Namespace: "rhel", Name: "bash", Version: "1:5.1.8-6.el9", Arch: "x86_64", LayerIndex: -1},
			},
			Unknown: []finding.Unknown{{What: "component mystery 3", Why: noPURL}},
		},
		"trivy.cdx.json": {
			Subject: finding.Subject{Kind: finding.KindSBOM, Name: "example/web:1", Digest: digest("2")},
			Distro:  &Distro{ID: "debian", VersionID: "11"},
			Components: []Component{
				main("container", "example/web:1", ""), {Kind: "application", Name: "app/package-lock.json", Path: "app/package-lock.json", Root: true},
			},
			Packages: []Package{
				{
					Type: "deb", Namespace: "debian", Name: "libgcc-s1", Version: "1:10.2.1-6", Source: "gcc-10", Arch: "amd64",
					Licenses: []string{"GPL-3.0-only"}, Layer: "sha256:aaaa", LayerIndex: 0,
				},
				{
					Type: "maven", Namespace: "org.apache.logging.log4j", Name: "log4j-core", Version: "2.14.1", Layer: "sha256:bbbb", LayerIndex: 1,
					Locations: []Location{{Path: "/app/app.jar", Layer: "sha256:bbbb"}},
				},
			},
		},
		"scout.cdx.json": {
			Subject:    finding.Subject{Kind: finding.KindSBOM, Name: "example/web:1"},
			Distro:     &Distro{ID: "debian", VersionID: "12", Codename: "bookworm"},
			Components: []Component{{Kind: "library", Name: "bad", Version: "1"}, main("container", "example/web", "1")},
			Packages: []Package{
				{Type: "deb", Namespace: "debian", Name: "apt", Version: "2.6.1", LayerIndex: -1},
				{Type: "deb", Namespace: "debian", Name: "curl", Version: "7.88.1-10+deb12u5", LayerIndex: -1},
				{Type: "golang", Namespace: "github.com/docker", Name: "docker", Version: "v20.10.0+incompatible", LayerIndex: -1},
				{Type: "pypi", Name: "django", LayerIndex: -1},
			},
			Unknown: []finding.Unknown{
				{What: "vulnerabilities of pkg:pypi/Django", Why: "the SBOM gives it no version"},
				{What: "component bad 1", Why: `purl "not a purl": purl scheme is not "pkg": "not a purl"`},
			},
		},
		"syft.spdx.json": {
			Subject:    finding.Subject{Kind: finding.KindSBOM, Name: "example/web", Digest: "sha256:3333"},
			Distro:     &Distro{ID: "debian", VersionID: "12"},
			Components: []Component{main("container", "example/web", "sha256:3333")},
			Packages: []Package{
				{
					Type: "deb", Namespace: "debian", Name: "nodejs", Version: "18.13.0+dfsg1-1", Arch: "amd64", Licenses: []string{"Apache-2.0 AND LicenseRef-Expat"},
					LayerIndex: -1, Locations: []Location{{Path: "/usr/share/doc/nodejs/copyright"}, {Path: "/var/lib/dpkg/status"}},
				},
				{
					Type: "npm", Name: "acorn", Version: "8.8.1", LayerIndex: -1, Owner: "pkg:deb/debian/nodejs@18.13.0%2Bdfsg1-1?arch=amd64",
					Locations: []Location{{Path: "/usr/share/nodejs/acorn/package.json"}},
				},
			},
		},
		"trivy.spdx.json": {
			Subject: finding.Subject{Kind: finding.KindSBOM, Name: "example/web:1"},
			Distro:  &Distro{ID: "alpine", VersionID: "3.18.9"},
			Components: []Component{
				main("container", "example/web:1", ""),
				{Kind: "library", Name: "unknowable", Version: "1"},
				{Kind: "application", Name: "node-pkg", Path: "node-pkg", Root: true},
			},
			Packages: []Package{{
				Type: "apk", Namespace: "alpine", Name: "libcrypto3", Version: "3.1.7-r0", Source: "openssl", Arch: "x86_64",
				Licenses: []string{"Apache-2.0"}, Layer: "sha256:aaaa", LayerIndex: 0,
			}},
			Unknown: []finding.Unknown{{What: "component unknowable 1", Why: noPURL}},
		},
		"syft.spdx": {
			Subject: finding.Subject{Kind: finding.KindSBOM, Name: "example/web"},
			Distro:  &Distro{ID: "alpine", VersionID: "3.18.9"},
			Packages: []Package{{
				Type: "apk", Namespace: "alpine", Name: "libssl3", Version: "3.1.7-r0", Source: "openssl", Arch: "x86_64",
				Licenses: []string{"Apache-2.0"}, LayerIndex: -1, Locations: []Location{{Path: "/lib/apk/db/installed"}},
			}},
		},
		"attestation.json": {
			Subject:  finding.Subject{Kind: finding.KindSBOM, Name: "web"},
			Distro:   &Distro{ID: "alpine", VersionID: "3.18.9"},
			Packages: []Package{{Type: "apk", Namespace: "alpine", Name: "musl", Version: "1.2.4-r2", Arch: "x86_64", LayerIndex: -1}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			carried := []cmp.Option{cmpopts.IgnoreFields(Package{}, "Carried"), cmpopts.IgnoreFields(Component{}, "Carried")}
			if diff := cmp.Diff(want, decodeFile(t, name), carried...); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestDistributionNames(t *testing.T) {
	for _, c := range []struct{ qualifier, namespace, id, version, codename string }{
		{"debian-11", "debian", "debian", "11", ""},
		{"debian-11.3", "debian", "debian", "11", ""},
		{"bullseye", "debian", "debian", "", "bullseye"},
		{"debian-sid", "debian", "debian", "", "sid"},
		{"3.18.9", "alpine", "alpine", "3.18.9", ""},
		{"ubuntu-22.04", "ubuntu", "ubuntu", "22.04", ""},
		{"opensuse-leap-15.5", "opensuse", "opensuse-leap", "15.5", ""},
		{"redhat-8.4", "redhat", "rhel", "8.4", ""},
		{"amazon-2", "amazon", "amzn", "2", ""},
		{"amazon-2 (Karoo)", "amazon", "amzn", "2", ""},
		{"amzn-2023", "amzn", "amzn", "2023", ""},
		{"Amazon Linux 2023", "amazon", "amzn", "2023", ""},
		{"rhel-9.4", "redhat", "rhel", "9.4", ""},
		{"9.4", "redhat", "rhel", "9.4", ""},
		{"Red Hat Enterprise Linux 8.10 (Ootpa)", "redhat", "rhel", "8.10", ""},
		{"centos-7", "centos", "centos", "7", ""},
		{"ol-8.9", "ol", "ol", "8.9", ""},
		{"oracle-9.3", "oracle", "ol", "9.3", ""},
		{"oraclelinux-9", "oracle", "ol", "9", ""},
		{"sles-15.5", "sles", "sles", "15.5", ""},
		{"SUSE Linux Enterprise Server 15 SP5", "suse", "sles", "15.5", ""},
		{"SUSE Linux Enterprise Server 15 SP4-LTSS", "suse", "sles", "15.4", ""},
		{"suse-15-SP5", "suse", "sles", "15.5", ""},
		{"suse linux enterprise server-15.4", "suse", "sles", "15.4", ""},
		{"openSUSE Leap 15.5", "opensuse", "opensuse-leap", "15.5", ""},
		{"opensuse.leap-15.5", "opensuse", "opensuse-leap", "15.5", ""},
		{"opensuse-15.5", "opensuse", "opensuse-leap", "15.5", ""},
		{"opensuse-tumbleweed-20240801", "opensuse", "opensuse-tumbleweed", "20240801", ""},
		{"opensuse-tumbleweed", "opensuse", "opensuse-tumbleweed", "", ""},
		{"openSUSE Tumbleweed", "opensuse", "opensuse-tumbleweed", "", ""},
		{"photon-5.0", "photon", "photon", "5.0", ""},
		{"mageia-9", "mageia", "mageia", "9", ""},
		{"openEuler-22.03-LTS-SP1", "openeuler", "openeuler", "22.03-LTS-SP1", ""},
		{"openEuler 22.03 (LTS-SP1)", "openeuler", "openeuler", "22.03-LTS-SP1", ""},
		{"openeuler-22.03-lts-sp4", "openeuler", "openeuler", "22.03-LTS-SP4", ""},
		{"openEuler-22.03-SP4", "openeuler", "openeuler", "22.03-LTS-SP4", ""},
		{"openEuler-23.09", "openeuler", "openeuler", "23.09", ""},
		{"slem-5.5", "suse", "sle-micro", "5.5", ""},
		{"slemicro-5.5", "suse", "sle-micro", "5.5", ""},
		{"sles-15sp6", "suse", "sles", "15.6", ""},
		{"SLE_15_SP6", "suse", "sles", "15.6", ""},
		{"rocky-linux-9.3", "rockylinux", "rocky", "9.3", ""},
		{"azure-3.0", "azurelinux", "azurelinux", "3.0", ""},
		{"azl-3", "microsoft", "azurelinux", "3", ""},
		{"azurelinux-3.0", "azurelinux", "azurelinux", "3.0", ""},
		{"cbl-mariner-2.0.20220527", "cbl-mariner", "mariner", "2.0.20220527", ""},
		{"mariner-2.0", "mariner", "mariner", "2.0", ""},
		{"fedora-42", "fedora", "fedora", "42", ""},
		{"centos-stream-9", "centos", "centos", "9", ""},
	} {
		got := normalDistro(parseDistro(c.qualifier, c.namespace))
		got.PrettyName = "" // of CentOS Stream
		if want := (Distro{ID: c.id, VersionID: c.version, Codename: c.codename}); !cmp.Equal(got, want) {
			t.Errorf("%s: %+v, want %+v", c.qualifier, got, want)
		}
	}
}

// TestServicePackByBuilds: tools leave openEuler's service pack out, each of which has
// advisories of its own; the tag of the builds tells it.
func TestServicePackByBuilds(t *testing.T) {
	for _, c := range []struct{ release, version, want string }{
		{"24.03", "1.1.1m-9.oe2403sp1", "24.03-LTS-SP1"},
		{"22.03-LTS", "1.1.1m-9.oe2203sp4", "22.03-LTS-SP4"},
		{"22.03", "1.1.1m-9.oe2203", "22.03-LTS"},
		{"22.03", "1.1.1m-9", "22.03"},
		{"22.03", "1.1.1m-9.oe2403sp1", "22.03"},
		{"22.03-LTS-SP1", "1.1.1m-9.oe2203sp4", "22.03-LTS-SP1"},
		{"23.09", "1.1.1m-9.oe2309", "23.09"},
	} {
		doc := `{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"library","name":"openssl","purl":"pkg:rpm/openeuler/openssl@` +
			c.version + `?distro=openEuler-` + c.release + `"}]}`
		inv, err := Decode(strings.NewReader(doc), "x")
		if err != nil {
			t.Fatal(err)
		}
		if inv.Distro == nil || inv.Distro.VersionID != c.want {
			t.Errorf("%s with %s: %+v, want %s", c.release, c.version, inv.Distro, c.want)
		}
	}
}

// TestUnsaidDistribution: where no purl says the distribution, one without releases,
// the build's tag or Red Hat's repository does; nothing is guessed of others.
func TestUnsaidDistribution(t *testing.T) {
	for purl, want := range map[string]string{
		"pkg:apk/wolfi/openssl@3.3.0-r0":                                                        "wolfi ",
		"pkg:apk/chainguard/openssl@3.3.0-r0?arch=x86_64":                                       "chainguard ",
		"pkg:rpm/redhat/bash@5.1.8-6.el9_1?arch=x86_64":                                         "rhel 9",
		"pkg:rpm/redhat/bash@5.1.8-6?repository_id=rhel-8-for-x86_64-baseos-rpms":               "rhel 8",
		"pkg:rpm/rocky/bash@5.1.8-6.el9":                                                        "rocky 9",
		"pkg:rpm/fedora/curl@7.50.3-1.fc25?arch=i386":                                           "fedora 25",
		"pkg:rpm/curl@7.50.3-1.fc25":                                                            "fedora 25",
		"pkg:rpm/amzn/curl@8.3.0-1.amzn2023.0.2":                                                "amzn 2023",
		"pkg:rpm/azurelinux/curl@8.3.0-1.azl3":                                                  "azurelinux 3.0",
		"pkg:rpm/photon/curl@8.3.0-1.ph5":                                                       "photon 5.0",
		"pkg:rpm/suse/curl@8.3.0-150500.1?distro=SUSE%20Linux%20Enterprise%20Server%2015%20SP5": "sles 15.5",
		"pkg:rpm/curl@8.3.0-1.el9":                                                              "",
		"pkg:rpm/acme/curl@8.3.0-1.el9":                                                         "",
		"pkg:rpm/acme/curl@8.3.0-1.fc40":                                                        "",
		"pkg:deb/debian/curl@8.3.0-1":                                                           "",
		"pkg:npm/curl@1.0.0":                                                                    "",
	} {
		doc := `{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"library","name":"x","purl":"` + purl + `"}]}`
		inv, err := Decode(strings.NewReader(doc), "x")
		if err != nil {
			t.Fatal(purl, err)
		}
		got := ""
		if d := inv.Distro; d != nil {
			got = d.ID + " " + d.VersionID
		}
		if got != want {
			t.Errorf("%s: %q, want %q", purl, got, want)
		}
		if strings.Contains(purl, "repository_id") && len(inv.Distro.Repositories) != 1 {
			t.Errorf("%s: repositories %q", purl, inv.Distro.Repositories)
		}
	}
}

func TestWhatIsNotAnSBOM(t *testing.T) {
	for _, c := range []struct{ input, message, hint string }{
		{"", "empty", ""},
		{" \n\t", "empty", ""},
		{"hello", "neither JSON", "CycloneDX"},
		{"[1,2]", "neither JSON", ""},
		{"{}", "without a bomFormat", ""},
		{`{"packages":{"":{}}, "name":"app", "lockfileVersion":3}`, "without a bomFormat", ""},
		{`{"bomFormat":"CycloneDX","specVersion":"1.6","components":{}}`, "not a list", ""},
		{`{"bomFormat":"Cyclone"}`, `bomFormat is "Cyclone"`, ""},
		{`{"bomFormat":"CycloneDX","components":[{"name":"x"}`, "ends too early", ""},
		{`{"bomFormat":"CycloneDX"} x`, "follows", ""},
		{`{"spdxVersion":"SPDX-1.2"}`, "SPDX-1.2", ""},
		{`{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[]}`, "SPDX 3", "2.3"},
		{`{"artifacts":[],"descriptor":{"name":"syft"}}`, "Syft", "export"},
		{`{"SchemaVersion":2,"Results":[]}`, "Trivy", "export"},
		{`{"schema":"drydock-sbom/v9"}`, "drydock-sbom/v9", "this version"},
		{`{"schema":"drydock-sbom/v1","packages":[{"name":"x"}]}`, "without a type", ""},
		{"<html></html>", "not CycloneDX", ""},
		{"<bom", "unexpected EOF", ""},
		{"\x1f\x8b\x08", "compressed", "decompress"},
		{"spdxVersion: SPDX-2.3\nSPDXID: x\n", "YAML", "JSON"},
	} {
		inv, err := Decode(strings.NewReader(c.input), "in.json")
		if err == nil || inv != nil {
			t.Errorf("%q: no error, %v", c.input, inv)
			continue
		}
		if !strings.Contains(err.Error(), c.message) || !strings.Contains(err.Error(), "in.json") {
			t.Errorf("%q: %v", c.input, err)
		}
		if hint := finding.HintOf(err); !strings.Contains(hint, c.hint) {
			t.Errorf("%q: hint %q", c.input, hint)
		}
	}
}

func TestManyUnknownsAreCounted(t *testing.T) {
	doc := `{"bomFormat":"CycloneDX","components":[` + strings.Repeat(`{"type":"library","name":"x"},`, 1500) + `{"type":"library"}]}`
	inv, err := Decode(strings.NewReader(doc), "in")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(inv.Unknown); n != maxUnknown+1 || !strings.Contains(inv.Unknown[n-1].What, "501 more") {
		t.Errorf("%d unknowns, the last %+v", n, inv.Unknown[n-1])
	}
	for _, last := range []string{`0`, `{"type":"library"}`, `{"type":"library","components":[{"type":"library"}]}`} {
		d := &decoder{inv: &Inventory{}, in: &limitedReader{}, elements: maxElements}
		err := d.readJSON(strings.NewReader(`{"bomFormat":"CycloneDX","components":[` + last + `]}`))
		if err == nil || !strings.Contains(err.Error(), "more than 1000000 components") {
			t.Errorf("one component too many: %v", err)
		}
	}
}

func TestTheSizeLimitIsAnError(t *testing.T) {
	for n, want := range map[int]error{9: nil, 10: nil, 11: errTooLarge} {
		b, err := io.ReadAll(&limitedReader{r: strings.NewReader(strings.Repeat("x", n)), left: 10})
		if !errors.Is(err, want) || len(b) != min(n, 10) {
			t.Errorf("%d bytes: %d, %v", n, len(b), err)
		}
	}
	if _, err := Decode(strings.NewReader(strings.Repeat(" ", maxSpace+1)), "in"); err == nil || !strings.Contains(err.Error(), "white space") {
		t.Errorf("white space alone: %v", err)
	}
}

// TestWordsForReleases: how tools write a distribution into the package URLs of its
// packages.
func TestWordsForReleases(t *testing.T) {
	for purl, want := range map[string]string{
		"pkg:apk/alpine/a@1?distro=alpine-3.14.2":        "alpine 3.14.2",
		"pkg:apk/alpine/a@1?distro=alpine-v3.14":         "alpine 3.14",
		"pkg:apk/alpine/a@1?distro=v3.14":                "alpine 3.14",
		"pkg:apk/alpine/a@1?distro=alpine:3.14":          "alpine 3.14",
		"pkg:deb/debian/a@1?distro=bullseye":             "debian  bullseye",
		"pkg:deb/debian/a@1?distro=debian:bullseye":      "debian  bullseye",
		"pkg:deb/debian/a@1?distro=11.5":                 "debian 11",
		"pkg:deb/ubuntu/a@1?distro=jammy":                "ubuntu  jammy",
		"pkg:deb/ubuntu/a@1?distro=ubuntu_22.04":         "ubuntu 22.04",
		"pkg:deb/ubuntu/a@1?distro=vivid":                "ubuntu  vivid",
		"pkg:rpm/almalinux/a@1?distro=el9":               "almalinux 9",
		"pkg:rpm/rocky/a@1?distro=el8_6":                 "rocky 8",
		"pkg:rpm/redhat/a@1?distro=el7":                  "rhel 7",
		"pkg:rpm/fedora/a@1?distro=fc39":                 "fedora 39",
		"pkg:rpm/fedora/a@1?distro=fedora-39":            "fedora 39",
		"pkg:rpm/amzn/a@1?distro=amzn2023":               "amzn 2023",
		"pkg:rpm/opensuse/a@1?distro=opensuse-leap-15.5": "opensuse-leap 15.5",
	} {
		inv, err := Decode(strings.NewReader(fmt.Sprintf(`{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"type":"library","name":"a","purl":%q}]}`, purl)), "sbom")
		if err != nil || inv.Distro == nil {
			t.Errorf("%s: no distribution, %v", purl, err)
			continue
		}
		d := inv.Distro
		if got := strings.TrimSpace(d.ID + " " + d.VersionID + " " + d.Codename); got != want {
			t.Errorf("%s: %q, want %q", purl, got, want)
		}
	}
}

// TestIncompletePackageURLs: what others leave out of a package URL.
func TestIncompletePackageURLs(t *testing.T) {
	for component, want := range map[string]string{
		`"name":"log4j-core","purl":"pkg:maven/org.apache.logging.log4j:log4j-core@2.14.1"`:           "org.apache.logging.log4j:log4j-core 2.14.1",
		`"group":"org.apache.logging.log4j","name":"log4j-core","purl":"pkg:maven/log4j-core@2.14.1"`: "org.apache.logging.log4j:log4j-core 2.14.1",
		`"name":"log4j-core","purl":"pkg:maven/log4j-core@2.14.1"`:                                    "log4j-core 2.14.1",
		`"name":"HTTP","purl":"pkg:julia/HTTP@1.0.0"`:                                                 "HTTP 1.0.0",
		`"name":"HTTP","purl":"pkg:julia/HTTP@1.0.0?uuid=cd3eb016-35fb-5094-929b-558a96fad6f3"`:       "HTTP 1.0.0 cd3eb016-35fb-5094-929b-558a96fad6f3",
	} {
		inv, err := Decode(strings.NewReader(`{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"type":"library",`+component+`}]}`), "sbom")
		if err != nil || len(inv.Packages) != 1 {
			t.Errorf("%s: %v, %v", component, inv, err)
			continue
		}
		if p := &inv.Packages[0]; strings.TrimSpace(p.Label()+" "+p.UUID) != want {
			t.Errorf("%s: %q, want %q", component, p.Label()+" "+p.UUID, want)
		}
		survives(t, inv)
	}
}

// TestTagValueUTF8: whatever the sizes of the pieces in which a document comes, runes
// stay whole, and bytes that are none become question marks.
func TestTagValueUTF8(t *testing.T) {
	const text, want = "a\u00e9\u4e2d\U0001f40b\n\x92b\xe4\xb8\nc\xf0\x9f\x90", "a\u00e9\u4e2d\U0001f40b\n?b??\nc???"
	for _, r := range []io.Reader{strings.NewReader(text), iotest.OneByteReader(strings.NewReader(text)), iotest.HalfReader(strings.NewReader(text)), iotest.DataErrReader(strings.NewReader(text))} {
		b, err := io.ReadAll(&tagLines{r: r, in: &limitedReader{}})
		if err != nil || string(b) != want {
			t.Errorf("%T: %q, %v", r, b, err)
		}
	}
}

// TestSameDistro: a qualifier names a distribution by any of its names and numbers.
func TestSameDistro(t *testing.T) {
	for _, c := range []struct {
		qualifier, namespace string
		have                 Distro
		want                 bool
	}{
		{"bullseye", "debian", Distro{ID: "debian", VersionID: "11"}, true},
		{"debian-bullseye", "debian", Distro{ID: "debian", VersionID: "11"}, true},
		{"bookworm", "debian", Distro{ID: "debian", VersionID: "11"}, false},
		{"debian-12", "debian", Distro{ID: "debian", Codename: "bookworm"}, true},
		{"jammy", "ubuntu", Distro{ID: "ubuntu", VersionID: "22.04"}, true},
		{"ubuntu-noble", "ubuntu", Distro{ID: "ubuntu", VersionID: "22.04"}, false},
		{"ubuntu-22.04", "ubuntu", Distro{ID: "ubuntu", Codename: "jammy"}, true},
		{"sid", "debian", Distro{ID: "debian", VersionID: "12"}, false},
		{"sid", "debian", Distro{ID: "debian", Codename: "sid"}, true},
	} {
		if got := SameDistro(c.qualifier, c.namespace, &c.have); got != c.want {
			t.Errorf("%s of %+v: %v", c.qualifier, c.have, got)
		}
	}
}
