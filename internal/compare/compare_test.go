package compare

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
)

func side(packages []sbom.Package, findings ...finding.Finding) Side {
	return Side{Inventory: &sbom.Inventory{Packages: packages}, Findings: findings}
}

func vuln(id, name, version string, s finding.Severity) finding.Finding {
	return finding.Finding{Severity: s, Vuln: &finding.Vuln{ID: id, Name: name, Version: version}}
}

func TestPackagesCameWentAndChanged(t *testing.T) {
	d := Sides(
		side([]sbom.Package{
			{Type: "deb", Namespace: "debian", Name: "openssl", Version: "1.1"},
			{Type: "deb", Namespace: "debian", Name: "acl", Version: "2"},
			{Type: "npm", Name: "lodash", Version: "4.17.15"},
			{Type: "npm", Name: "lodash", Version: "3.0.0"},
			{Type: "deb", Name: "gone-already", Version: "1", Removed: true},
		}),
		side([]sbom.Package{
			{Type: "deb", Namespace: "ubuntu", Name: "openssl", Version: "3.0"},
			{Type: "npm", Name: "lodash", Version: "3.0.0"},
			{Type: "npm", Name: "lodash", Version: "4.17.15"},
			{Type: "npm", Namespace: "@types", Name: "lodash", Version: "1"},
		}),
	)
	want := []Package{
		{Kind: Removed, Type: "deb", Name: "acl", Before: "2"},
		{Kind: Changed, Type: "deb", Name: "openssl", Before: "1.1", After: "3.0"},
		{Kind: Added, Type: "npm", Name: "@types/lodash", After: "1"},
	}
	if diff := cmp.Diff(want, d.Packages); diff != "" {
		t.Error(diff)
	}
	if d.Same != 1 {
		t.Errorf("%d packages the same, want 1 (lodash in two versions)", d.Same)
	}
}

func TestVulnerabilitiesCameWentAndChanged(t *testing.T) {
	quiet := vuln("CVE-5", "a", "1", finding.Critical)
	quiet.Suppressed = &finding.Suppression{By: "vex"}
	d := Sides(
		side(nil, vuln("CVE-1", "a", "1", finding.Low), vuln("CVE-2", "a", "1", finding.High), vuln("CVE-3", "a", "1", finding.High)),
		side(nil, vuln("CVE-2", "a", "2", finding.High), vuln("CVE-3", "a", "2", finding.Low), vuln("CVE-4", "a", "2", finding.Medium), quiet),
	)
	var got []string
	for _, v := range d.Vulnerabilities {
		got = append(got, string(v.Kind)+" "+v.ID)
	}
	if diff := cmp.Diff([]string{"added CVE-4", "changed CVE-3", "removed CVE-1"}, got); diff != "" {
		t.Error(diff)
	}
	if d.SameVulns != 1 {
		t.Errorf("%d vulnerabilities the same, want 1", d.SameVulns)
	}
}

func TestASideAgainstItselfDiffersInNothing(t *testing.T) {
	s := side([]sbom.Package{{Type: "npm", Name: "x", Version: "1"}}, vuln("CVE-1", "x", "1", finding.High))
	if d := Sides(s, s); len(d.Packages)+len(d.Vulnerabilities) != 0 || d.Same != 1 || d.SameVulns != 1 {
		t.Errorf("%+v", d)
	}
}
