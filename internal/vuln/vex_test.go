package vuln

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-dev/drydock/internal/finding"
)

const openVEX = `{
  "@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://example.com/vex/1", "author": "A", "version": 1,
  "timestamp": "2024-01-01T00:00:00Z",
  "statements": [
    {"vulnerability": {"@id": "https://nvd.nist.gov/vuln/detail/CVE-2022-0778", "name": "CVE-2022-0778", "aliases": ["GHSA-x3mh-jvjw-3xwx"]},
     "products": [{"@id": "pkg:oci/nginx?repository_url=docker.io/library/nginx&tag=1.20", "subcomponents": [{"@id": "pkg:deb/debian/openssl"}]}],
     "status": "not_affected", "justification": "vulnerable_code_not_in_execute_path", "impact_statement": "no certificates are parsed"},
    {"vulnerability": {"name": "CVE-2018-25032"}, "timestamp": "2024-02-01T00:00:00Z",
     "products": [{"identifiers": {"purl": "pkg:deb/debian/zlib1g@1:1.2.11.dfsg-2?arch=amd64&distro=debian-11"}}], "status": "fixed"},
    {"vulnerability": {"name": "CVE-2022-40674"}, "products": [{"@id": "pkg:deb/debian/expat@9.9.9"}], "status": "not_affected", "justification": "component_not_present"},
    {"vulnerability": {"name": "CVE-2022-1271"}, "products": [{"@id": "pkg:deb/debian/gzip"}], "status": "under_investigation"}
  ]}`

const cdxVEX = `{
  "bomFormat": "CycloneDX", "specVersion": "1.5",
  "metadata": {"timestamp": "2024-01-01T00:00:00Z", "component": {"type": "container", "bom-ref": "img", "name": "docker.io/library/nginx", "version": "1.20"}},
  "components": [{"type": "library", "bom-ref": "c1", "name": "openssl", "purl": "pkg:deb/debian/openssl@1.1.1k-1%2Bdeb11u1?arch=amd64"}],
  "vulnerabilities": [
    {"id": "CVE-2022-0778", "analysis": {"state": "not_affected", "justification": "code_not_reachable", "detail": "not called"}, "affects": [{"ref": "c1"}]},
    {"id": "GHSA-zzzz", "references": [{"id": "CVE-2018-25032"}], "analysis": {"state": "false_positive"}, "affects": [{"ref": "urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#pkg%3Adeb%2Fdebian%2Fzlib"}]},
    {"id": "CVE-2022-40674", "analysis": {"state": "resolved"}, "affects": [{"ref": "pkg:deb/debian/expat", "versions": [{"version": "2.2.10-2+deb11u2", "status": "affected"}]}]},
    {"id": "CVE-2022-1271", "analysis": {"state": "not_affected"}, "affects": [{"ref": "pkg:deb/debian/gzip", "versions": [{"range": "vers:deb/<2"}]}]},
    {"id": "CVE-2022-1664", "analysis": {"state": "not_affected"}, "affects": [{"ref": "img"}]},
    {"id": "CVE-2022-1304"}
  ]}`

const csafVEX = `{
  "document": {"category": "csaf_vex", "csaf_version": "2.0", "tracking": {"current_release_date": "2024-01-01T00:00:00Z"}},
  "product_tree": {
    "branches": [{"category": "vendor", "name": "V", "branches": [
      {"category": "product_version", "name": "openssl", "product": {"product_id": "P1", "name": "openssl", "product_identification_helper": {"purl": "pkg:deb/debian/openssl@1.1.1k-1%2Bdeb11u1"}}},
      {"category": "product_version", "name": "nginx image", "product": {"product_id": "IMG", "name": "nginx:1.20"}},
      {"category": "product_name", "name": "os", "product": {"product_id": "OS", "name": "Some OS", "product_identification_helper": {"cpe": "cpe:/o:some:os:1"}}}]}],
    "full_product_names": [{"product_id": "P2", "name": "zlib", "product_identification_helper": {"purl": "pkg:deb/debian/zlib"}}],
    "relationships": [
      {"category": "default_component_of", "product_reference": "P2", "relates_to_product_reference": "IMG", "full_product_name": {"product_id": "IMG:P2", "name": "zlib in image"}},
      {"category": "default_component_of", "product_reference": "P1", "relates_to_product_reference": "OS", "full_product_name": {"product_id": "OS:P1", "name": "openssl in os"}}],
    "product_groups": [{"group_id": "G", "product_ids": ["P1"]}]},
  "vulnerabilities": [
    {"cve": "CVE-2022-0778", "product_status": {"known_not_affected": ["P1"]}, "flags": [{"label": "vulnerable_code_not_present", "group_ids": ["G"]}], "threats": [{"category": "impact", "details": "built without it", "product_ids": ["P1"]}]},
    {"cve": "CVE-2018-25032", "product_status": {"fixed": ["IMG:P2"]}},
    {"cve": "CVE-2022-1292", "product_status": {"known_not_affected": ["OS:P1"]}},
    {"cve": "CVE-2022-2068", "product_status": {"known_affected": ["P1"]}}
  ]}`

func TestVEX(t *testing.T) {
	inv := nginx120(t)
	inv.Subject.Kind = finding.KindImage
	found, _ := match(t, facts(t), inv)
	for _, test := range []struct {
		name, doc string
		want      map[string]string // "id package": reason; empty: it counts
	}{
		{"openvex.json", openVEX, map[string]string{
			"CVE-2022-0778 openssl": "not affected: vulnerable_code_not_in_execute_path: no certificates are parsed",
			"CVE-2018-25032 zlib":   "fixed", // by its only binary
			"CVE-2022-40674 expat":  "",      // another version
			"CVE-2022-1271 gzip":    "",      // under investigation
			"CVE-2022-1292 openssl": "",
		}},
		{"cdx.json", cdxVEX, map[string]string{
			"CVE-2022-0778 openssl":   "not affected: code_not_reachable: not called",
			"CVE-2018-25032 zlib":     "not affected", // by a reference and a BOM-Link
			"CVE-2022-40674 expat":    "fixed",
			"CVE-2022-1271 gzip":      "", // a range is not evaluated
			"CVE-2022-1664 dpkg":      "not affected",
			"CVE-2022-1304 e2fsprogs": "", // no analysis
		}},
		{"csaf.json", csafVEX, map[string]string{
			"CVE-2022-0778 openssl": "not affected: vulnerable_code_not_present: built without it",
			"CVE-2018-25032 zlib":   "fixed",
			"CVE-2022-1292 openssl": "", // in an operating system that is not this one
			"CVE-2022-2068 openssl": "", // affected
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			statements, err := ParseVEX(test.name, []byte(test.doc))
			if err != nil {
				t.Fatal(err)
			}
			before := make([]finding.Finding, len(found))
			copy(before, found)
			after := byID(ApplyVEX(found, statements))
			if d := cmp.Diff(before, found); d != "" {
				t.Errorf("the findings given were changed: %s", d)
			}
			for key, reason := range test.want {
				f, ok := after[key]
				switch {
				case !ok:
					t.Errorf("%s is gone", key)
				case reason == "" && f.Suppressed != nil:
					t.Errorf("%s: suppressed, %+v", key, f.Suppressed)
				case reason != "" && (f.Suppressed == nil || f.Suppressed.Reason != reason || f.Suppressed.By != "vex" || f.Suppressed.Source != test.name):
					t.Errorf("%s: %+v, want %q", key, f.Suppressed, reason)
				}
			}
			n := 0
			for _, f := range after {
				if f.Suppressed != nil {
					n++
				}
			}
			want := 0
			for _, r := range test.want {
				if r != "" {
					want++
				}
			}
			if n != want {
				t.Errorf("%d suppressed, want %d", n, want)
			}
		})
	}
	statements, err := ParseVEX("v", []byte(openVEX))
	if err != nil {
		t.Fatal(err)
	}
	f := byID(ApplyVEX(found, statements))["CVE-2022-1271 gzip"]
	if e := f.Evidence[len(f.Evidence)-1]; e.Kind != "vex" || e.Text != "under investigation (v)" {
		t.Errorf("%+v", f.Evidence)
	}
}

// A statement about one binary does not speak for the others of its source.
func TestVEXBinaries(t *testing.T) {
	found, _ := match(t, facts(t), nginx120(t))
	says := func(purls ...string) []Statement {
		s := Statement{VulnIDs: []string{"cve-2022-0778"}, Status: NotAffected}
		for _, p := range purls {
			s.Products = append(s.Products, Product{IDs: []string{p}})
		}
		return []Statement{s}
	}
	for _, test := range []struct {
		purls []string
		want  bool
	}{
		{[]string{"pkg:deb/debian/libssl1.1"}, false},
		{[]string{"pkg:deb/debian/libssl1.1", "pkg:deb/debian/openssl"}, true}, // openssl is the source's name as well
		{[]string{"pkg:deb/debian/openssl@1.1.1k-1+deb11u1"}, true},
		{[]string{"pkg:deb/debian/openssl@1.1.1k-1"}, false},
		{[]string{"pkg:deb/ubuntu/openssl"}, false},
		{[]string{"pkg:rpm/debian/openssl"}, false},
		{[]string{"nginx:1.20"}, true},
		{[]string{"docker.io/library/nginx"}, true},
		{[]string{"nginx:1.21"}, false},
		{[]string{"pkg:docker/nginx@1.20"}, true},
		{[]string{"pkg:oci/nginx@sha256:" + strings.Repeat("0", 64) + "?repository_url=docker.io/library"}, false},
		{[]string{""}, false},
	} {
		got := byID(ApplyVEX(found, says(test.purls...)))["CVE-2022-0778 openssl"].Suppressed != nil
		if got != test.want {
			t.Errorf("%v: suppressed %v", test.purls, got)
		}
	}
}

func TestVEXNewestCounts(t *testing.T) {
	found, _ := match(t, facts(t), nginx120(t))
	statements, err := ParseVEX("a", []byte(openVEX))
	if err != nil {
		t.Fatal(err)
	}
	later := slices.Clone(statements[:1])
	later[0].Status, later[0].Timestamp = Affected, later[0].Timestamp.AddDate(1, 0, 0)
	for _, all := range [][]Statement{append(slices.Clone(statements), later...), append(slices.Clone(later), statements...)} {
		if f := byID(ApplyVEX(found, all))["CVE-2022-0778 openssl"]; f.Suppressed != nil {
			t.Errorf("an older statement won: %+v", f.Suppressed)
		}
	}
}

func TestVEXErrors(t *testing.T) {
	for name, doc := range map[string]string{
		"not JSON":          `<xml/>`,
		"not VEX":           `{"a": 1}`,
		"unknown status":    `{"@context": "https://openvex.dev/ns", "statements": [{"vulnerability": {"name": "CVE-1"}, "status": "maybe"}]}`,
		"no vulnerability":  `{"@context": "https://openvex.dev/ns", "statements": [{"status": "fixed"}]}`,
		"unknown state":     `{"bomFormat": "CycloneDX", "vulnerabilities": [{"id": "CVE-1", "analysis": {"state": "maybe"}}]}`,
		"unknown product":   `{"document": {}, "vulnerabilities": [{"cve": "CVE-1", "product_status": {"fixed": ["nobody"]}}]}`,
		"deep product tree": `{"document": {}, "product_tree": {"branches": ` + strings.Repeat(`[{"branches": `, 100) + `[]` + strings.Repeat(`}]`, 100) + `}}`,
	} {
		if s, err := ParseVEX("bad.json", []byte(doc)); err == nil || s != nil || !strings.Contains(err.Error(), "bad.json") {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
	// OpenVEX 0.0.1 names products and vulnerabilities by strings.
	s, err := ParseVEX("old.json", []byte(`{"@context": "https://openvex.dev/ns", "statements": [{"vulnerability": "CVE-1", "products": ["pkg:npm/a@1"], "status": "fixed"}]}`))
	if err != nil || len(s) != 1 || s[0].VulnIDs[0] != "CVE-1" || s[0].Products[0].IDs[0] != "pkg:npm/a@1" {
		t.Errorf("%+v %v", s, err)
	}
}

// Whatever the document, a statement has an id and a status, an error has no
// statements, and applying it changes nothing but suppression and evidence.
func FuzzParseVEX(f *testing.F) {
	for _, s := range []string{openVEX, cdxVEX, csafVEX, `{}`, `{"@context":"openvex","statements":[{}]}`, `{"document":{}}`, `[`} {
		f.Add([]byte(s))
	}
	sample := finding.Finding{
		Rule: RuleOS, Key: "k", Subject: finding.Subject{Name: "nginx:1.20"},
		Evidence: []finding.Evidence{{Kind: finding.EvidencePackage, Package: &finding.Installed{Name: "libssl1.1", Version: "1"}}},
		Vuln:     &finding.Vuln{ID: "CVE-2022-0778", Package: "pkg:deb/debian/openssl@1.1.1k-1+deb11u1"},
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		statements, err := ParseVEX("f", b)
		if err != nil {
			if statements != nil {
				t.Fatal("statements with an error")
			}
			return
		}
		for _, s := range statements {
			if len(s.VulnIDs) == 0 || s.Source != "f" {
				t.Fatalf("%+v", s)
			}
			switch s.Status {
			case NotAffected, Affected, Fixed, UnderInvestigation:
			default:
				t.Fatalf("status %q", s.Status)
			}
		}
		out := ApplyVEX([]finding.Finding{sample}, statements)
		if len(out) != 1 || out[0].Key != sample.Key || out[0].Vuln != sample.Vuln || len(out[0].Evidence) < 1 {
			t.Fatalf("%+v", out)
		}
	})
}

func FuzzJudge(f *testing.F) {
	f.Add(uint8(0), "1.2.3", "0", "1.3.0", "", "", "")
	f.Add(uint8(1), "1:1.0-1", "0", "1:1.0-1+deb11u1", "2.0", "", "")
	f.Add(uint8(2), "1.2.13-r1", "0", "0", "", "", "")
	f.Add(uint8(3), "1.23.1", "1.23.0", "", "1.23.1", "1.23.1", "2")
	ecos := []string{"npm", "Debian:11", "Alpine:v3.18", "PyPI", "AlmaLinux:9", "Maven"}
	f.Fuzz(func(t *testing.T, e uint8, version, introduced, fixed, introduced2, last, limit string) {
		eco := ecos[int(e)%len(ecos)]
		a := Advisory{ID: "X", Ecosystem: eco, Ranges: events(in(introduced), fix(fixed), in(introduced2), Event{LastAffected: last}, lim(limit))}
		v, err := judge(&a, familyOf(eco), version)
		if err != nil {
			if v.affected && v.fixed != "" {
				t.Fatalf("a verdict with an error: %+v %v", v, err)
			}
			return
		}
		if v.fixed == "" {
			return
		}
		if !v.affected {
			t.Fatal("a fix for what is not affected")
		}
		// The fix is above the version.
		if c, err := Compare(eco, version, v.fixed); err != nil || c >= 0 {
			t.Fatalf("%q is fixed in %q: %d %v", version, v.fixed, c, err)
		}
	})
}
