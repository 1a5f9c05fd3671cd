package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/compare"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/vuln"
	"github.com/drydock-dev/drydock/internal/vuln/db"
	"github.com/drydock-dev/drydock/internal/vuln/feed"
)

// says writes a page and looks for what it must say.
func says(t *testing.T, what string, write func(*bytes.Buffer) error, all ...string) {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	for _, s := range all {
		if !strings.Contains(b.String(), s) {
			t.Errorf("%s does not say %q:\n%s", what, s, b.String())
		}
	}
	if strings.HasSuffix(what, "json") && !json.Valid(b.Bytes()) {
		t.Errorf("%s is not JSON", what)
	}
}

func diffOf() compare.Diff {
	side := func(name string, size int64) compare.Side {
		return compare.Side{Subject: finding.Subject{Kind: "image", Name: name}, Size: size, Layers: int(min(size, 3))}
	}
	return compare.Diff{
		A: side("app:1", 40_000_000), B: side("app:2", -1), Same: 12, SameVulns: 3,
		Packages: []compare.Package{
			{Kind: compare.Added, Type: "npm", Name: "@babel/core", After: "7.0"},
			{Kind: compare.Changed, Type: "deb", Name: "openssl", Before: "1", After: "2"},
			{Kind: compare.Removed, Type: "deb", Name: "bash", Before: "5"},
		},
		Vulnerabilities: []compare.Vulnerability{
			{Kind: compare.Added, ID: "CVE-1", Name: "openssl", Severity: finding.High, FixedIn: "3", InstalledInB: "2"},
			{Kind: compare.Changed, ID: "CVE-2", Name: "openssl", Severity: finding.Critical, Before: finding.Low},
		},
	}
}

func TestCompare(t *testing.T) {
	d := diffOf()
	in := func(format string) func(*bytes.Buffer) error {
		return func(b *bytes.Buffer) error { return Compare(b, format, d, options()) }
	}
	says(t, "text", in("text"), "app:1", "40 MB", "LOW → CRITICAL", "3 the same", "12 the same", "1 → 2", "@babel/core")
	says(t, "markdown", in("markdown"), "| added | high | CVE-1 | openssl |", "low → critical", "| changed | deb openssl | 1 | 2 |", "npm @<!-- -->babel/core")
	says(t, "json", in("json"), `"schema": "drydock/v1"`, `"severityBefore": "low"`, `"size": -1`, `"fixedIn": "3"`)
	if err := Compare(&bytes.Buffer{}, "sarif", d, options()); err == nil || !strings.Contains(err.Error(), "text, json, markdown") {
		t.Errorf("an unknown format: %v", err)
	}
	d = compare.Diff{}
	says(t, "empty json", in("json"), `"packages": []`, `"vulnerabilities": []`)
}

func TestExplain(t *testing.T) {
	rules := check.FindRules("CIS-DI-0001")
	if len(rules) != 2 {
		t.Fatalf("%d rules by their other name", len(rules))
	}
	for format, want := range map[string]string{"text": string(rules[1].ID), "markdown": "## " + string(rules[1].ID), "json": "["} {
		says(t, format, func(b *bytes.Buffer) error { return Rules(b, format, rules, Options{}) }, want, rules[0].Title)
	}
	rule := rules[0]
	for format, want := range map[string]string{"text": "Fires on", "markdown": "## " + string(rule.ID), "json": `"id": "` + string(rule.ID)} {
		says(t, format, func(b *bytes.Buffer) error { return Rule(b, format, rule, Options{}) }, want, rule.Title)
	}
	if err := Rule(&bytes.Buffer{}, "html", rule, Options{}); err == nil {
		t.Error("a rule as HTML")
	}

	last := finding.Subject{Kind: "image", Name: "app:1"}
	touched := vulnerability(last, "CVE-2022-0778", "openssl", "1.1.1k", "1.1.1n", finding.High, 7.5)
	touched.Suppressed = &finding.Suppression{By: "vex", Reason: "not in the path"}
	k := &check.Known{
		ID: "CVE-2022-0778", Aliases: []string{"GHSA-1"}, Last: &last, Touches: []finding.Finding{touched, {Rule: "image/setuid"}},
		Meta: vuln.Meta{
			CVSS: []finding.CVSS{{Vector: "CVSS:3.1/AV:N", Score: 7.5, Source: "nvd"}}, KEV: true, KEVAdded: "2022-04-01",
			EPSS: finding.EPSS{Score: 0.05, Date: "2026-01-01"},
		},
		Advisories: []vuln.Advisory{
			{ID: "DSA-1", Ecosystem: "Debian:11", Package: "openssl", Ranges: []vuln.Range{{Events: []vuln.Event{{Introduced: "0"}, {Fixed: "1.1.1n"}}}}},
			{ID: "GHSA-1", Ecosystem: "npm", Package: "x", Versions: []string{"1", "2", "3", "4"}, URL: "https://a.example/x"},
			{ID: "A-1", Ecosystem: "Alpine:v3.18", Package: "y", Ranges: []vuln.Range{{Events: []vuln.Event{{Introduced: "0"}}}, {Events: []vuln.Event{{Introduced: "1"}, {LastAffected: "2"}}}}},
			{ID: "A-2", Ecosystem: "Alpine:v3.19", Package: "z", Ranges: []vuln.Range{{Events: []vuln.Event{{Fixed: "0"}}}}},
		},
	}
	in := func(format string) func(*bytes.Buffer) error {
		return func(b *bytes.Buffer) error { return Vulnerability(b, format, k, options()) }
	}
	says(t, "text", in("text"), "CVSS 7.5 nvd", "EPSS 5.0%", "known to be exploited", "<1.1.1n", "1, 2, 3, and 1 more", "every version, >=1 <=2", "not affected",
		"Touches app:1", "openssl 1.1.1k", "suppressed: not in the path")
	says(t, "json", in("json"), `"kevAdded": "2022-04-01"`, `"fixed": [`, `"affected": "<1.1.1n"`, `"touches": [`)
	k.Touches = nil
	says(t, "text", in("text"), "Touches nothing in app:1")
	k.Last = nil
	says(t, "text", in("text"), "Nothing has been scanned yet", "drydock cves says whether the image that you built last")
	if err := Vulnerability(&bytes.Buffer{}, "sarif", k, Options{}); err == nil {
		t.Error("a vulnerability as SARIF")
	}
}

func TestDatabase(t *testing.T) {
	rows := Sources([]db.Source{
		{Name: "npm", Records: 7, Newest: now, Licence: "CC-BY-4.0"},
		{Name: "Debian", Records: 40_000, Newest: now, Fetched: now.Add(time.Hour)},
	})
	first := rows[0].Name
	in := func(rows []SourceRow, format string) func(*bytes.Buffer) error {
		return func(b *bytes.Buffer) error { return Database(b, format, rows, Options{}) }
	}
	says(t, "text", in(rows, "text"), "Debian  2026-03-04    40000  fetched 2026-03-04T06:06:07Z", "embedded", "CC-BY-4.0")
	says(t, "json", in(rows, "json"), `"schema": "drydock/v1"`, `"records": 40000`, `"newest": "2026-03-04"`)
	if rows[0].Name != first {
		t.Error("printing sorts the caller's rows")
	}
	says(t, "empty json", in(Sources(nil), "json"), `"sources": []`)
	if err := Database(&bytes.Buffer{}, "html", rows, Options{}); err == nil {
		t.Error("a database as HTML")
	}
	var rep feed.Report
	if got := FeedReport(rep); got == nil || len(got) != 0 {
		t.Errorf("no source is %v", got)
	}
}
