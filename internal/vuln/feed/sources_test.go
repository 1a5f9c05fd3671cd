package feed

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-dev/drydock/internal/vuln"
)

func readRecord(t *testing.T, ecosystem, doc string) Record {
	t.Helper()
	r, err := OSV(strings.NewReader(doc), ecosystem)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// What was concluded from a changelog is told apart from the tracker's word, and
// left out where the changelog follows another line of versions.
func TestChangelogs(t *testing.T) {
	entry := func(name, fixed, more string) string {
		return fmt.Sprintf(`{"package":{"ecosystem":"Debian:12","name":%q},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":%q}]}]%s}`, name, fixed, more)
	}
	derived := `,"database_specific":{"source":"debian/changelog","dist":"unstable"}`
	r := readRecord(t, "Debian", `{"id":"CVE-2026-1","modified":"2026-11-01T00:00:00Z","published":"2026-10-01T00:00:00Z","affected":[`+strings.Join([]string{
		entry("nss", "2:3.1-1", ""), entry("chromium", "140-1~", derived), entry("firefox-esr", "143.0-1~", derived), entry("thunderbird", "143.0-1~", derived),
	}, ",")+`]}`)
	var got []string
	for _, a := range r.Advisories {
		got = append(got, a.Package+" "+a.Source+" "+a.URL)
	}
	const tracker = "https://security-tracker.debian.org/tracker/CVE-2026-1"
	if diff := cmp.Diff([]string{"nss debian " + tracker, "chromium debian/changelog " + tracker}, got); diff != "" {
		t.Error(diff)
	}
	var c Coverage
	c.Add(readRecord(t, "Debian", `{"id":"CVE-2025-1","modified":"2025-02-12T01:00:00Z","published":"2025-01-01T00:00:00Z","affected":[`+entry("nss", "2:3.1-1", "")+`]}`))
	c.Add(r)
	c.Add(readRecord(t, "Debian", `{"id":"DLA-1-1","modified":"2024-01-01T00:00:00Z","published":"2018-06-01T00:00:00Z","affected":[`+strings.ReplaceAll(entry("nss", "1", ""), "Debian:12", "Debian:7")+`]}`))
	day := func(y int, m time.Month, d, h int) time.Time { return time.Date(y, m, d, h, 0, 0, 0, time.UTC) }
	want := []vuln.Coverage{
		{Ecosystem: "Debian:12", From: day(2025, 1, 1, 0), To: day(2026, 11, 1, 0), Unfixed: day(2025, 2, 12, 1), Lagging: []string{"firefox-esr", "thunderbird"}},
		{Ecosystem: "Debian:7", From: day(2018, 6, 1, 0), To: day(2018, 6, 1, 0)}, // notices only: they say what was fixed
	}
	if diff := cmp.Diff(want, c.List(day(2026, 11, 27, 0))); diff != "" {
		t.Error(diff)
	}
}

func TestCoverageByKind(t *testing.T) {
	asOf := time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC)
	for eco, whole := range map[string]bool{
		"npm": true, "PyPI": true, "Ubuntu:22.04:LTS": true, "Julia": true,
		"Alpine:v3.20": false, "Wolfi": false, "AlmaLinux:9": false, "Rocky Linux:9": false,
	} {
		var c Coverage
		c.Add(Record{Advisories: []vuln.Advisory{{ID: "X-1", Ecosystem: eco, Package: "x"}}})
		got := c.List(asOf)
		if len(got) != 1 || !got[0].To.Equal(asOf) || got[0].Complete() != whole {
			t.Errorf("%s: %+v", eco, got)
		}
	}
}

// RetireJS and .NET's notes make npm and NuGet no newer than the rest of them is.
func TestPartialSourcesDoNotMakeNew(t *testing.T) {
	line := func(id, modified, more string) string {
		return `{"id":"` + id + `","modified":"` + modified + `","affected":[{"package":{"ecosystem":"npm","name":"x"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}]}]` + more + "}\n"
	}
	old := line("GHSA-1", "2025-02-14T00:00:00Z", "")
	for _, c := range []struct{ doc, want string }{
		{old + line("CVE-2026-1", "2026-08-22T00:00:00Z", `,"database_specific":{"source":"retire.js"}`), "2025-02-14"},
		{old + line("CVE-2026-1", "2026-08-22T00:00:00Z", `,"database_specific":{"source":"dotnet/core cve.json"}`), "2025-02-14"},
		{old + line("GHSA-2", "2026-08-22T00:00:00Z", `,"database_specific":{"source":"ruby-advisory-db"}`), "2026-08-22"},
		{line("CVE-2026-1", "2026-08-22T00:00:00Z", `,"database_specific":{"source":"retire.js"}`), "2026-08-22"}, // nothing else is there
	} {
		newest, err := OSVLines(strings.NewReader(c.doc), "npm", func(Record) error { return nil })
		if err != nil || newest.Format(time.DateOnly) != c.want {
			t.Errorf("newest %s, %v, want %s of\n%s", newest, err, c.want, c.doc)
		}
	}
}

// Drupal's modules are a repository of Packagist's and an ecosystem of ours.
func TestDrupal(t *testing.T) {
	doc := `{"id":"DRUPAL-CORE-2018-001","modified":"2022-08-21T19:44:07.000Z","aliases":["CVE-2018-1"],"affected":[
	 {"package":{"ecosystem":"Packagist","name":"drupal/core"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"8.0.0"},{"fixed":"8.4.5"}]}]},
	 {"package":{"ecosystem":"Packagist:https://packages.drupal.org/8","name":"drupal/Token"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]}]}`
	for _, bucket := range []string{"Drupal", "Packagist", ""} {
		var got []string
		for _, a := range readRecord(t, bucket, doc).Advisories {
			got = append(got, a.Ecosystem+" "+a.Package)
		}
		if diff := cmp.Diff([]string{"Drupal drupal/core", "Drupal drupal/token"}, got); diff != "" {
			t.Errorf("bucket %q: %s", bucket, diff)
		}
	}
}

func TestTitles(t *testing.T) {
	long := strings.Repeat("word ", 40)
	for _, c := range []struct{ id, aliases, summary, specific, want string }{
		{"GHSA-1", `"CVE-2026-1","PYSEC-1"`, "Prototype pollution in x.", "", "CVE-2026-1 Prototype pollution in x (ghsa)"},
		{"PYSEC-1", "", "A flaw\nin y", "", "PYSEC-1 A flaw in y (pypa)"},
		{"RUSTSEC-2026-0001", "", "`x` is \u001b[31munsound", "", "RUSTSEC-2026-0001 `x` is [31munsound (rustsec)"},
		{"BIT-x-2026-1", `"CVE-2026-1"`, "a description that was cut off...", "", "CVE-2026-1 a description that was cut off… (bitnami)"},
		{"CVE-2026-1", "", "Of front-end code", `{"source":"retire.js"}`, "CVE-2026-1 Of front-end code (retire.js)"},
		{"UBUNTU-CVE-2026-1", "", "its licence keeps it", "", ""},
		{"GHSA-1", "", "", "", ""},
		{"GHSA-1", "", "Withdrawn: nothing", "", ""},
		{"GHSA-1", "", long, "", "GHSA-1 " + strings.TrimRight(long[:120], " ") + "… (ghsa)"},
	} {
		if c.specific == "" {
			c.specific = "{}"
		}
		r := readRecord(t, "", fmt.Sprintf(`{"id":%q,"modified":"2026-01-01T00:00:00Z","aliases":[%s],"summary":%s,"database_specific":%s,
		 "affected":[{"package":{"ecosystem":"npm","name":"x"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}]}]}`, c.id, c.aliases, quoted(c.summary), c.specific))
		got := ""
		for _, m := range r.Titles {
			got += m.ID + " " + m.Title + " (" + m.TitleBy + ")"
		}
		if got != c.want {
			t.Errorf("%s %q: %q, want %q", c.id, c.summary, got, c.want)
		}
	}
}

func TestWordsForOthers(t *testing.T) {
	const affected = `"affected":[{"package":{"ecosystem":%q,"name":"x"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}],"ecosystem_specific":{%s}}]`
	for _, c := range []struct{ id, ecosystem, specific, database, want string }{
		{"GHSA-2", "npm", "", `"severity":"MODERATE"`, "GHSA-2 medium ghsa"}, // which has no number
		{"GHSA-1", "npm", "", `"severity":"MODERATE"`, "CVE-2026-1 medium ghsa"},
		{"GHSA-1", "npm", "", "", ""},
		{"UBUNTU-CVE-2026-1", "Ubuntu:22.04:LTS", `"ubuntu_priority":"low"`, "", "CVE-2026-1 low ubuntu"},
		{"UBUNTU-CVE-2026-1", "Ubuntu:22.04:LTS", `"ubuntu_priority":"untriaged"`, "", ""},
		{"DEBIAN-CVE-2026-1", "Debian:12", `"urgency":"unimportant"`, "", ""}, // of Debian's package
	} {
		r := readRecord(t, "", fmt.Sprintf(`{"id":%q,"modified":"2026-01-01T00:00:00Z","aliases":[%s],"database_specific":{%s},`+affected+`}`,
			c.id, map[bool]string{true: `"CVE-2026-1"`}[c.id != "GHSA-2"], c.database, c.ecosystem, c.specific))
		got := ""
		for _, m := range r.Titles {
			got += m.ID + " " + m.Word.String() + " " + m.WordBy
		}
		if got != c.want {
			t.Errorf("%s %s: %q, want %q", c.id, c.specific, got, c.want)
		}
	}
}

func quoted(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r < 0x20 || r == '"' {
			fmt.Fprintf(&b, "\\u%04x", r)
		} else {
			b.WriteRune(r)
		}
	}
	return `"` + b.String() + `"`
}
