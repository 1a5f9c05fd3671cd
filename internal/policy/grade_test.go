package policy

import (
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/finding"
)

// TestUnshippedWeighsLess grades what no image holds apart: it is named, and never
// worse than B.
func TestUnshippedWeighsLess(t *testing.T) {
	critical := finding.Finding{Practice: finding.LeastPrivilege, Severity: finding.Critical, Unshipped: "tests"}
	low := finding.Finding{Practice: finding.LeastPrivilege, Severity: finding.Low, Unshipped: "documentation"}
	for want, fs := range map[string][]finding.Finding{
		"A": {low},
		"B": {critical, low, critical},
		"F": {critical, {Practice: finding.LeastPrivilege, Severity: finding.Critical}},
	} {
		letter, reasons := Grade(finding.LeastPrivilege, fs)
		if letter != want || !strings.Contains(strings.Join(reasons, "; "), "in what is not shipped (") {
			t.Errorf("%v is %s for %q, want %s", fs, letter, reasons, want)
		}
	}
}
