package vuln

import (
	"slices"
	"testing"

	"github.com/drydock-dev/drydock/internal/sbom"
)

// TestStream: what one build of a package is made for is one, as OSV's records
// spell it.
func TestStream(t *testing.T) {
	for in, want := range map[string]string{
		"Red Hat:enterprise_linux:9::appstream":                      "Red Hat:enterprise_linux:9",
		"Red Hat:enterprise_linux:9::baseos":                         "Red Hat:enterprise_linux:9",
		"Red Hat:enterprise_linux:10.1":                              "Red Hat:enterprise_linux:10",
		"Red Hat:enterprise_linux:7::server":                         "Red Hat:enterprise_linux:7",
		"Red Hat:rhel_extras_other:7":                                "Red Hat:enterprise_linux:7",
		"Red Hat:rhel_eus:9.2::baseos":                               "Red Hat:rhel_eus:9.2",
		"Red Hat:enterprise_linux_eus:10.0":                          "Red Hat:rhel_eus:10.0",
		"Red Hat:rhel_software_collections:3::el7":                   "Red Hat:rhel_software_collections:7",
		"Red Hat:rhel_dotnet:6.0::el7":                               "Red Hat:rhel_dotnet:7",
		"Red Hat:rhel_els:7":                                         "Red Hat:rhel_els:7",
		"Red Hat:openshift:4.14::el9":                                "Red Hat:openshift:4.14::el9",
		"SUSE:Linux Enterprise Server 15 SP5":                        "SUSE:Linux Enterprise 15 SP5",
		"SUSE:Linux Enterprise Module for Basesystem 15 SP5":         "SUSE:Linux Enterprise 15 SP5",
		"SUSE:Linux Enterprise Module for Python 3 15 SP6":           "SUSE:Linux Enterprise 15 SP6",
		"SUSE:Linux Enterprise Server 15 SP4-LTSS":                   "SUSE:Linux Enterprise 15 SP4",
		"SUSE:Linux Enterprise Server LTSS Extended Security 12 SP5": "SUSE:Linux Enterprise 12 SP5",
		"SUSE:Linux Enterprise Server for SAP Applications 12 SP4":   "SUSE:Linux Enterprise 12 SP4",
		"SUSE:Linux Enterprise Module for Web and Scripting 12":      "SUSE:Linux Enterprise 12",
		"SUSE:Package Hub 15 SP5":                                    "SUSE:Linux Enterprise 15 SP5",
		"SUSE:Linux Enterprise Server 16.0":                          "SUSE:Linux Enterprise 16.0",
		"SUSE:Linux Enterprise Micro 5.5":                            "SUSE:Linux Enterprise Micro 5.5",
		"SUSE:Linux Enterprise Micro for Rancher 5.4":                "SUSE:Linux Enterprise Micro 5.4",
		"SUSE:Linux Enterprise Module for SUSE Manager Server 4.3":   "SUSE:Linux Enterprise Module for SUSE Manager Server 4.3",
		"SUSE:Manager Server 4.3":                                    "SUSE:Manager Server 4.3",
		"openSUSE:Leap 15.5 NonFree":                                 "openSUSE:Leap 15.5",
		"openSUSE:Tumbleweed":                                        "openSUSE:Tumbleweed",
		"Azure Linux:3.0":                                            "Azure Linux:3",
		"Debian:12":                                                  "Debian:12",
		"Ubuntu:Pro:22.04:LTS":                                       "Ubuntu:Pro:22.04:LTS",
		"npm":                                                        "npm",
	} {
		got := Stream(in)
		if got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
		if Stream(got) != got {
			t.Errorf("%s: %q is not a fixed point", in, got)
		}
	}
}

func FuzzStream(f *testing.F) {
	f.Add("SUSE:Linux Enterprise Server 15 SP4-LTSS", "rhel-9-for-x86_64-baseos-eus-rpms__9_DOT_2")
	f.Add("Red Hat:enterprise_linux:9::appstream", "rhocp-4.14-for-rhel-9-x86_64-rpms")
	f.Add("SUSE:Package Hub 15 SP5", "ubi-9-appstream-source-rpms")
	f.Fuzz(func(t *testing.T, eco, set string) {
		if got := Stream(eco); Stream(got) != got {
			t.Errorf("%q: %q is not a fixed point", eco, got)
		}
		if stream, ok := contentStream(set); ok && Stream("Red Hat:"+stream) != "Red Hat:"+stream {
			t.Errorf("%q: %q is no stream", set, stream)
		}
	})
}

func TestContentStream(t *testing.T) {
	for in, want := range map[string]string{
		"ubi-9-baseos-rpms":                                      "enterprise_linux:9",
		"ubi-8-appstream-source":                                 "enterprise_linux:8",
		"ubi-9-for-x86_64-baseos-rpms":                           "enterprise_linux:9",
		"rhel-9-for-x86_64-appstream-rpms":                       "enterprise_linux:9",
		"rhel-10-for-aarch64-baseos-rpms":                        "enterprise_linux:10",
		"rhel-9-for-x86_64-baseos-eus-rpms__9_DOT_2":             "rhel_eus:9.2",
		"rhel-8-for-x86_64-appstream-e4s-rpms__8_DOT_4":          "rhel_e4s:8.4",
		"rhel-8-for-x86_64-baseos-tus-rpms__8_DOT_6":             "rhel_tus:8.6",
		"rhel-7-server-rpms__x86_64":                             "enterprise_linux:7",
		"rhel-7-server-els-rpms":                                 "rhel_els:7",
		"codeready-builder-for-rhel-9-x86_64-rpms":               "enterprise_linux:9",
		"rhocp-4.14-for-rhel-9-x86_64-rpms":                      "openshift:4.14::el9",
		"ansible-automation-platform-2.4-for-rhel-9-x86_64-rpms": "ansible_automation_platform:2.4::el9",
		"jb-eap-7.4-for-rhel-8-x86_64-rpms":                      "jboss_enterprise_application_platform:7.4::el8",
		"releases":                                               "",
		"rhel-server-rhscl-7-rpms":                               "rhel_software_collections:7",
		"rhel-7-server-extras-rpms":                              "enterprise_linux:7",
		"acme-for-rhel-9-x86_64-rpms":                            "",
		"":                                                       "",
	} {
		if got, ok := contentStream(in); got != want || ok != (want != "") {
			t.Errorf("%s: %q, %v, want %q", in, got, ok, want)
		}
	}
}

// rhel is an inventory of one package on Red Hat's release.
func rhel(version, name, build string, repositories ...string) *sbom.Inventory {
	return &sbom.Inventory{
		Distro:   &sbom.Distro{ID: "rhel", VersionID: version, Repositories: repositories},
		Packages: []sbom.Package{{Type: "rpm", Namespace: "redhat", Name: name, Version: build, Cataloger: "rpm"}},
	}
}

// TestBranch: a package of extended updates is judged by them, and by the release's
// advisories where they are silent.
func TestBranch(t *testing.T) {
	notice := func(id, stream, fix string, cves ...string) Advisory {
		return Advisory{ID: id, Source: "redhat", Related: cves, Ecosystem: "Red Hat:" + stream, Package: "openssl", Ranges: []Range{{Type: "ECOSYSTEM", Events: []Event{{Introduced: "0"}, {Fixed: fix}}}}}
	}
	l := newMemory(
		notice("RHSA-2099:1", "enterprise_linux:9", "0:3.0.7-27.el9", "CVE-2099-1", "CVE-2099-2"),
		notice("RHSA-2099:2", "rhel_eus:9.2", "0:3.0.7-16.el9_2.3", "CVE-2099-1"),
		notice("RHSA-2099:3", "rhel_els:9", "0:3.0.7-99.el9", "CVE-2099-3"),
		notice("RHSA-2099:4", "openshift:4.14::el9", "0:3.0.7-98.el9", "CVE-2099-4"),
	)
	eus := "rhel-9-for-x86_64-baseos-eus-rpms__9_DOT_2"
	for _, test := range []struct {
		name string
		inv  *sbom.Inventory
		want []string
	}{
		{"the release", rhel("9.2", "openssl", "3.0.7-16.el9_2.3"), []string{"CVE-2099-1 3.0.7-27.el9", "CVE-2099-2 3.0.7-27.el9", "CVE-2099-3 3.0.7-99.el9"}},
		{"fixed in the branch", rhel("9.2", "openssl", "3.0.7-16.el9_2.3", eus), []string{"CVE-2099-2 3.0.7-27.el9", "CVE-2099-3 3.0.7-99.el9"}},
		{"before the branch's fix", rhel("9.2", "openssl", "3.0.7-16.el9_2.1", eus), []string{"CVE-2099-1 3.0.7-16.el9_2.3", "CVE-2099-2 3.0.7-27.el9", "CVE-2099-3 3.0.7-99.el9"}},
		{"another product", rhel("9.4", "openssl", "3.0.7-97.el9", "rhocp-4.14-for-rhel-9-x86_64-rpms"), []string{"CVE-2099-3 3.0.7-99.el9", "CVE-2099-4 3.0.7-98.el9"}},
	} {
		found, unknown := match(t, l, test.inv)
		var got []string
		for _, f := range found {
			got = append(got, f.Vuln.ID+" "+f.Vuln.FixedIn)
		}
		slices.Sort(got)
		if !slices.Equal(got, test.want) || len(unknown) > 0 {
			t.Errorf("%s: %q, %v, want %q", test.name, got, unknown, test.want)
		}
	}
	_, unknown := match(t, l, rhel("9.4", "openssl", "3.0.7-99.el9", "acme-rpms"))
	if len(unknown) != 1 || !unknown[0].Beyond {
		t.Errorf("unknown repository: %+v", unknown)
	}
	_, unknown = match(t, l, rhel("8.4", "openssl", "3.0.7-99.el8"))
	if len(unknown) != 1 {
		t.Errorf("unknown release: %+v", unknown)
	}
}

// TestMarks: how versions compare where advisories and builds are not spelled alike.
func TestMarks(t *testing.T) {
	azure, centos := familyOf("Azure Linux:3"), familyOf("Red Hat:enterprise_linux:7")|rebuilds
	for _, test := range []struct {
		fam  family
		a, b string
		want int
	}{
		{azure, "1.2.3-4.azl3", "1.2.3-4", 0},
		{azure, "1.2.3-4.azl3", "1.2.3-5", -1},
		{azure, "1.2.3-4.cm2", "1.2.3-4.cm2", 0},
		{azure, "1.2.3-4.azl3", "1.2.3-3.azl3", 1},
		{azure, "1.2.3-4", "1.2.3-4.azlx", -1},
		{centos, "2.4.6-97.el7.centos.5", "2.4.6-97.el7_9.5", 0},
		{centos, "2.4.6-97.el7.centos.4", "2.4.6-97.el7_9.5", -1},
		{centos, "2.4.6-97.el7.centos", "2.4.6-97.el7", 0},
		{centos, "1:1.0.2k-25.el7_9", "1:1.0.2k-26.el7_9", -1},
		{famRPM | epochs, "5.26.3-422.el8", "4:5.26.3-421.el8", 1},
		{famRPM, "5.26.3-422.el8", "4:5.26.3-421.el8", -1},
	} {
		got, err := compareIn(test.fam, "Red Hat:x", test.a, test.b)
		if err != nil || got != test.want {
			t.Errorf("%s, %s: %d, %v, want %d", test.a, test.b, got, err, test.want)
		}
		if back, _ := compareIn(test.fam, "Red Hat:x", test.b, test.a); back != -got {
			t.Errorf("%s, %s: %d, and %d the other way", test.a, test.b, got, back)
		}
	}
}
