package repair

import (
	"slices"
	"testing"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix/upgrade"
)

// What is wrong in two manifests is put right in both by one fix: in one alone,
// it would still be there.
func TestUpgradesOfOneFindingGoTogether(t *testing.T) {
	up := func(title, file string, resolves ...int) upgrade.Upgrade {
		return upgrade.Upgrade{Fix: finding.Fix{Title: title, Edits: []finding.Edit{{File: file}}}, Resolves: resolves}
	}
	got := together([]upgrade.Upgrade{up("x", "a/go.mod", 0, 1), up("y", "a/go.mod", 2), up("x", "b/go.mod", 1, 3)})
	if len(got) != 2 {
		t.Fatalf("%d upgrades", len(got))
	}
	if x := got[0]; len(x.Fix.Edits) != 2 || !slices.Equal(x.Resolves, []int{0, 1, 3}) || x.Fix.Title != "x" {
		t.Errorf("%+v", x)
	}
	if y := got[1]; len(y.Fix.Edits) != 1 {
		t.Errorf("%+v", y)
	}
}
