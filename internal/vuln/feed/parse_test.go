package feed

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/vuln"
)

func TestOSV(t *testing.T) {
	at := time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	span := func(kind string, e ...vuln.Event) []vuln.Range { return []vuln.Range{{Type: kind, Events: e}} }
	for name, c := range map[string]struct {
		in, eco string
		want    []vuln.Advisory
	}{
		"Debian, one of two ecosystems": {
			`{"id":"CVE-2024-1","modified":"2024-01-02T03:04:05Z","published":"2024-01-02T03:04:05Z","related":["DSA-1-1","ALSA-2024:1"],
			"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}],
			"affected":[{"package":{"ecosystem":"Debian:11","name":"x"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1-2"}]},{"type":"GIT","repo":"r","events":[{"introduced":"0"}]}],"versions":["1-1"],"ecosystem_specific":{"urgency":"unimportant"}},
			{"package":{"ecosystem":"Alpine:v3.18","name":"x"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]},{"package":{},"ranges":[{"type":"GIT","events":[{"introduced":"0"}]}]}]}`, "Debian",
			[]vuln.Advisory{{
				ID: "CVE-2024-1", Source: "debian", Ecosystem: "Debian:11", Package: "x", Ranges: span("ECOSYSTEM", vuln.Event{Introduced: "0"}, vuln.Event{Fixed: "1-2"}),
				Severity: finding.Negligible, Urgency: "unimportant", CVSS: []finding.CVSS{{Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", Source: "osv"}}, Published: at, Modified: at, URL: "https://security-tracker.debian.org/tracker/CVE-2024-1",
			}},
		},
		"DSA": {
			`{"id":"DSA-1-1","modified":"2024-01-02T03:04:05Z","related":["CVE-2024-2","CVE-2024-1"],"affected":[{"package":{"ecosystem":"Debian:11","name":"x"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}],"database_specific":{"urgency":"end-of-life"}}]}`, "Debian",
			[]vuln.Advisory{{ID: "DSA-1-1", Related: []string{"CVE-2024-1", "CVE-2024-2"}, Source: "debian", Ecosystem: "Debian:11", Package: "x", Ranges: span("ECOSYSTEM", vuln.Event{Introduced: "0"}), Urgency: "end-of-life", NoFix: "end of life", Modified: at, URL: "https://security-tracker.debian.org/tracker/DSA-1-1"}},
		},
		"Ubuntu": {
			`{"id":"UBUNTU-CVE-2024-1","modified":"2024-01-02T03:04:05Z","upstream":["CVE-2024-1"],"severity":[{"type":"Ubuntu","score":"low"}],"affected":[{"package":{"ecosystem":"Ubuntu:22.04:LTS","name":"x"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}],"ecosystem_specific":{"ubuntu_priority":"negligible","status":"deferred"}}]}`, "Ubuntu",
			[]vuln.Advisory{{ID: "UBUNTU-CVE-2024-1", Aliases: []string{"CVE-2024-1"}, Source: "ubuntu", Ecosystem: "Ubuntu:22.04:LTS", Package: "x", Ranges: span("ECOSYSTEM", vuln.Event{Introduced: "0"}), Severity: finding.Negligible, Urgency: "negligible", NoFix: "deferred", Modified: at, URL: "https://ubuntu.com/security/CVE-2024-1"}},
		},
		"GHSA, one package in two entries, V4": {
			`{"id":"GHSA-a","modified":"2024-01-02T03:04:05Z","withdrawn":"2024-02-02T00:00:00Z","aliases":["CVE-2024-1","CVE-2024-1","GHSA-a"],"severity":[{"type":"CVSS_V4","score":"CVSS:4.0/AV:N"},{"type":"CVSS_V3","score":"high"}],
			"affected":[{"package":{"ecosystem":"PyPI","name":"Zope.Interface"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.0"}]}],"versions":["0.9","3.0"]},{"package":{"ecosystem":"PyPI","name":"zope-interface"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"2.0"},{"last_affected":"2.2"}]}]}],"database_specific":{"severity":"MODERATE"}}`, "PyPI",
			[]vuln.Advisory{{
				ID: "GHSA-a", Aliases: []string{"CVE-2024-1"}, Source: "ghsa", Ecosystem: "PyPI", Package: "zope-interface",
				Ranges:   append(span("ECOSYSTEM", vuln.Event{Introduced: "0"}, vuln.Event{Fixed: "1.0"}), span("ECOSYSTEM", vuln.Event{Introduced: "2.0"}, vuln.Event{LastAffected: "2.2"})...),
				Versions: []string{"3.0"}, Severity: finding.Medium, Urgency: "moderate", CVSS: []finding.CVSS{{Vector: "CVSS:4.0/AV:N", Source: "ghsa"}}, Modified: at, Withdrawn: true, URL: "https://github.com/advisories/GHSA-a",
			}},
		},
		"Rocky": {
			`{"id":"RLSA-2024:1","modified":"2024-01-02T03:04:05Z","related":["CVE-2024-1"],"summary":"Important: kernel update","affected":[{"package":{"ecosystem":"Rocky Linux:8","name":"kernel"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"0:4"}]}]}]}`, "Rocky Linux",
			[]vuln.Advisory{{ID: "RLSA-2024:1", Related: []string{"CVE-2024-1"}, Source: "rocky", Ecosystem: "Rocky Linux:8", Package: "kernel", Ranges: span("ECOSYSTEM", vuln.Event{Introduced: "0"}, vuln.Event{Fixed: "0:4"}), Severity: finding.High, Urgency: "important", Modified: at, URL: "https://errata.rockylinux.org/RLSA-2024:1"}},
		},
		"AlmaLinux, no vulnerability": {`{"id":"ALBA-2024:1","modified":"2024-01-02T03:04:05Z","related":[],"affected":[{"package":{"ecosystem":"AlmaLinux:8","name":"x"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1"}]}]}]}`, "AlmaLinux", nil},
		"RustSec, unmaintained, no dates": {
			`{"id":"RUSTSEC-2024-0001","modified":"0001-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"crates.io","name":"x"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0.0.0-0"}]}],"database_specific":{"informational":"unmaintained"},"ecosystem_specific":{"affected_functions":null}}]}`, "crates.io",
			[]vuln.Advisory{{ID: "RUSTSEC-2024-0001", Source: "osv", Ecosystem: "crates.io", Package: "x", Ranges: span("SEMVER", vuln.Event{Introduced: "0.0.0-0"}), Urgency: "unmaintained", URL: "https://rustsec.org/advisories/RUSTSEC-2024-0001.html"}},
		},
	} {
		rec, err := OSV(strings.NewReader(c.in), c.eco)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(c.want, rec.Advisories); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// What cannot be read is an error and no value.
func TestOSVRefuses(t *testing.T) {
	affected := func(s string) string { return `{"id":"A","affected":[` + s + `]}` }
	for _, in := range []string{
		"", "{", "[]", `{"id":""}`, `{"id":"a b"}`, `{"id":"../x"}`, `{"id":"A"}{"id":"B"}`, `{"id":"A","modified":"yesterday"}`,
		affected(`{"package":{"ecosystem":"npm","name":""}}`), affected(`{"package":{"ecosystem":"npm","name":"x"},"ranges":[{"type":"WHAT","events":[{"introduced":"0"}]}]}`),
		affected(`{"package":{"ecosystem":"npm","name":"x"},"ranges":[{"type":"SEMVER","events":[{"fixed":"1\u001b[2J"}]}]}`), affected(`{"package":{"ecosystem":"npm","name":"x"},"versions":"all"}`),
		affected(`{"package":{"ecosystem":"npm","name":"x"},"versions":[""]}`), `{"id":"A","details":"` + strings.Repeat("x", maxRecord) + `"}`,
	} {
		rec, err := OSV(strings.NewReader(in), "")
		if err == nil || rec.ID != "" || rec.Advisories != nil {
			t.Errorf("%.60s: %v, %v", in, rec, err)
		}
	}
}

func TestSecDB(t *testing.T) {
	const doc = `{"packages":[{"pkg":{"name":"xen","secfixes":{"4.7.0-r1":["CVE-2016-6258 XSA-182","CVE-2016-1"],"4.8-r0":["CVE-2016-6258","CVE-2017-1 CVE-2017-2 (+ regression fix)"],"4.6-r0":["CVE-2016-1 (not actually applicable)"],"0":["CVE-2018-1","CVE-2016-1"],"4.9-r0":null}}}],
		"reponame":"main","urlprefix":"https://dl-cdn.alpinelinux.org/alpine","distroversion":"v3.5"}`
	var got []string
	eco, repo, err := SecDB(strings.NewReader(doc), func(a vuln.Advisory) error {
		got = append(got, strings.Join(append([]string{a.ID, a.Ranges[0].Events[1].Fixed}, a.Aliases...), " "))
		return nil
	})
	if err != nil || eco != "Alpine:v3.5" || repo != "main" {
		t.Fatal(eco, repo, err)
	}
	// The fix that held is the later one; one CVE an entry; remarks are no ids.
	want := []string{"CVE-2016-1 4.7.0-r1", "CVE-2016-6258 4.8-r0 XSA-182", "CVE-2017-1 4.8-r0", "CVE-2017-2 4.8-r0", "CVE-2018-1 0"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"", "{}", `{"packages":[{"pkg":{"name":""}}],"urlprefix":"x"}`, strings.Replace(doc, "alpinelinux.org", "example.org", 1), doc[:len(doc)-2], doc + "x"} {
		if _, _, err := SecDB(strings.NewReader(bad), func(vuln.Advisory) error { return nil }); err == nil {
			t.Errorf("%.40s was read", bad)
		}
	}
}

func metas(t *testing.T, parse func(io.Reader, func(vuln.Meta) error) (time.Time, error), doc string) ([]vuln.Meta, time.Time, error) {
	t.Helper()
	var out []vuln.Meta
	at, err := parse(strings.NewReader(doc), func(m vuln.Meta) error { out = append(out, m); return nil })
	return out, at, err
}

func TestNVD(t *testing.T) {
	got, at, err := metas(t, NVD, `{"resultsPerPage":2,"format":"NVD_CVE","timestamp":"2024-05-01T00:00:00.000","vulnerabilities":[
		{"cve":{"id":"CVE-2024-1","lastModified":"2024-05-02T01:02:03.000","vulnStatus":"Modified","metrics":{
		 "cvssMetricV2":[{"source":"nvd@nist.gov","type":"Primary","cvssData":{"vectorString":"AV:N/AC:L/Au:N/C:N/I:N/A:P"}}],
		 "cvssMetricV31":[{"source":"someone@example.org","type":"Secondary","cvssData":{"vectorString":"CVSS:3.1/AV:L"}},{"source":"134c704f-9b21-4f2e-91b3-4a467353bcc0","cvssData":{"vectorString":"CVSS:3.1/AV:P"}},{"source":"nvd@nist.gov","type":"Primary","cvssData":{"vectorString":"CVSS:3.1/AV:N"}}]}}},
		{"cve":{"id":"CVE-2024-2","metrics":{}}},{"cve":{"id":"CVE-2024-4","vulnStatus":"Awaiting Analysis","metrics":{}}},
		{"cve":{"id":"CVE-2024-5","vulnStatus":"Awaiting Analysis","metrics":{"cvssMetricV31":[{"source":"vendor@example.org","type":"Secondary","cvssData":{"vectorString":"CVSS:3.1/AV:N"}}]}}},{"cve":{"id":"CVE-2024-3","vulnStatus":"Rejected","metrics":{"cvssMetricV31":[{"source":"nvd","cvssData":{"vectorString":"CVSS:3.1/AV:N"}}]}}}]}`)
	if err != nil || at.Format(time.DateOnly) != "2024-05-02" {
		t.Fatal(at, err)
	}
	want := []vuln.Meta{
		{ID: "CVE-2024-1", CVSS: []finding.CVSS{{Vector: "CVSS:3.1/AV:N", Source: "nvd"}, {Vector: "CVSS:3.1/AV:P", Source: "adp"}, {Vector: "CVSS:3.1/AV:L", Source: "cna"}, {Vector: "AV:N/AC:L/Au:N/C:N/I:N/A:P", Source: "nvd"}}},
		{ID: "CVE-2024-4", Pending: "awaiting analysis"},
		{ID: "CVE-2024-5", CVSS: []finding.CVSS{{Vector: "CVSS:3.1/AV:N", Source: "cna"}}},
		{ID: "CVE-2024-3", Rejected: "nvd"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestKEVAndEPSS(t *testing.T) {
	got, at, err := metas(t, KEV, `{"catalogVersion":"2026.07.23","dateReleased":"2026-07-23T16:21:10.8082Z","vulnerabilities":[{"cveID":"CVE-2026-1","dateAdded":"2026-07-22"}]}`)
	if diff := cmp.Diff([]vuln.Meta{{ID: "CVE-2026-1", KEV: true, KEVAdded: "2026-07-22"}}, got); diff != "" || err != nil || at.Day() != 23 {
		t.Error(diff, at, err)
	}
	got, at, err = metas(t, EPSS, "#model_version:v2025.03.14,score_date:2026-08-22T00:00:00+0000\r\ncve,epss,percentile\r\nCVE-2026-1,0.00043,0.1\r\n")
	if diff := cmp.Diff([]vuln.Meta{{ID: "CVE-2026-1", EPSS: finding.EPSS{Score: 0.00043, Percentile: 0.1, Date: "2026-08-22"}}}, got); diff != "" || err != nil || at.Day() != 22 {
		t.Error(diff, at, err)
	}
	for _, bad := range []string{"", "a,b\n", "cve,epss,percentile\nCVE-1,0.1,0.1\n", "#score_date:2026-08-22\ncve,epss,percentile\nCVE-1,2,0.1\n", "#score_date:2026-08-22\ncve,epss,percentile\nCVE-1,NaN,0.1\n", "#score_date:2026-08-22\ncve,epss,percentile\nCVE-1\n"} {
		if got, _, err := metas(t, EPSS, bad); err == nil {
			t.Errorf("%q: %v", bad, got)
		}
	}
	if _, _, err := metas(t, KEV, `{"vulnerabilities":[{"cveID":"CVE-2026-1","dateAdded":"soon"}]}`); err == nil {
		t.Error("a date that is none")
	}
}

// One value cannot fill the memory, however long the document goes on.
func TestLimits(t *testing.T) {
	endless := io.MultiReader(strings.NewReader(`{"vulnerabilities":[{"cve":{"id":"`), &repeat{})
	if _, err := NVD(endless, func(vuln.Meta) error { return nil }); !errors.Is(err, ErrLimit) {
		t.Error(err)
	}
	endless = io.MultiReader(strings.NewReader("cve,epss,percentile\n"), &repeat{})
	if _, err := EPSS(endless, func(vuln.Meta) error { return nil }); err == nil {
		t.Error("an endless line")
	}
}

type repeat struct{}

func (*repeat) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func TestChanges(t *testing.T) {
	const doc = "2026-02-03T00:00:00Z,GHSA-c\n2026-02-02T00:00:00Z,npm/GHSA-b\n2026-02-01T00:00:00Z,GHSA-a\n"
	got, total, err := Changes(strings.NewReader(doc), time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), 10)
	if err != nil || total != 3 || len(got) != 2 || got[1].ID != "GHSA-b" {
		t.Error(got, total, err)
	}
	if got, _, _ = Changes(strings.NewReader(doc), time.Time{}, 1); len(got) != 2 {
		t.Error("more than the limit must show", got)
	}
	for _, bad := range []string{"x\n", "yesterday,GHSA-a\n", "2026-02-01T00:00:00Z,../..\n"} {
		if _, _, err := Changes(strings.NewReader(bad), time.Time{}, 10); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestMergeAlpine(t *testing.T) {
	adv := func(id, eco, pkg, fixed string) vuln.Advisory {
		return vuln.Advisory{ID: id, Ecosystem: eco, Package: pkg, Ranges: []vuln.Range{{Type: "ECOSYSTEM", Events: []vuln.Event{{Introduced: "0"}, {Fixed: fixed}}}}}
	}
	old := adv("CVE-1", "Alpine:v3.18", "a", "1")
	old.CVSS = []finding.CVSS{{Vector: "CVSS:3.1/AV:N", Source: "osv"}}
	out := MergeAlpine([]vuln.Advisory{adv("CVE-1", "Alpine:v3.18", "a", "2"), adv("CVE-1", "Alpine:edge", "a", "3")}, []vuln.Advisory{old, adv("CVE-2", "Alpine:v3.18", "a", "4"), adv("CVE-1", "Alpine:v3.17", "a", "5")})
	var got []string
	for _, a := range out {
		got = append(got, strings.Join([]string{a.ID, a.Ecosystem, a.Ranges[0].Events[1].Fixed}, " "))
		if a.ID == "CVE-1" && strings.Contains("23", a.Ranges[0].Events[1].Fixed) && len(a.CVSS) != 1 {
			t.Errorf("%v has no vector", a)
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{"CVE-1 Alpine:edge 3", "CVE-1 Alpine:v3.17 5", "CVE-1 Alpine:v3.18 2", "CVE-2 Alpine:v3.18 4"}, got); diff != "" {
		t.Error(diff)
	}
}

// TestModules: the streams that a notice's title names.
func TestModules(t *testing.T) {
	for title, want := range map[string][]string{
		"Important: container-tools:rhel8 security, bug fix, and enhancement update": {"container-tools:rhel8"},
		"Moderate: virt:rhel and virt-devel:rhel security and bug fix update":        {"virt-devel:rhel", "virt:rhel"},
		"Important: httpd:2.4/mod_http2 security update":                             {"httpd:2.4"},
		"Moderate: go-toolset:Rocky Linux8 security update":                          {"go-toolset:rhel8"},
		"new module: php:7.4":                {"php:7.4"},
		"Important: openssl security update": nil,
		"":                                   nil,
	} {
		rec, err := OSV(strings.NewReader(`{"id":"ALSA-2022:1","modified":"2022-01-01T00:00:00Z","related":["CVE-2022-1"],"summary":"`+title+`",
			"affected":[{"package":{"ecosystem":"AlmaLinux:8","name":"a"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1-1.el8"}]}]}]}`), "")
		if err != nil || len(rec.Advisories) != 1 || !slices.Equal(rec.Advisories[0].Modules, want) {
			t.Errorf("%q: %+v %v, want %v", title, rec.Advisories, err, want)
		}
	}
}
