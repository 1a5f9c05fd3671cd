package repair

import (
	"slices"
	"testing"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
)

// What is wrong in two manifests is a finding in each, and put right by one fix
// where both are raised alike; where one is not, by the other's alone.
func TestUpgradesOfOneVulnerabilityGoTogether(t *testing.T) {
	at := func(files ...string) (out []finding.Location) {
		for _, f := range files {
			out = append(out, finding.Location{Source: &finding.Span{File: f}})
		}
		return out
	}
	found := byFile([]finding.Finding{
		{Vuln: &finding.Vuln{ID: "CVE-1", Name: "x"}, At: at("a/go.mod", "b/go.mod")},
		{Vuln: &finding.Vuln{ID: "CVE-2", Name: "y"}, At: at("a/go.mod")},
		{Vuln: &finding.Vuln{ID: "CVE-3", Name: "z"}, At: at("a/go.mod", "b/go.mod", "a/go.mod")},
	})
	if len(found) != 5 || len(found[3].At) != 2 || len(found[4].At) != 1 {
		t.Fatalf("%+v", found)
	}
	up := func(title, file string, resolves ...int) plan.Upgrade {
		return plan.Upgrade{Fix: finding.Fix{Title: title, Edits: []finding.Edit{{File: file}}}, Resolves: resolves}
	}
	got := together([]plan.Upgrade{
		up("x", "a/go.mod", 0), up("y", "a/go.mod", 2), up("x", "b/go.mod", 1),
		up("z to 2", "a/go.mod", 3), up("z to 3", "b/go.mod", 4),
	}, found)
	if len(got) != 4 {
		t.Fatalf("%d upgrades", len(got))
	}
	if x := got[0]; len(x.Fix.Edits) != 2 || !slices.Equal(x.Resolves, []int{0, 1}) || x.Fix.Title != "x" {
		t.Errorf("%+v", x)
	}
	if y := got[1]; len(y.Fix.Edits) != 1 {
		t.Errorf("%+v", y)
	}
}
