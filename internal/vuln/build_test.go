package vuln

import (
	"slices"
	"testing"
)

func TestByNumber(t *testing.T) {
	want := []string{"x", "CVE-2022-0778", "CVE-2022-9999", "CVE-2022-10000", "CVE-2022-200000", "CVE-2023-0001", "GHSA-2j2x-a", "GHSA-2j2x-b"}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, byNumber)
	if !slices.Equal(got, want) {
		t.Errorf("ordered %v, want %v", got, want)
	}
}
