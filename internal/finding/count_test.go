package finding_test

import (
	"testing"

	"github.com/drydock-dev/drydock/internal/finding"
)

func TestCount(t *testing.T) {
	for want, n := range map[string]struct {
		n    int
		what string
	}{
		"1 layer": {1, "layer"}, "2 layers": {2, "layer"}, "0 layers": {0, "layer"}, "1 day": {1, "day"}, "2 days": {2, "day"},
		"3 known vulnerabilities": {3, "known vulnerability"}, "1 vulnerability": {1, "vulnerability"}, "2 fixes": {2, "fix"},
	} {
		if got := finding.Count(n.n, n.what); got != want {
			t.Errorf("Count(%d, %q) = %q, want %q", n.n, n.what, got, want)
		}
	}
}
