package vuln

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
)

func one(t *testing.T, found []finding.Finding, id, name string) finding.Finding {
	t.Helper()
	f, ok := byID(found)[id+" "+name]
	if !ok {
		t.Fatalf("%s of %s is not among %d findings", id, name, len(found))
	}
	return f
}

func TestSuppressed(t *testing.T) {
	l := facts(t)
	owned := pkg("pypi", "", "Jinja2", "2.11.2", "/usr/lib/python3/dist-packages/Jinja2-2.11.2.egg-info")
	owned.Owner = "pkg:deb/debian/python3-jinja2@2.11.3-1"
	removed := pkg("npm", "", "lodash", "4.17.15", "/tmp/node_modules/lodash/package.json")
	removed.Removed, removed.Layer = true, layerA
	node := pkg("generic", "", "node", "21.6.1", "/usr/bin/node")
	node.Owner = "pkg:deb/debian/nodejs@21.6.1"
	inv := &sbom.Inventory{
		Distro: &sbom.Distro{ID: "debian", VersionID: "11"},
		Packages: []sbom.Package{
			owned, removed, node,
			deb("linux", "5.10.0-1", "linux-libc-dev", "5.10.0-1"),
			deb("zlib", "1:1.2.11.dfsg-2", "zlib1g", "1:1.2.11.dfsg-2"),
		},
	}
	found, unknown := match(t, l, inv)
	if len(unknown) != 0 {
		t.Errorf("unknown %v", unknown)
	}
	for _, test := range []struct{ id, name, by, source string }{
		{"CVE-2020-28493", "Jinja2", "owner", owned.Owner},
		{"CVE-2021-23337", "lodash", "removed", string(layerA)},
		{"CVE-2024-22019", "node", "owner", node.Owner},
		{"CVE-2022-0847", "linux", "kernel-headers", "linux"},
		{"CVE-2018-25032", "zlib", "", ""},
	} {
		f := one(t, found, test.id, test.name)
		switch {
		case test.by == "" && f.Suppressed != nil:
			t.Errorf("%s is suppressed: %+v", test.id, f.Suppressed)
		case test.by != "" && (f.Suppressed == nil || f.Suppressed.By != test.by || f.Suppressed.Source != test.source || f.Suppressed.Reason == ""):
			t.Errorf("%s: %+v, want by %s of %s", test.id, f.Suppressed, test.by, test.source)
		}
	}
	if found[0].Suppressed != nil {
		t.Error("a suppressed finding is first")
	}
}

// What excuses one package of several does not excuse the others, and there is
// still one finding.
func TestSuppressedInPart(t *testing.T) {
	gone := deb("openssl", "1.1.1k-1+deb11u1", "openssl", "1.1.1k-1+deb11u1")
	gone.Removed = true
	owned, own := pkg("npm", "", "lodash", "4.17.15", "/usr/share/nodejs/lodash/package.json"), pkg("npm", "", "lodash", "4.17.15", "/app/node_modules/lodash/package.json")
	owned.Owner = "pkg:deb/debian/node-lodash@4.17.15"
	inv := &sbom.Inventory{
		Distro:   &sbom.Distro{ID: "debian", VersionID: "11"},
		Packages: []sbom.Package{gone, deb("openssl", "1.1.1k-1+deb11u1", "libssl1.1", "1.1.1k-1+deb11u1"), owned, own},
	}
	found, _ := match(t, facts(t), inv)
	if f := one(t, found, "CVE-2022-0778", "openssl"); f.Suppressed != nil || !strings.HasSuffix(f.Evidence[1].Text, "(removed in a later layer)") {
		t.Errorf("%+v", f)
	}
	if f := one(t, found, "CVE-2021-23337", "lodash"); f.Suppressed != nil || len(f.At) != 2 {
		t.Errorf("%+v", f)
	}
	inv.Packages = []sbom.Package{gone, owned}
	found, _ = match(t, facts(t), inv)
	for _, f := range found {
		if f.Suppressed == nil {
			t.Errorf("%s counts", f.Message)
		}
	}
}

func TestUnknown(t *testing.T) {
	l := facts(t)
	bullseye := &sbom.Distro{ID: "debian", VersionID: "11"}
	for _, test := range []struct {
		name   string
		distro *sbom.Distro
		pkgs   []sbom.Package
		want   []string // "what: why" holds it; none: nothing unknown
	}{
		{"release without data", &sbom.Distro{ID: "debian", VersionID: "99"}, []sbom.Package{deb("zlib", "1", "zlib1g", "1"), deb("acl", "1", "acl", "1")}, []string{"vulnerabilities of 2 deb packages: the database has nothing for Debian:99; drydock db update Debian fetches what there is"}},
		{"no os-release", nil, []sbom.Package{deb("zlib", "1", "zlib1g", "1")}, []string{"vulnerabilities of 1 deb package: no os-release was found"}},
		{"distribution without advisories", &sbom.Distro{ID: "void", PrettyName: "Void Linux"}, []sbom.Package{deb("zlib", "1", "zlib1g", "1")}, []string{"covers deb packages of Void Linux"}},
		{"packages of another distribution", &sbom.Distro{ID: "alpine", VersionID: "3.18.9"}, []sbom.Package{deb("zlib", "1", "zlib1g", "1")}, []string{"covers deb packages of alpine 3.18.9"}},
		{"ecosystem without data", nil, []sbom.Package{pkg("hex", "", "phoenix", "1.0.0", "/mix.lock")}, []string{"vulnerabilities of 1 hex package: the database has nothing for Hex; drydock db update Hex fetches what there is"}},
		{"type without advisories", nil, []sbom.Package{pkg("huggingface", "", "bert", "1", "/m")}, []string{"vulnerabilities of 1 huggingface package: no source of advisories"}},
		{"version that does not compare", nil, []sbom.Package{pkg("npm", "", "lodash", "workspace:*", "/p")}, []string{`vulnerabilities of lodash workspace:*: "workspace:*" is not a version`}},
		{"no version", bullseye, []sbom.Package{deb("zlib", "", "zlib1g", "")}, []string{"vulnerabilities of zlib1g"}},
		{"Debian version with an epoch that is none", bullseye, []sbom.Package{deb("zlib", "x:1", "zlib1g", "x:1")}, []string{"is not a version"}},
		{"nothing known of it, so that its version does not matter", nil, []sbom.Package{pkg("npm", "", "mine", "workspace:*", "/p")}, nil},
		{"program without an upstream", nil, []sbom.Package{pkg("generic", "", "toybox", "0.8", "/bin/toybox")}, []string{"vulnerabilities of toybox 0.8: no package manager owns"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			inv := &sbom.Inventory{Subject: finding.Subject{Name: "x"}, Distro: test.distro, Packages: test.pkgs}
			found, unknown := match(t, l, inv)
			if len(found) != 0 {
				t.Errorf("found %v", found)
			}
			if len(unknown) != len(test.want) {
				t.Fatalf("unknown %v, want %q", unknown, test.want)
			}
			for i, u := range unknown {
				if s := u.What + ": " + u.Why; !strings.Contains(s, test.want[i]) || u.Subject.Name != "x" {
					t.Errorf("%q (of %v) has no %q", s, u.Subject, test.want[i])
				}
			}
		})
	}
}

func TestUbuntu(t *testing.T) {
	l := facts(t)
	jammy := &sbom.Inventory{Distro: &sbom.Distro{ID: "ubuntu", VersionID: "22.04"}, Packages: []sbom.Package{
		{Type: "deb", Namespace: "ubuntu", Name: "libssl3", Source: "openssl", Version: "3.0.2-0ubuntu1.8"},
	}}
	found, _ := match(t, l, jammy)
	check(t, found, []expect{
		{"CVE-2023-0466", "openssl", "3.0.2-0ubuntu1.9", finding.Negligible}, // Ubuntu's word
		{"CVE-2023-0465", "openssl", "3.0.2-0ubuntu1.9", finding.Low},
		{"CVE-2023-2650", "openssl", "3.0.2-0ubuntu1.10", finding.Medium},
	}, []string{"CVE-2022-0778 openssl"})
	f := one(t, found, "CVE-2023-2650", "openssl")
	if f.Vuln.SeveritySource != "ubuntu" || !slices.Contains(f.Vuln.Aliases, "UBUNTU-CVE-2023-2650") {
		t.Errorf("%+v", f.Vuln)
	}

	// A release past its standard support: Pro's advisories say what it still has.
	bionic := func(version string) []finding.Finding {
		inv := &sbom.Inventory{Distro: &sbom.Distro{ID: "ubuntu", VersionID: "18.04"}, Packages: []sbom.Package{
			{Type: "deb", Namespace: "ubuntu", Name: "libssl1.1", Source: "openssl", Version: version},
		}}
		found, _ := match(t, l, inv)
		return found
	}
	f = one(t, bionic("1.1.1-1ubuntu2.1~18.04.23"), "CVE-2023-5678", "openssl")
	if f.Vuln.FixedIn != "" || f.Vuln.NoFix != "fixed in Ubuntu Pro: 1.1.1-1ubuntu2.1~18.04.23+esm4" {
		t.Errorf("fixed %q, no fix %q", f.Vuln.FixedIn, f.Vuln.NoFix)
	}
	f = one(t, bionic("1.1.1-1ubuntu2.1~18.04.23+esm3"), "CVE-2023-5678", "openssl")
	if f.Vuln.FixedIn != "1.1.1-1ubuntu2.1~18.04.23+esm4" {
		t.Errorf("a Pro build is offered %q", f.Vuln.FixedIn)
	}
	if at := byID(bionic("1.1.1-1ubuntu2.1~18.04.23+esm4")); at["CVE-2023-5678 openssl"].Vuln != nil {
		t.Error("a fixed Pro build is vulnerable")
	}
}

func TestRPM(t *testing.T) {
	l := facts(t)
	rpm := func(name, version, source, sourceVersion string) sbom.Package {
		return sbom.Package{Type: "rpm", Namespace: "almalinux", Name: name, Version: version, Source: source, SourceVersion: sourceVersion}
	}
	alma := &sbom.Inventory{Distro: &sbom.Distro{ID: "almalinux", VersionID: "9.1"}, Packages: []sbom.Package{
		rpm("openssl", "1:3.0.1-43.el9_0", "", ""),
		rpm("openssl-libs", "1:3.0.1-43.el9_0", "openssl", "3.0.1-43.el9_0"),
		rpm("nodejs", "1:16.17.1-1.el9_0", "", ""),
	}}
	found, unknown := match(t, l, alma)
	if len(unknown) > 0 {
		t.Error(unknown)
	}
	check(t, found, []expect{{"CVE-2023-0286", "openssl", "1:3.0.1-47.el9_1", 0}, {"CVE-2024-6119", "openssl", "1:3.0.7-28.el9_4", 0}},
		[]string{"CVE-2022-3602 openssl", "CVE-2022-35255 nodejs", "CVE-2022-43548 nodejs" /* of the module nodejs:18 */})
	if f := one(t, found, "CVE-2023-0286", "openssl"); len(f.Evidence) != 3 || !slices.Contains(f.Vuln.Aliases, "ALSA-2023:0946") {
		t.Errorf("%+v", f)
	}
	// Rocky Linux writes advisories by source package.
	rocky := &sbom.Inventory{Distro: &sbom.Distro{ID: "rocky", VersionID: "8.9"}, Packages: []sbom.Package{
		{Type: "rpm", Namespace: "rocky", Name: "openssl-libs", Version: "1:1.1.1k-5.el8_5", Source: "openssl", SourceVersion: "1.1.1k-5.el8_5"},
	}}
	found, _ = match(t, l, rocky)
	check(t, found, []expect{{"CVE-2022-0778", "openssl", "1:1.1.1k-6.el8_5", 0}}, []string{"CVE-2021-3712 openssl"})
}

func TestAliasesMerge(t *testing.T) {
	r := events(in("0"), fix("2.0.0"))
	adv := func(id string, aliases ...string) Advisory {
		return Advisory{ID: id, Aliases: aliases, Source: "osv", Ecosystem: "PyPI", Package: "pip-x", Ranges: r}
	}
	later := adv("GHSA-aaaa", "CVE-2020-1")
	later.Ranges = events(in("0"), fix("2.1.0"))
	early := adv("PYSEC-2020-1", "CVE-2020-1")
	early.Ranges = events(in("0"), fix("1.0.0")) // says that 1.5 is fixed
	l := newMemory(
		adv("PYSEC-1", "CVE-2020-1"), later, early,
		adv("GHSA-bbbb"), adv("PYSEC-2", "GHSA-bbbb"),
		adv("GHSA-cccc", "CVE-2020-3", "CVE-2020-4"), adv("PYSEC-3", "CVE-2020-4"),
	)
	l.metas["CVE-2020-4"] = Meta{ID: "CVE-2020-4", KEV: true, KEVAdded: "2021-01-02", EPSS: finding.EPSS{Score: .9, Date: "2026-01-01"}}
	inv := &sbom.Inventory{Packages: []sbom.Package{pkg("pypi", "", "Pip_X", "1.5.0", "/x")}}
	found, _ := match(t, l, inv)
	if len(found) != 3 {
		t.Fatalf("%d findings, want 3", len(found))
	}
	f := one(t, found, "CVE-2020-1", "Pip_X")
	// 2.0.0 is not enough for the second record.
	if f.Vuln.FixedIn != "2.1.0" || !slices.Equal(f.Vuln.Aliases, []string{"GHSA-aaaa", "PYSEC-1"}) {
		t.Errorf("%+v", f.Vuln)
	}
	if f := one(t, found, "GHSA-bbbb", "Pip_X"); !slices.Equal(f.Vuln.Aliases, []string{"PYSEC-2"}) {
		t.Errorf("%+v", f.Vuln)
	}
	f = one(t, found, "CVE-2020-3", "Pip_X")
	if !f.Vuln.KEV || f.Vuln.KEVAdded != "2021-01-02" || f.Vuln.EPSS.Score != .9 {
		t.Errorf("what is known of the second number is lost: %+v", f.Vuln)
	}
}

func TestNoFixAndBase(t *testing.T) {
	adv := func(name, noFix, urgency string) Advisory {
		return Advisory{ID: "CVE-2020-1", Source: "debian", Ecosystem: "Debian:11", Package: name, NoFix: noFix, Urgency: urgency, Ranges: events(in("0"))}
	}
	l := newMemory(adv("a", "", ""), adv("b", "won't fix", ""), adv("c", "", "end-of-life"))
	yes, no := true, false
	inv := &sbom.Inventory{Distro: &sbom.Distro{ID: "debian", VersionID: "11"}, Packages: []sbom.Package{
		deb("a", "1", "a1", "1"), deb("a", "1", "a2", "1"), deb("b", "1", "b1", "1"), deb("b", "1", "b2", "1"), deb("c", "1", "c1", "1"),
	}}
	for i, b := range []*bool{&no, &yes, &no, nil, &no} {
		inv.Packages[i].InBase = b
	}
	ended := func(id, version string) (time.Time, bool) {
		return time.Date(2026, 8, 31, 0, 0, 0, 0, time.UTC), id == "debian" && version == "11"
	}
	for _, test := range []struct {
		now  time.Time
		want map[string]string
	}{
		{time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), map[string]string{"a": "end of life", "b": "won't fix", "c": "end of life"}},
		{time.Date(2025, 11, 1, 0, 0, 0, 0, time.UTC), map[string]string{"a": "", "b": "won't fix", "c": "end of life"}},
	} {
		found, _, err := Match(t.Context(), inv, l, Options{Now: test.now, EndOfLife: ended})
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range test.want {
			if f := one(t, found, "CVE-2020-1", name); f.Vuln.NoFix != want {
				t.Errorf("%s at %s: %q, want %q", name, test.now, f.Vuln.NoFix, want)
			}
		}
		for name, want := range map[string]*bool{"a": &yes, "b": nil, "c": &no} {
			got := one(t, found, "CVE-2020-1", name).Vuln.InBase
			if (got == nil) != (want == nil) || (got != nil && *got != *want) {
				t.Errorf("%s in the base: %v", name, got)
			}
		}
	}
}

func TestFolderLocation(t *testing.T) {
	p := sbom.Package{Type: "npm", Name: "lodash", Version: "4.17.15", Dev: true, Locations: []sbom.Location{{Path: "app/package-lock.json", Line: 42}}}
	found, _ := match(t, facts(t), &sbom.Inventory{Packages: []sbom.Package{p}})
	f := one(t, found, "CVE-2021-23337", "lodash")
	if len(f.At) != 1 || f.At[0].Source == nil || f.At[0].Source.File != "app/package-lock.json" || f.At[0].Source.Line != 42 || f.At[0].Path != "" {
		t.Errorf("%+v", f.At)
	}
	if e := f.Evidence[len(f.Evidence)-1]; !strings.Contains(e.Text, "development") {
		t.Errorf("%+v", f.Evidence)
	}
}

// Every key is asked for once, ecosystem by ecosystem, in order.
func TestLookupOrder(t *testing.T) {
	l := facts(t)
	inv := nginx120(t)
	inv.Packages = append(inv.Packages, pkg("npm", "", "lodash", "4.17.15", "/a"), pkg("npm", "", "lodash", "4.17.16", "/b"), pkg("npm", "@babel", "core", "7.0.0", "/c"))
	match(t, l, inv)
	if !slices.IsSorted(l.asked) || len(slices.Compact(slices.Clone(l.asked))) != len(l.asked) {
		t.Errorf("asked %q", l.asked)
	}
	if !slices.Contains(l.asked, "npm @babel/core") || !slices.Contains(l.asked, "Debian:11 openssl") {
		t.Errorf("asked %q", l.asked)
	}
}

type broken struct{ *memory }

var errBroken = errors.New("block is damaged")

func (b broken) Advisories(context.Context, string, string) ([]Advisory, error) {
	return nil, errBroken
}

func TestLookupError(t *testing.T) {
	found, unknown, err := Match(t.Context(), nginx120(t), broken{facts(t)}, Options{})
	if !errors.Is(err, errBroken) || found != nil || unknown != nil {
		t.Errorf("%v, %d findings", err, len(found))
	}
}

func TestEcosystem(t *testing.T) {
	distro := func(id, version string) *sbom.Distro { return &sbom.Distro{ID: id, VersionID: version} }
	for _, test := range []struct {
		p    sbom.Package
		d    *sbom.Distro
		want string // "ecosystem name"; empty: none
	}{
		{deb("openssl", "1", "libssl1.1", "1"), distro("debian", "11"), "Debian:11 openssl"},
		{deb("openssl", "1", "libssl1.1", "1"), &sbom.Distro{ID: "debian", Codename: "forky"}, "Debian:14 openssl"},
		{deb("openssl", "1", "libssl1.1", "1"), distro("ubuntu", "22.04"), "Ubuntu:22.04:LTS openssl"},
		{deb("openssl", "1", "libssl1.1", "1"), distro("ubuntu", "23.10"), "Ubuntu:23.10 openssl"},
		{deb("openssl", "1", "libssl1.1", "1"), distro("ubuntu", "23.04"), "Ubuntu:23.04 openssl"},
		{apk("openssl", "libssl3", "1"), distro("alpine", "3.18.9"), "Alpine:v3.18 openssl"},
		{apk("openssl", "libssl3", "1"), distro("alpine", "3.22_alpha20250108"), "Alpine:edge openssl"},
		{apk("openssl", "libssl3", "1"), distro("wolfi", "20230201"), "Wolfi openssl"},
		{sbom.Package{Type: "rpm", Name: "curl"}, distro("almalinux", "9.4"), "AlmaLinux:9 curl"},
		{sbom.Package{Type: "rpm", Name: "curl"}, distro("rocky", "9.4"), "Rocky Linux:9 curl"},
		{sbom.Package{Type: "rpm", Name: "curl"}, distro("rhel", "8.9"), "Red Hat:enterprise_linux:8 curl"},
		{sbom.Package{Type: "rpm", Name: "curl"}, distro("centos", "7"), "Red Hat:enterprise_linux:7 curl"},
		{sbom.Package{Type: "rpm", Name: "curl"}, distro("sles", "15.5"), "SUSE:Linux Enterprise 15 SP5 curl"},
		{sbom.Package{Type: "rpm", Name: "curl"}, distro("sles", "15"), "SUSE:Linux Enterprise 15 curl"},
		{sbom.Package{Type: "rpm", Name: "curl"}, distro("sles", "16.0"), "SUSE:Linux Enterprise 16.0 curl"},
		{sbom.Package{Type: "rpm", Name: "curl"}, distro("sle-micro", "5.5"), "SUSE:Linux Enterprise Micro 5.5 curl"},
		{sbom.Package{Type: "rpm", Name: "curl"}, distro("opensuse-leap", "15.6"), "openSUSE:Leap 15.6 curl"},
		{sbom.Package{Type: "rpm", Name: "curl"}, distro("opensuse-tumbleweed", "20261101"), "openSUSE:Tumbleweed curl"},
		{sbom.Package{Type: "rpm", Name: "curl"}, distro("amzn", "2018.03"), "Amazon Linux:1 curl"},
		{sbom.Package{Type: "rpm", Name: "curl"}, distro("amzn", "2"), "Amazon Linux:2 curl"},
		{sbom.Package{Type: "rpm", Name: "curl"}, distro("amzn", "2023"), "Amazon Linux:2023 curl"},
		{sbom.Package{Type: "rpm", Name: "curl"}, distro("ol", "8.10"), "Oracle Linux:8 curl"},
		{sbom.Package{Type: "rpm", Name: "curl"}, distro("fedora", "42"), "Fedora:42 curl"},
		{sbom.Package{Type: "rpm", Name: "curl"}, distro("mariner", "2.0"), "Azure Linux:2 curl"},
		{sbom.Package{Type: "rpm", Name: "curl"}, distro("azurelinux", "3.0"), "Azure Linux:3 curl"},
		{sbom.Package{Type: "rpm", Name: "curl"}, distro("photon", "5.0"), "Photon OS:5.0 curl"},
		{sbom.Package{Type: "rpm", Name: "curl"}, distro("mageia", "9"), "Mageia:9 curl"},
		{sbom.Package{Type: "rpm", Name: "curl"}, distro("openeuler", "22.03-LTS-SP1"), "openEuler:22.03-LTS-SP1 curl"},
		{apk("openssl", "libssl3", "1"), distro("minimos", "20250101"), "MinimOS openssl"},
		{apk("openssl", "libssl3", "1"), distro("alpaquita", "23"), "Alpaquita:23 openssl"},
		{deb("openssl", "1", "libssl3", "1"), distro("echo", ""), "Echo openssl"},
		{sbom.Package{Type: "rpm", Name: "curl"}, distro("alpine", "3.18"), ""},
		{sbom.Package{Type: "rpm", Name: "curl"}, nil, ""},
		{deb("a", "1", "a", "1"), distro("arch", ""), ""},
		{sbom.Package{Type: "npm", Namespace: "@babel", Name: "core"}, nil, "npm @babel/core"},
		{sbom.Package{Type: "pypi", Name: "Zope.Interface_X"}, nil, "PyPI zope-interface-x"},
		{sbom.Package{Type: "maven", Namespace: "org.apache.logging.log4j", Name: "log4j-core"}, nil, "Maven org.apache.logging.log4j:log4j-core"},
		{sbom.Package{Type: "golang", Namespace: "github.com/Masterminds", Name: "semver"}, nil, "Go github.com/Masterminds/semver"},
		{sbom.Package{Type: "golang", Name: "stdlib"}, nil, "Go stdlib"},
		{sbom.Package{Type: "nuget", Name: "Newtonsoft.Json"}, nil, "NuGet newtonsoft.json"},
		{sbom.Package{Type: "composer", Namespace: "Symfony", Name: "HTTP-kernel"}, nil, "Packagist symfony/http-kernel"},
		{sbom.Package{Type: "generic", Name: "httpd"}, nil, "Bitnami apache"},
		{sbom.Package{Type: "bitnami", Name: "redis"}, nil, "Bitnami redis"},
		{sbom.Package{Type: "swift", Namespace: "github.com/Vapor", Name: "vapor"}, nil, "SwiftURL github.com/vapor/vapor"},
		{sbom.Package{Type: "cran", Name: "jsonlite"}, nil, "CRAN jsonlite"},
		{sbom.Package{Type: "github", Namespace: "actions", Name: "cache/restore"}, nil, "GitHub Actions actions/cache"},
		{sbom.Package{Type: "unheard-of", Name: "x"}, nil, ""},
	} {
		eco, name, ok := Ecosystem(test.p, test.d)
		if got := eco + " " + name; ok != (test.want != "") || (ok && got != test.want) {
			t.Errorf("%s %s of %+v: %q %v, want %q", test.p.Type, test.p.Name, test.d, got, ok, test.want)
		}
	}
}

func TestOrder(t *testing.T) {
	l := facts(t)
	l.metas["CVE-2021-4160"] = Meta{KEV: true, CVSS: []finding.CVSS{{Vector: "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:N/A:N", Source: "nvd"}}}
	inv := nginx120(t)
	inv.Packages = append(inv.Packages, deb("linux", "5.10.0-1", "linux-libc-dev", "5.10.0-1"), pkg("npm", "", "lodash", "4.17.15", "/a"))
	found, _ := match(t, l, inv)
	if !slices.IsSortedFunc(found, finding.Compare) || len(found) < 50 {
		t.Errorf("%d findings are not in order", len(found))
	}
}

// TestRules holds each rule to its own example.
func TestRules(t *testing.T) {
	l := facts(t)
	for _, r := range Rules() {
		if r.Title == "" || r.Why == "" || r.Practice != finding.Vulnerabilities {
			t.Errorf("%s is not documented", r.ID)
		}
		fires := func(purl string) bool {
			p, err := sbom.FromPURL(purl)
			if err != nil {
				t.Fatal(err)
			}
			found, _ := match(t, l, &sbom.Inventory{Distro: &sbom.Distro{ID: "debian", VersionID: "11"}, Packages: []sbom.Package{p}})
			return slices.ContainsFunc(found, func(f finding.Finding) bool {
				return f.Rule == r.ID && (f.Vuln.ID == "CVE-2022-0778" || f.Vuln.ID == "CVE-2021-23337" || f.Vuln.ID == "CVE-2024-22019")
			})
		}
		if !fires(r.Bad) || fires(r.Good) {
			t.Errorf("%s: bad fires %v, good fires %v", r.ID, fires(r.Bad), fires(r.Good))
		}
	}
}

// bench is an inventory of the size of a large image: 450 source packages of a
// distribution and some two thousand libraries, on real advisories.
func bench(b *testing.B) (*sbom.Inventory, *memory) {
	l := facts(b)
	inv := nginx120(b)
	base := slices.Clone(inv.Packages)
	for i := range 3 {
		for _, p := range base {
			p.Source = sourceName(p) + fmt.Sprint(i)
			inv.Packages = append(inv.Packages, p)
			k := "Debian:11\x00" + p.Source
			if l.advs[k] == nil {
				l.advs[k] = l.advs["Debian:11\x00expat"]
			}
		}
	}
	for i := len(inv.Packages); i < 2400; i++ {
		name := fmt.Sprintf("pkg%d", i)
		inv.Packages = append(inv.Packages, pkg("npm", "", name, "4.17.15", "/app/node_modules/"+name+"/package.json"))
		if i%5 == 0 {
			l.advs["npm\x00"+name] = l.advs["npm\x00lodash"]
		}
	}
	return inv, l
}

func BenchmarkMatch(b *testing.B) {
	inv, l := bench(b)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		l.asked = l.asked[:0]
		found, _, err := Match(b.Context(), inv, l, Options{})
		if err != nil {
			b.Fatal(err)
		}
		n = len(found)
	}
	b.ReportMetric(float64(n), "findings")
}

func BenchmarkCompareDebian(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if c, err := compareDeb("1.1.1k-1+deb11u1", "1.1.1w-0+deb11u2"); c != -1 || err != nil {
			b.Fatal(c, err)
		}
	}
}

// TestSourceEpoch: packages of one source rpm are one group, whatever epoch those have
// that have a version of their own, which is not the source's.
func TestSourceEpoch(t *testing.T) {
	l := newMemory(
		Advisory{ID: "ALSA-2099:1", Related: []string{"CVE-2099-1"}, Ecosystem: "AlmaLinux:8", Package: "perl", Ranges: []Range{{Type: "ECOSYSTEM", Events: []Event{{Introduced: "0"}, {Fixed: "4:5.26.3-423.el8"}}}}},
		Advisory{ID: "ALSA-2099:2", Related: []string{"CVE-2099-2"}, Ecosystem: "AlmaLinux:8", Package: "perl", Ranges: []Range{{Type: "ECOSYSTEM", Events: []Event{{Introduced: "0"}, {Fixed: "4:5.26.3-422.el8"}}}}},
	)
	perl := func(name, version string) sbom.Package {
		return sbom.Package{Type: "rpm", Name: name, Version: version, Source: "perl", SourceVersion: "5.26.3-422.el8", Cataloger: "rpm"}
	}
	found, _ := match(t, l, &sbom.Inventory{Distro: &sbom.Distro{ID: "almalinux", VersionID: "8.5"}, Packages: []sbom.Package{
		perl("perl-IO", "1.38-422.el8"), perl("perl-interpreter", "4:5.26.3-422.el8"), perl("perl-Errno", "1.28-422.el8"),
	}})
	if len(found) != 1 || found[0].Vuln.ID != "CVE-2099-1" || found[0].Vuln.Version != "4:5.26.3-422.el8" {
		t.Errorf("%+v", found)
	}
}
