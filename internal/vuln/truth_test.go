package vuln

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// expect is what a scan of real packages must and must not say, written down
// by hand from the advisories.
type expect struct {
	id, name string
	fixed    string // "-": no fix
	severity finding.Severity
}

func check(t *testing.T, found []finding.Finding, want []expect, not []string) {
	t.Helper()
	at := byID(found)
	for _, w := range want {
		f, ok := at[w.id+" "+w.name]
		if !ok {
			t.Errorf("%s of %s is not found", w.id, w.name)
			continue
		}
		fixed := w.fixed
		if fixed == "-" {
			fixed = ""
		}
		if f.Vuln.FixedIn != fixed {
			t.Errorf("%s of %s: fixed in %q, want %q", w.id, w.name, f.Vuln.FixedIn, fixed)
		}
		if w.severity != finding.Unspecified && f.Severity != w.severity {
			t.Errorf("%s of %s: %s by %s, want %s", w.id, w.name, f.Severity, f.Vuln.SeveritySource, w.severity)
		}
	}
	for _, n := range not {
		if f, ok := at[n]; ok && f.Suppressed == nil {
			t.Errorf("%s must not be found: %s", n, f.Message)
		}
	}
}

func match(t testing.TB, l Lookup, inv *sbom.Inventory) ([]finding.Finding, []finding.Unknown) {
	t.Helper()
	found, unknown, err := Match(t.Context(), inv, l, Options{})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, f := range found {
		if k := f.Key + " " + string(f.Rule); seen[k] {
			t.Errorf("two findings of %s", k)
		} else {
			seen[k] = true
		}
		if f.Vuln == nil || f.Message == "" || f.Practice != finding.Vulnerabilities {
			t.Errorf("incomplete finding %+v", f)
		}
	}
	return found, unknown
}

func TestTruthNginx120(t *testing.T) {
	l := facts(t)
	l.metas["CVE-2022-0778"] = Meta{ID: "CVE-2022-0778", CVSS: []finding.CVSS{{Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", Source: "nvd"}}}
	l.metas["CVE-2022-37434"] = Meta{CVSS: []finding.CVSS{{Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Source: "nvd"}}}
	found, unknown := match(t, l, nginx120(t))
	if len(unknown) != 0 {
		t.Errorf("unknown: %v", unknown)
	}
	check(t, found, []expect{
		{"CVE-2022-0778", "openssl", "1.1.1k-1+deb11u2", finding.High}, // by DSA-5103-1 alone
		{"CVE-2021-4160", "openssl", "1.1.1k-1+deb11u2", 0},
		{"CVE-2022-1292", "openssl", "1.1.1n-0+deb11u2", 0},
		{"CVE-2022-2068", "openssl", "1.1.1n-0+deb11u3", 0},
		{"CVE-2023-0286", "openssl", "1.1.1n-0+deb11u4", 0},
		{"CVE-2023-3446", "openssl", "1.1.1v-0~deb11u1", 0},
		{"CVE-2024-5535", "openssl", "1.1.1w-0+deb11u2", 0},
		{"CVE-2024-13176", "openssl", "-", 0},
		{"CVE-2010-0928", "openssl", "-", finding.Negligible}, // unimportant
		{"CVE-2022-40674", "expat", "2.2.10-2+deb11u4", 0},
		{"CVE-2013-0340", "expat", "-", finding.Negligible},
		{"CVE-2018-25032", "zlib", "1:1.2.11.dfsg-2+deb11u1", 0},
		{"CVE-2022-37434", "zlib", "1:1.2.11.dfsg-2+deb11u2", finding.Critical},
		{"CVE-2022-1271", "gzip", "1.10-4+deb11u1", 0},
		{"CVE-2022-1271", "xz-utils", "5.2.5-2.1~deb11u1", 0},
		{"CVE-2022-1664", "dpkg", "1.20.10", 0},
		{"CVE-2022-1586", "pcre2", "10.36-2+deb11u1", 0},
		{"CVE-2022-1304", "e2fsprogs", "1.46.2-2+deb11u1", 0},
		{"CVE-2024-28085", "util-linux", "2.36.1-8+deb11u2", 0},
		// nginx.org's build: Debian's fix is of an older version, upstream's counts.
		{"CVE-2022-41741", "nginx", "-", finding.High},
		{"CVE-2022-41742", "nginx", "-", finding.High},
	}, []string{
		"CVE-2021-3711 openssl",    // fixed in this very version
		"CVE-2021-3712 openssl",    // the same
		"CVE-2022-25235 expat",     // the same
		"CVE-2022-25315 expat",     // the same
		"CVE-2021-3996 util-linux", // the same
		"CVE-2021-3520 lz4",        // the same
		"CVE-2021-20193 tar",       // the same
		"CVE-2022-3602 openssl",    // OpenSSL 3 only, Debian 12
		"CVE-2013-0337 nginx",      // of Debian's build, not of nginx.org's
		"CVE-2021-23017 nginx",     // upstream fixed it in 1.20.1
		"DSA-5103-1 openssl",       // a notice of CVEs, not a vulnerability
		"DSA-4963-1 openssl",       // a notice fixed in this very version
		"CVE-2023-2975 openssl",    // OpenSSL 3 only
		"DSA-5085-2 expat",         // a regression of an update, not a vulnerability
	})

	f := byID(found)["CVE-2022-0778 openssl"]
	if f.Key != "CVE-2022-0778 pkg:deb/debian/openssl@1.1.1k-1+deb11u1" || f.Rule != RuleOS {
		t.Errorf("key %q, rule %s", f.Key, f.Rule)
	}
	if !slices.Contains(f.Vuln.Aliases, "DSA-5103-1") || slices.Contains(f.Vuln.Aliases, "CVE-2021-4160") {
		t.Errorf("aliases %v", f.Vuln.Aliases)
	}
	if f.Vuln.SeveritySource != "nvd" || f.Vuln.CVSS.Score != 7.5 || f.Vuln.PackageType != "deb" {
		t.Errorf("%+v", f.Vuln)
	}
	var texts []string
	for _, e := range f.Evidence {
		texts = append(texts, e.Text)
	}
	for _, want := range []string{"DSA-5103-1 (debian)", "libssl1.1 1.1.1k-1+deb11u1 in /var/lib/dpkg/status", "openssl 1.1.1k-1+deb11u1 in /var/lib/dpkg/status"} {
		if !slices.Contains(texts, want) {
			t.Errorf("evidence %q lacks %q", texts, want)
		}
	}
	// The layer is the one that brought the package, not the one that wrote
	// the package database last.
	if len(f.At) != 1 || f.At[0].Layer != layerA || f.At[0].Path != "/var/lib/dpkg/status" {
		t.Errorf("at %+v", f.At)
	}
}

// The whole inventory against the whole of Debian's feed. The counts are those
// of an evaluation by dpkg --compare-versions, with CVE-2022-0778, which only
// a notice names.
func TestTruthNginx120Shared(t *testing.T) {
	if testing.Short() {
		t.Skip("reads two whole feeds")
	}
	inv := nginx120(t)
	var advs []Advisory
	for _, feed := range []string{"Debian", "Alpine"} { // a CVE that both have is in one of the files
		eachLine(t, "advisories/"+feed+".jsonl.xz", func(line []byte) {
			if bytes.Contains(line, []byte(`"Debian:11"`)) {
				advs = append(advs, parseRecord(t, line).advisories()...)
			}
		})
	}
	found, unknown := match(t, newMemory(advs...), inv)
	if len(unknown) != 1 || !strings.Contains(unknown[0].What, "nginx 1.20.2-1~bullseye") {
		t.Error(unknown) // nginx.org's build, of which Debian's feed does not speak
	}
	bySource, all, fixable := map[string]int{}, 0, 0
	for _, f := range found {
		if isCVE(f.Vuln.ID) {
			bySource[f.Vuln.Name]++
			all++
			if f.Vuln.FixedIn != "" {
				fixable++
			}
		}
	}
	want := map[string]int{"openssl": 23, "curl": 44, "expat": 10, "zlib": 3, "gzip": 1, "xz-utils": 1, "nginx": 0, "libxml2": 13, "glibc": 21, "pcre2": 3, "perl": 5, "openldap": 6, "freetype": 4, "acl": 0}
	for name, n := range want {
		if bySource[name] != n {
			t.Errorf("%s has %d, want %d", name, bySource[name], n)
		}
	}
	if all != 301 || fixable != 196 {
		t.Errorf("%d vulnerabilities, %d of them fixable, want 301 and 196", all, fixable)
	}
}

func TestTruthAlpine(t *testing.T) {
	base := func(busybox, openssl, musl, zlib string) []sbom.Package {
		return []sbom.Package{
			apk("busybox", "busybox", busybox), apk("busybox", "ssl_client", busybox),
			apk("openssl", "libcrypto3", openssl), apk("openssl", "libssl3", openssl),
			apk("", "musl", musl), apk("", "zlib", zlib), apk("", "apk-tools", "2.14.4-r0"),
		}
	}
	l := facts(t)
	for _, test := range []struct {
		release string
		pkgs    []sbom.Package
		want    []expect
		not     []string
		count   int // of findings
	}{
		{
			"3.18.9", base("1.36.1-r7", "3.1.7-r0", "1.2.4-r2", "1.2.13-r1"),
			[]expect{
				{"CVE-2024-9143", "openssl", "3.1.7-r1", 0},
				{"CVE-2024-13176", "openssl", "3.1.8-r0", 0},
				{"CVE-2025-26519", "musl", "1.2.4-r3", 0},
			},
			[]string{
				"CVE-2023-42363 busybox", // fixed in 1.36.1-r7
				"CVE-2023-42366 busybox", // fixed in 1.36.1-r6
				"CVE-2024-6119 openssl",  // fixed in 3.1.7-r0
				"CVE-2023-45853 zlib",    // "0": never affected
				"CVE-2022-2274 openssl",  // "0"
				"CVE-2021-42373 busybox", // "0"
				"CVE-2024-12797 openssl", // 3.2 and later, other releases
			},
			3,
		},
		{
			"3.20.3", base("1.36.1-r29", "3.3.2-r0", "1.2.5-r0", "1.3.1-r1"),
			[]expect{
				{"CVE-2024-9143", "openssl", "3.3.2-r1", 0},
				{"CVE-2024-12797", "openssl", "3.3.3-r0", 0},
				{"CVE-2024-13176", "openssl", "3.3.2-r2", 0},
				{"CVE-2025-26519", "musl", "1.2.5-r1", 0},
			},
			[]string{
				"CVE-2023-42364 busybox", // fixed in 1.36.1-r29
				"CVE-2023-6992 zlib",     // "0"
				"CVE-2024-6119 openssl",  // fixed in 3.3.2-r0
			},
			4,
		},
	} {
		inv := &sbom.Inventory{Distro: &sbom.Distro{ID: "alpine", VersionID: test.release}, Packages: test.pkgs}
		found, unknown := match(t, l, inv)
		if len(unknown) != 0 {
			t.Errorf("%s: unknown %v", test.release, unknown)
		}
		check(t, found, test.want, test.not)
		if len(found) != test.count {
			t.Errorf("%s: %d findings, want %d", test.release, len(found), test.count)
		}
	}
}

func TestTruthNpm(t *testing.T) {
	inv := &sbom.Inventory{Packages: []sbom.Package{
		pkg("npm", "", "lodash", "4.17.15", "/app/node_modules/lodash/package.json", "/srv/node_modules/lodash/package.json"),
		pkg("npm", "", "minimist", "1.2.0", "/app/node_modules/minimist/package.json"),
		pkg("npm", "", "axios", "0.21.0", "/app/node_modules/axios/package.json"),
		pkg("npm", "", "express", "4.16.0", "/app/node_modules/express/package.json"),
	}}
	found, unknown := match(t, facts(t), inv)
	if len(unknown) != 0 {
		t.Errorf("unknown: %v", unknown)
	}
	check(t, found, []expect{
		{"CVE-2021-23337", "lodash", "4.17.21", finding.High},
		{"CVE-2020-28500", "lodash", "4.17.21", finding.Medium},
		{"CVE-2020-8203", "lodash", "4.17.19", finding.High},
		{"CVE-2021-44906", "minimist", "1.2.6", finding.Critical},
		{"CVE-2020-7598", "minimist", "1.2.3", finding.Medium},
		{"CVE-2020-28168", "axios", "0.21.1", finding.Medium},
		{"CVE-2021-3749", "axios", "0.21.2", finding.High},
		{"CVE-2023-45857", "axios", "0.28.0", finding.Medium}, // the fix of its own major version
		{"CVE-2024-29041", "express", "4.19.2", finding.Medium},
		{"CVE-2024-43796", "express", "4.20.0", 0},
	}, []string{
		"CVE-2019-10744 lodash",      // fixed in 4.17.12
		"CVE-2018-16487 lodash",      // fixed in 4.17.11
		"CVE-2018-3721 lodash",       // fixed in 4.17.5
		"CVE-2019-10742 axios",       // fixed in 0.18.1
		"CVE-2024-39338 axios",       // introduced in 1.3.2
		"CVE-2014-6393 express",      // fixed in 4.5.0
		"CVE-2024-10491 express",     // fixed in 4.0.0-rc1
		"GHSA-35jh-r3h4-6jhm lodash", // an alias is not a second finding
	})
	f := byID(found)["CVE-2021-23337 lodash"]
	if f.Key != "CVE-2021-23337 pkg:npm/lodash@4.17.15" || len(f.At) != 2 || f.Rule != RuleLanguage {
		t.Errorf("%q at %v", f.Key, f.At)
	}
	if want := []string{"GHSA-35jh-r3h4-6jhm"}; !slices.Equal(f.Vuln.Aliases, want) {
		t.Errorf("aliases %v", f.Vuln.Aliases)
	}
}

func TestTruthGoBinary(t *testing.T) {
	inv := &sbom.Inventory{Packages: []sbom.Package{
		pkg("golang", "", "stdlib", "1.20.3", "/usr/local/bin/tool"),
		pkg("golang", "golang.org/x", "net", "v0.7.0", "/usr/local/bin/tool"),
		pkg("golang", "example.com", "tool", "(devel)", "/usr/local/bin/tool"),
	}}
	found, unknown := match(t, facts(t), inv)
	if len(unknown) != 0 { // nothing is published about the tool itself, so that its version does not matter
		t.Errorf("unknown: %v", unknown)
	}
	check(t, found, []expect{
		{"CVE-2023-24540", "stdlib", "1.20.4", 0},
		{"CVE-2023-29403", "stdlib", "1.20.5", 0},
		{"CVE-2023-39325", "stdlib", "1.20.10", 0},
		{"CVE-2023-45288", "stdlib", "1.21.9", 0},
		{"CVE-2024-24790", "stdlib", "1.21.11", 0},
		{"CVE-2023-39325", "golang.org/x/net", "0.17.0", 0},
		{"CVE-2023-45288", "golang.org/x/net", "0.23.0", 0},
	}, []string{
		"CVE-2023-24537 stdlib",           // fixed in 1.20.3
		"CVE-2022-41725 stdlib",           // fixed in 1.20.1
		"CVE-2023-39318 go",               // another name
		"CVE-2022-41723 golang.org/x/net", // fixed in 0.7.0
	})
}

func TestTruthPrograms(t *testing.T) {
	inv := &sbom.Inventory{Packages: []sbom.Package{
		pkg("generic", "", "node", "21.6.1", "/usr/local/bin/node"),
		pkg("generic", "", "busybox", "1.36.1", "/bin/busybox"),
	}}
	found, unknown := match(t, facts(t), inv)
	check(t, found, []expect{
		{"CVE-2024-21892", "node", "21.6.2", 0},
		{"CVE-2024-22019", "node", "21.6.2", 0},
	}, []string{"CVE-2023-44487 node"})
	if f := byID(found)["CVE-2024-22019 node"]; f.Rule != RuleProgram {
		t.Errorf("rule %s", f.Rule)
	}
	if len(unknown) != 1 || !strings.Contains(unknown[0].What, "busybox 1.36.1") {
		t.Errorf("unknown: %v", unknown)
	}
}
