package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
)

func bomOf(t testing.TB, res *check.Result) map[string][]cdx.Vulnerability {
	t.Helper()
	var bom cdx.BOM
	if err := cdx.NewBOMDecoder(strings.NewReader(printed(t, "cyclonedx", res, options())), cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
		t.Fatal(err)
	}
	refs := map[string]bool{}
	for _, c := range *bom.Components {
		refs[c.BOMRef] = true
	}
	out := map[string][]cdx.Vulnerability{}
	for _, v := range *bom.Vulnerabilities {
		for _, a := range *v.Affects {
			if !refs[a.Ref] {
				t.Errorf("%s affects %q, which is no component", v.ID, a.Ref)
			}
		}
		out[v.ID] = append(out[v.ID], v)
	}
	return out
}

func TestCycloneDXVulnerabilities(t *testing.T) {
	all := bomOf(t, realistic(t))
	if len(all["CVE-2020-8203"]) != 0 {
		t.Error("another subject's vulnerability is in the SBOM")
	}
	if n := len(all["CVE-2022-0778"]); n != 2 {
		t.Fatalf("two packages with one vulnerability are %d", n)
	}
	v := all["CVE-2022-0778"][0]
	if len(*v.Affects) != 1 || !strings.Contains((*v.Affects)[0].Ref, "libssl1.1") {
		t.Errorf("a source package's vulnerability affects %+v", *v.Affects)
	}
	r := *v.Ratings
	if len(r) != 2 || r[0].Severity != cdx.SeverityHigh || r[0].Source.Name != "debian" || r[0].Score != nil ||
		*r[1].Score != 7.5 || r[1].Source.Name != "nvd" || r[1].Method != cdx.ScoringMethodCVSSv31 {
		t.Errorf("the distribution's word and NVD's score are %+v", r)
	}
	if v.Recommendation != "Upgrade openssl to 1.1.1k-1+deb11u2" || v.Analysis != nil || len(*v.References) != 2 {
		t.Errorf("the rest is %+v", v)
	}
}

// TestCycloneDXDoesNotCallAcceptedNotAffected: who reads the SBOM as VEX must
// not take a risk that somebody lives with for one that is not there.
func TestCycloneDXDoesNotCallAcceptedNotAffected(t *testing.T) {
	all := bomOf(t, realistic(t))
	want := map[string]cdx.ImpactAnalysisState{
		"config": "", "ignore-file": "", "vex": cdx.IASNotAffected, "owner": cdx.IASFalsePositive,
		"kernel-headers": cdx.IASFalsePositive, "removed": cdx.IASNotAffected,
	}
	for i, by := range suppressedBy() {
		v := all["CVE-2019-000"+string(rune('1'+i))]
		if by == "baseline" {
			if len(v) != 1 || v[0].Analysis != nil {
				t.Errorf("known before is no decision: %+v", v)
			}
			continue
		}
		if len(v) != 1 || v[0].Analysis == nil || v[0].Analysis.State != want[by] || !strings.HasPrefix(v[0].Analysis.Detail, by+": ") {
			t.Errorf("%s is %+v", by, v)
		}
	}
	if s := cdxAnalysis(&finding.Suppression{By: "vex", Reason: "fixed: in our build"}); s.State != cdx.IASResolved {
		t.Errorf("fixed by VEX is %s", s.State)
	}
}

func TestAnSBOMHoldsOneInventory(t *testing.T) {
	with := func(name string, packages int) check.Target {
		s := finding.Subject{Kind: finding.KindFolder, Name: name}
		return check.Target{Subject: s, Inventory: &sbom.Inventory{Subject: s, Packages: make([]sbom.Package, packages)}}
	}
	bare := check.Target{Subject: finding.Subject{Kind: finding.KindDockerfile, Name: "Dockerfile"}}
	for _, c := range []struct {
		name    string
		targets []check.Target
		one     string
		err     string
	}{
		{"none", []check.Target{bare}, "", "this target has none"},
		{"nothing", nil, "", "this target has none"},
		{"several", []check.Target{with("a", 1), with("b\x1b", 2)}, "", "this target has 2: a, b\ufffd"},
		{"many", []check.Target{with("a", 1), with("b", 1), with("c", 1), with("d", 1), with("e", 1), with("f", 1)}, "", "has 6: a, b, c, d, e and 1 more"},
		{"several empty", []check.Target{with("a", 0), with("b", 0)}, "", "has 2: a, b"},
		{"one", []check.Target{bare, with("a", 1)}, "a", ""},
		{"one of them has packages", []check.Target{with("a", 0), with("b", 1)}, "b", ""},
		{"one without a package, as of an image from scratch", []check.Target{with("a", 0)}, "a", ""},
	} {
		got, err := inventory(&check.Result{Targets: c.targets})
		if got.Subject.Name != c.one || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %q, %v", c.name, got.Subject.Name, err)
		}
		if err == nil {
			continue
		}
		var e *InventoryError
		if !errors.As(err, &e) || e.Hint() == "" {
			t.Errorf("%s: no hint", c.name)
		}
		for _, f := range []string{"spdx", "cyclonedx"} {
			if err := Write(io.Discard, f, &check.Result{Targets: c.targets}, options()); !errors.As(err, &e) {
				t.Errorf("%s: %s says %v", c.name, f, err)
			}
		}
	}
}

// TestTheSBOMReadsBack: what we write as CycloneDX we take as a target.
func TestTheSBOMReadsBack(t *testing.T) {
	res := realistic(t)
	for _, f := range []string{"cyclonedx", "spdx"} {
		inv, err := sbom.Decode(bytes.NewReader([]byte(printed(t, f, res, options()))), "app.json")
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		if len(inv.Packages) != len(res.Targets[0].Inventory.Packages) || inv.Distro == nil || inv.Distro.VersionID != "11" {
			t.Errorf("%s: %d packages of %+v", f, len(inv.Packages), inv.Distro)
		}
	}
}

func TestGitLab(t *testing.T) {
	var r gitlabReport
	res := realistic(t)
	res.Findings[0].Vuln.CVSS.Vector = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"
	if err := json.Unmarshal([]byte(printed(t, "gitlab", res, options())), &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Vulnerabilities) != 5 {
		t.Errorf("%d vulnerabilities that count", len(r.Vulnerabilities))
	}
	if len(r.Vulnerabilities[0].CVSS) != 0 {
		t.Error("a vector of a version that GitLab does not know")
	}
	v := r.Vulnerabilities[1]
	if v.Name != "CVE-2022-0778" || v.Severity != "High" || v.Location.OperatingSystem != "debian:11" || v.Location.Dependency.Package.Name != "openssl" ||
		v.Location.Image != "registry.example/team/app:1" || v.Solution != "Upgrade openssl to 1.1.1k-1+deb11u2" || len(v.CVSS) != 1 {
		t.Errorf("%+v", v)
	}
	var types []string
	for _, id := range v.Identifiers {
		types = append(types, id.Type)
	}
	if !slices.Equal(types, []string{"cve", "drydock", "ghsa"}) {
		t.Errorf("identifiers of types %q", types)
	}
	var levels []string
	for _, m := range r.Scan.Messages {
		levels = append(levels, m.Level)
	}
	if !slices.Equal(levels, []string{"warn", "warn", "info", "info"}) {
		t.Errorf("messages %+v", r.Scan.Messages)
	}
	if r.Scan.StartTime != "2026-03-04T05:06:07" {
		t.Errorf("started %s", r.Scan.StartTime)
	}
}
