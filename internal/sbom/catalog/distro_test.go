package catalog

import (
	"bytes"
	"strings"
	"testing"
	"unicode"

	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/google/go-cmp/cmp"
)

func TestDistro(t *testing.T) {
	for _, tc := range []struct {
		name  string
		files map[string]string
		want  *sbom.Distro
	}{
		{"nothing", nil, nil},
		{"nonsense", map[string]string{"etc/os-release": "hello\n=\n#ID=x\n"}, nil},
		{
			"debian",
			map[string]string{"etc/os-release": "->/usr/lib/os-release", "usr/lib/os-release": "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\nID=debian\n", "etc/debian_version": "12.5\n"},
			&sbom.Distro{ID: "debian", VersionID: "12", Codename: "bookworm", PrettyName: "Debian GNU/Linux 12 (bookworm)"},
		},
		{
			"sid",
			map[string]string{"usr/lib/os-release": "PRETTY_NAME=\"Debian GNU/Linux forky/sid\"\nID=debian\n", "etc/debian_version": "forky/sid\n"},
			&sbom.Distro{ID: "debian", Codename: "forky", PrettyName: "Debian GNU/Linux forky/sid"},
		},
		{
			"old debian",
			map[string]string{"etc/os-release": "ID=debian\nVERSION_ID=\"8\"\nVERSION=\"8 (jessie)\"\n"},
			&sbom.Distro{ID: "debian", VersionID: "8", Codename: "jessie"},
		},
		{
			"debian without os-release",
			map[string]string{"etc/debian_version": "6.0.10\n"},
			&sbom.Distro{ID: "debian", VersionID: "6", PrettyName: "Debian GNU/Linux 6.0.10"},
		},
		{
			"ubuntu",
			map[string]string{"etc/os-release": "NAME=\"Ubuntu\"\nVERSION_ID=\"22.04\"\nVERSION=\"22.04.3 LTS (Jammy Jellyfish)\"\nVERSION_CODENAME=jammy\nID=ubuntu\nID_LIKE=debian\n", "etc/debian_version": "bookworm/sid\n"},
			&sbom.Distro{ID: "ubuntu", IDLike: []string{"debian"}, VersionID: "22.04", Codename: "jammy"},
		},
		{
			"old ubuntu",
			map[string]string{"etc/os-release": "ID=ubuntu\nVERSION_ID='14.04'\nVERSION=\"14.04.6 LTS, Trusty Tahr\"\n"},
			&sbom.Distro{ID: "ubuntu", VersionID: "14.04", Codename: "trusty"},
		},
		{
			"lsb",
			map[string]string{"etc/lsb-release": "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=10.04\nDISTRIB_CODENAME=lucid\nDISTRIB_DESCRIPTION=\"Ubuntu 10.04 LTS\"\n"},
			&sbom.Distro{ID: "ubuntu", VersionID: "10.04", Codename: "lucid", PrettyName: "Ubuntu 10.04 LTS"},
		},
		{
			"alpine",
			map[string]string{"etc/os-release": "ID=alpine\nVERSION_ID=3.18.9\nPRETTY_NAME=\"Alpine Linux v3.18\"\n"},
			&sbom.Distro{ID: "alpine", VersionID: "3.18.9", PrettyName: "Alpine Linux v3.18"},
		},
		{
			"alpine edge",
			map[string]string{"etc/os-release": "ID=alpine\nVERSION_ID=3.21.0_alpha20240807\nPRETTY_NAME=\"Alpine Linux edge\"\n"},
			&sbom.Distro{ID: "alpine", Codename: "edge", PrettyName: "Alpine Linux edge"},
		},
		{
			"alpine without os-release",
			map[string]string{"etc/alpine-release": "2.6.6\n"},
			&sbom.Distro{ID: "alpine", VersionID: "2.6.6", PrettyName: "Alpine Linux 2.6.6"},
		},
		{
			"wolfi",
			map[string]string{"etc/os-release": "ID=wolfi\nNAME=\"Wolfi\"\nPRETTY_NAME=\"Wolfi\"\nVERSION_ID=\"20230201\"\n"},
			&sbom.Distro{ID: "wolfi", VersionID: "20230201", PrettyName: "Wolfi"},
		},
		{
			"chainguard",
			map[string]string{"etc/os-release": "ID=chainguard\nVERSION_ID=\"20230214\"\n"},
			&sbom.Distro{ID: "chainguard", VersionID: "20230214"},
		},
		{
			"rocky",
			map[string]string{"etc/os-release": "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"9.3\"\nCPE_NAME=\"cpe:/o:rocky:rocky:9::baseos\"\n"},
			&sbom.Distro{ID: "rocky", IDLike: []string{"rhel", "centos", "fedora"}, VersionID: "9.3", CPEName: "cpe:/o:rocky:rocky:9::baseos"},
		},
		{"amazon", map[string]string{"etc/os-release": "ID=\"amzn\"\nVERSION_ID=\"2023\"\n"}, &sbom.Distro{ID: "amzn", VersionID: "2023"}},
		{"photon", map[string]string{"etc/os-release": "ID=photon\nVERSION_ID=4.0\n"}, &sbom.Distro{ID: "photon", VersionID: "4.0"}},
		{"opensuse", map[string]string{"etc/os-release": "ID=\"opensuse-leap\"\nVERSION_ID=\"15.5\"\n"}, &sbom.Distro{ID: "opensuse-leap", VersionID: "15.5"}},
		{
			"centos 6",
			map[string]string{"etc/redhat-release": "->/etc/centos-release", "etc/centos-release": "CentOS release 6.10 (Final)\n"},
			&sbom.Distro{ID: "centos", IDLike: []string{"rhel", "fedora"}, VersionID: "6.10", PrettyName: "CentOS release 6.10 (Final)"},
		},
		{
			"openeuler",
			map[string]string{"etc/os-release": "NAME=\"openEuler\"\nVERSION=\"22.03 (LTS-SP1)\"\nID=\"openEuler\"\nVERSION_ID=\"22.03\"\n"},
			&sbom.Distro{ID: "openeuler", VersionID: "22.03-LTS-SP1"},
		},
		{
			"rhel with its content sets",
			map[string]string{
				"etc/os-release": "ID=\"rhel\"\nVERSION_ID=\"9.2\"\n",
				"root/buildinfo/content_manifests/a.json": "rhel-9-for-x86_64-baseos-eus-rpms__9_DOT_2\nrhel-9-for-x86_64-appstream-eus-rpms__9_DOT_2",
				"root/buildinfo/content_manifests/b.json": "rhel-9-for-x86_64-baseos-eus-rpms__9_DOT_2",
				"usr/share/buildinfo/content-sets.json":   "",
			},
			&sbom.Distro{ID: "rhel", VersionID: "9.2", Repositories: []string{"rhel-9-for-x86_64-appstream-eus-rpms__9_DOT_2", "rhel-9-for-x86_64-baseos-eus-rpms__9_DOT_2"}},
		},
		{
			"openeuler without os-release",
			map[string]string{"etc/openEuler-release": "openEuler release 24.03 (LTS-SP1)\n"},
			&sbom.Distro{ID: "openeuler", IDLike: nil, VersionID: "24.03-LTS-SP1", PrettyName: "openEuler release 24.03 (LTS-SP1)"},
		},
		{
			"oracle's release file beside Red Hat's",
			map[string]string{"etc/oracle-release": "Oracle Linux Server release 6.10\n", "etc/redhat-release": "Red Hat Enterprise Linux Server release 6.10 (Santiago)\n"},
			&sbom.Distro{ID: "ol", IDLike: []string{"rhel", "fedora"}, VersionID: "6.10", PrettyName: "Oracle Linux Server release 6.10"},
		},
		{
			"suse before os-release",
			map[string]string{"etc/SuSE-release": "SUSE Linux Enterprise Server 11 (x86_64)\nVERSION = 11\nPATCHLEVEL = 4\n"},
			&sbom.Distro{ID: "sles", VersionID: "11.4", PrettyName: "SUSE Linux Enterprise Server 11 (x86_64)"},
		},
		{
			"opensuse before os-release",
			map[string]string{"etc/SuSE-release": "openSUSE 13.2 (x86_64)\nVERSION = 13.2\nCODENAME = Harlequin\n"},
			&sbom.Distro{ID: "opensuse", VersionID: "13.2", PrettyName: "openSUSE 13.2 (x86_64)"},
		},
		{
			"tumbleweed before it had an id of its own",
			map[string]string{"etc/os-release": "ID=opensuse\nNAME=\"openSUSE Tumbleweed\"\nVERSION_ID=\"20170502\"\n"},
			&sbom.Distro{ID: "opensuse-tumbleweed", VersionID: "20170502"},
		},
		{"leap before it had one", map[string]string{"etc/os-release": "ID=opensuse\nVERSION_ID=\"42.3\"\n"}, &sbom.Distro{ID: "opensuse", VersionID: "42.3"}},
		{"microos", map[string]string{"etc/os-release": "ID=\"opensuse-microos\"\nVERSION_ID=\"20240801\"\n"}, &sbom.Distro{ID: "opensuse-tumbleweed", VersionID: "20240801"}},
		{
			"a node of OpenShift",
			map[string]string{"etc/os-release": "ID=\"rhcos\"\nVERSION_ID=\"4.14\"\nRHEL_VERSION=\"9.2\"\n"},
			&sbom.Distro{ID: "rhel", VersionID: "9.2"},
		},
		{"a byte order mark", map[string]string{"etc/os-release": "\ufeffID=rocky\r\nVERSION_ID=\"9.3\"\r\n"}, &sbom.Distro{ID: "rocky", VersionID: "9.3"}},
		{"words as a shell reads them", map[string]string{"etc/os-release": "ID=ro\"ck\"'y' # ours\nVERSION_ID=9\\.3\n"}, &sbom.Distro{ID: "rocky", VersionID: "9.3"}},
		{
			"a link to a folder of the distribution",
			map[string]string{"etc/os-release": "->/usr/share/rocky/os-release", "usr/share/rocky/os-release": "ID=rocky\nVERSION_ID=9.3\n"},
			&sbom.Distro{ID: "rocky", VersionID: "9.3"},
		},
		{"links in a circle", map[string]string{"etc/os-release": "->/etc/os-release"}, nil},
	} {
		if tc.want != nil && tc.want.IDLike == nil {
			tc.want.IDLike = []string{}
		}
		for p := range tc.files {
			if !distroFiles().Wants(p, 0, 0) {
				t.Errorf("%s: %s is not read", tc.name, p)
			}
		}
		got := distroOf(tc.files)
		if got != nil && got.IDLike == nil {
			got.IDLike = []string{}
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

// FuzzContentSets: what is kept of a content manifest is short lines of plain
// text, and nothing beside an error.
func FuzzContentSets(f *testing.F) {
	f.Add([]byte(`{"metadata":{"icm_version":1},"from_dnf_hint":true,"content_sets":["ubi-9-baseos-rpms","rhel-9-for-x86_64-appstream-rpms"]}`))
	f.Add([]byte(`{"content_sets":["a b","\u0007",""]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := contentSets(bytes.NewReader(b))
		if err != nil && got != nil {
			t.Fatalf("%q beside %v", got, err)
		}
		for line := range strings.Lines(string(got)) {
			if line = strings.TrimSuffix(line, "\n"); line == "" || len(line) > 128 || strings.ContainsFunc(line, unicode.IsControl) {
				t.Fatalf("%q", line)
			}
		}
	})
}

func FuzzOSRelease(f *testing.F) {
	f.Add("ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME='it''s'\nX=\"a\\\"b\"\n")
	f.Add("ID=\"\\")
	f.Add("ID=\u0130\x80") // lower case may be longer
	f.Fuzz(func(t *testing.T, text string) {
		if d := osRelease(text); d != nil && (d.ID == "" || len(d.ID) > 3*len(text) || len(d.PrettyName) > len(text)) {
			t.Errorf("%+v", d)
		}
	})
}

func TestDpkg(t *testing.T) {
	const status = `Package: bash
Status: install ok installed
Architecture: amd64
Multi-Arch: foreign
Version: 1:5.2.15-2+b2
Source: bash (5.2.15-2)
Depends: base-files (>= 2.1.12)
Description: shell
 Version: 9 is not its version

Package: libfoo
Status: deinstall ok config-files
Architecture: amd64
Version: 1

Package: half
Status: install ok half-configured
Architecture: all
Version: 2~rc1-1
Source: half

Package: held
Status: hold ok unpacked
Version: 3

Package: never
Status: install ok not-installed
`
	got, err := packagesOf(learnDpkg)(t.Context(), layer.Input{Path: statusFile, Body: strings.NewReader(status)})
	want := []sbom.Package{
		{Type: "deb", Name: "bash", Version: "1:5.2.15-2+b2", SourceVersion: "5.2.15-2", Arch: "amd64", Cataloger: "dpkg"},
		{Type: "deb", Name: "half", Version: "2~rc1-1", Arch: "all", Cataloger: "dpkg"},
		{Type: "deb", Name: "held", Version: "3", Cataloger: "dpkg"},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for p, want := range map[string]bool{
		"var/lib/dpkg/status": true, "var/lib/dpkg/status-old": false, "var/lib/dpkg/status.d/base": true,
		"var/lib/dpkg/status.d/base.md5sums": false, "var/lib/dpkg/status.d/a/b": false, "x/var/lib/dpkg/status": false,
	} {
		if dpkg().Wants(p, 0o644, 1) != want {
			t.Errorf("wants %s: %v", p, !want)
		}
	}
}

func FuzzDpkg(f *testing.F) {
	f.Add("var/lib/dpkg/status", stanza("a", "1")+"Package: b\nVersion: 2\n")
	f.Add("var/lib/dpkg/status.d/b", "Package: b\nVersion: 2\nSource: c (3)\n")
	f.Fuzz(func(t *testing.T, name, text string) { holds(t, dpkg(), name, text) })
}

func FuzzAPK(f *testing.F) {
	f.Add("lib/apk/db/installed", "C:Q1\nP:musl\nV:1.2.4-r2\nA:x86_64\no:musl\nL:MIT\nF:lib\nR:ld.so\na:0:0:755\n\nP:x\nV:1\n")
	f.Fuzz(func(t *testing.T, name, text string) { holds(t, apk(), name, text) })
}

func FuzzFileList(f *testing.F) {
	f.Add("var/lib/dpkg/info/a:amd64.list", "/.\n/usr\n/usr/bin/a\n")
	f.Add("var/lib/dpkg/status.d/a.md5sums", "d41d8cd98f00b204e9800998ecf8427e  usr/bin/a\n")
	f.Fuzz(func(t *testing.T, name, text string) { holds(t, dpkgFiles(), name, text) })
}

// holds is the law of every cataloger, through its reader: what it records
// decodes, every package has a name and a version, and none is larger than the
// text that it was read from.
func holds(t *testing.T, c Cataloger, name, text string) {
	t.Helper()
	b, err := c.reader().Read(t.Context(), layer.Input{Path: name, Mode: 0o644, Size: int64(len(text)), Body: strings.NewReader(text)})
	if err != nil {
		if b != nil {
			t.Error("both facts and an error")
		}
		return
	}
	got, err := decodeFacts(b)
	if b != nil && err != nil {
		t.Fatal(err)
	}
	paths := 0
	for _, o := range got.owners {
		paths += len(o.paths) / 8
	}
	if paths+len(got.packages) > len(text) {
		t.Errorf("%d paths and %d packages of %d bytes", paths, len(got.packages), len(text))
	}
	for _, p := range got.packages {
		if why := unsound(p); why != "" {
			t.Errorf("%+v: %s", p, why)
		}
	}
}

func FuzzFacts(f *testing.F) {
	f.Add(facts{
		packages: []sbom.Package{{Type: "deb", Name: "a", Version: "1", Licenses: []string{"MIT"}, Locations: []sbom.Location{{Path: "x", Line: 3}}, Dev: true}},
		owners:   []owner{{name: "a", version: "1", paths: pathHashes{1, 2, 3, 4, 5, 6, 7, 8}}},
		problems: []string{"none"},
	}.encode())
	f.Add(facts{
		packages:  []sbom.Package{{Type: "npm", Name: "a", Version: "1", LayerIndex: -1, Root: true, Dev: true}},
		manifests: []manifest{{-1, "shop", "1", []string{"a", "b"}}},
		graph: &lockGraph{
			flat: true, others: []sbom.Component{{Kind: "application", Name: "b", Version: "2", Folder: "c", Root: true}},
			nodes: []lockNode{{pkg: 0, other: -1, needs: []int32{1}, weak: []int32{0}, also: []string{"x"}}, {pkg: -1, other: 0}},
		},
	}.encode())
	f.Add([]byte{0, 0, 0})
	f.Add([]byte{0, 255, 255, 255, 255, 7})
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := decodeFacts(b)
		if err != nil {
			if !got.empty() {
				t.Error("facts and an error")
			}
			return
		}
		again, err := decodeFacts(got.encode())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(got, again, cmp.AllowUnexported(facts{}, owner{}, placeOrigin{}, lockGraph{}, lockNode{}, manifest{})); diff != "" {
			t.Error(diff)
		}
	})
}
